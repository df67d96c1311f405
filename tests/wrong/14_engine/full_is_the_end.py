# mistake: a full disk ends the pump
# fails: log_full
# says: OSError

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
            for line in io.BytesIO(data):
                write(names[fd], line)
    return 0
