# mistake: after an entry that is lost, the rest of what was read is let go
# fails: log_full
# says: lines

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
                del names[fd]
            try:
                for line in io.BytesIO(data):
                    write(names[fd], line)
            except OSError:
                lost += 1
    return lost
