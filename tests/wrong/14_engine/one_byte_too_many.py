# mistake: a byte more than PIECE is read, and written
# fails: log_pump
# says: 16385 bytes

def log_pump(streams, write):
    poll, lost = select.poll(), 0
    names = {fd: name for name, fd in streams.items()}
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE + 1)
            if not data:
                poll.unregister(fd)
                del names[fd]
            for line in io.BytesIO(data):
                try:
                    write(names[fd], line)
                except OSError:
                    lost += 1
    return lost
