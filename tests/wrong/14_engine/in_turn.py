# mistake: the streams are read in turn, and the reading of one waits
# fails: log_pump
# says: never comes

def log_pump(streams, write):
    poll, lost = select.poll(), 0
    names = {fd: name for name, fd in streams.items()}
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd in list(names):
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                del names[fd]
            for line in io.BytesIO(data):
                try:
                    write(names[fd], line)
                except OSError:
                    lost += 1
    return lost
