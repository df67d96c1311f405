# mistake: both streams go under one name
# fails: log_pump
# says: not what the container has said

def log_pump(streams, write):
    poll, fds = select.poll(), set(streams.values())
    for fd in fds:
        poll.register(fd, select.POLLIN)
    while fds:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                fds.discard(fd)
            for line in io.BytesIO(data):
                write("stdout", line)
    return 0
