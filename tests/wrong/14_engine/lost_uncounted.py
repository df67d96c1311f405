# mistake: what is lost is not counted
# fails: log_full
# says: counts 0 lost entries

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
            try:
                for line in io.BytesIO(data):
                    write(names[fd], line)
            except OSError:
                pass
    return 0
