# mistake: a last line without an end is lost
# fails: log_pump
# says: not what the container has said

def log_pump(streams, write):
    poll, names = select.poll(), {fd: name for name, fd in streams.items()}
    rest = dict.fromkeys(names, b"")
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                del names[fd]
                continue
            *lines, rest[fd] = (rest[fd] + data).split(b"\n")
            for line in lines:
                write(names[fd], line + b"\n")
    return 0
