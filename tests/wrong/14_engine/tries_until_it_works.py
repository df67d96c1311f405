# mistake: it writes again until the disk takes it
# fails: log_full
# says: counts

def log_pump(streams, write):
    poll, names = select.poll(), {fd: name for name, fd in streams.items()}
    lost = 0
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                del names[fd]
            for line in io.BytesIO(data):
                while True:
                    try:
                        write(names[fd], line)
                        break
                    except OSError:
                        continue
    return lost
