# right: a class with type hints and a context manager, all by descriptors


from contextlib import contextmanager


@contextmanager
def looking_at(pid: int | str):
    folder = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    except ProcessLookupError:
        raise FileNotFoundError(pid) from None
    finally:
        os.close(folder)


class View:
    def __init__(self, pid: int | str) -> None:
        with looking_at(pid) as folder:
            def text(name: str) -> str:
                with open(os.open(name, os.O_RDONLY, dir_fd=folder)) as file:
                    return file.read()
            status = dict(line.split(":", 1) for line in text("status").splitlines())
            if status["State"].strip()[0] in "ZX":
                raise LookupError(pid)
            self.facts = {"seccomp": status["Seccomp"].strip(), "limit": text("cgroup")}
            ns = os.open("ns", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
            try:
                for name in ("pid", "mnt", "net", "uts", "ipc", "cgroup", "user", "time"):
                    self.facts[name] = os.readlink(name, dir_fd=ns)
            finally:
                os.close(ns)
            root = os.stat("root", dir_fd=folder)
            self.facts["root"] = f"{root.st_dev}/{root.st_ino}"


def walls_of(pid: int) -> set[str]:
    try:
        theirs = View(pid).facts
    except FileNotFoundError as problem:
        raise LookupError(str(pid)) from problem
    mine = View("self").facts
    return set(name for name in mine if mine[name] != theirs[name])
