# mistake: the end of one stream counts as the end of all
# fails: log_pump
# says: bytes of stderr

def log_pump(streams, write):
    poll, lost = select.poll(), 0
    names = {fd: name for name, fd in streams.items()}
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                return lost
            for line in io.BytesIO(data):
                try:
                    write(names[fd], line)
                except OSError:
                    lost += 1
    return lost
