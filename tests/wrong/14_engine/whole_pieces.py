# mistake: what was read goes into one entry, with all its lines
# fails: log_pump
# says: more than one line

def log_pump(streams, write):
    poll, names = select.poll(), {fd: name for name, fd in streams.items()}
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                del names[fd]
            else:
                write(names[fd], data)
    return 0
