# right: the pipe as a file object, in a with statement

def start(directory):
    try:
        fd = os.open(os.path.join(directory, "go"), os.O_NONBLOCK | os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError as problem:
        raise ValueError("no pipe") from problem
    except OSError as problem:
        if problem.errno == ENXIO:
            raise ValueError("nobody waits") from problem
        raise
    with os.fdopen(fd, "wb", buffering=0) as pipe:
        pipe.write(b"\0")
