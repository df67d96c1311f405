# right: a context manager for descriptors, pipe2, and one byte as the word; a child that ended is reaped


from contextlib import contextmanager


@contextmanager
def opened(path, flags):
    fd = os.open(path, flags)
    try:
        yield fd
    finally:
        os.close(fd)


def start(directory: str) -> None:
    try:
        with opened(os.path.join(directory, "go"), os.O_NONBLOCK | os.O_WRONLY) as go:
            os.write(go, b"x")
    except FileNotFoundError as problem:
        raise ValueError("not created") from problem
    except OSError as problem:
        if problem.errno == ENXIO:
            raise ValueError("not created") from problem
        raise


def state(directory: str) -> str:
    record = load(directory)
    if record == {}:
        return "creating"
    now = seen(record.get("pid"))
    alive = now[0] not in {"", "Z", "X"} and now[1] == record["began"] and boot() == record["boot"]
    if not alive:
        return "stopped"
    try:
        with opened(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK):
            return "created"
    except OSError:
        return "running"


def create(kernel, directory: str, walls, command) -> int:
    go = os.path.join(directory, "go")
    os.mkfifo(go, 0o600)
    ready = os.pipe2(os.O_CLOEXEC)

    def child() -> None:
        os.close(ready[0])
        with opened(go, os.O_RDWR) as waiting:
            walls()
            os.write(ready[1], b"!")
            os.close(ready[1])
            os.read(waiting, 1)
        command()

    pid = spawn(kernel, child)
    os.close(ready[1])
    try:
        if not os.read(ready[0], 1):
            os.waitpid(pid, 0)
            raise RuntimeError("it ended")
    finally:
        os.close(ready[0])
    save(directory, pid)
    return pid
