# mistake: of the errors of write only ENOSPC is counted
# fails: log_full
# says: Your code raised OSError

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
            for line in io.BytesIO(data):
                try:
                    write(names[fd], line)
                except OSError as problem:
                    if problem.errno != 28:
                        raise
                    lost += 1
    return lost
