# mistake: it reads stdout to its end first, while the container waits on stderr
# fails: log_pump
# says: never comes

def log_pump(streams, write):
    for name, fd in streams.items():
        with os.fdopen(fd, "rb") as stream:
            for line in stream:
                for at in range(0, len(line), PIECE):
                    write(name, line[at : at + PIECE])
    return 0
