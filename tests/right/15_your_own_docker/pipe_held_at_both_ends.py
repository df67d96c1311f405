# right: the pipe is opened to read, and then to write by the reader itself; poll(2) waits
import select


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go", 0o600)
    hear, tell = os.pipe()

    def child():
        os.close(hear)
        go = os.open(f"{directory}/go", os.O_RDONLY | os.O_NONBLOCK)
        held = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
        walls()
        os.write(tell, b"ready")
        os.close(tell)
        poll = select.poll()
        poll.register(go, select.POLLIN)
        poll.poll()
        os.close(held)
        os.close(go)
        command()

    pid = spawn(kernel, child)
    os.close(tell)
    with os.fdopen(hear, "rb") as heard:
        if heard.read(5) != b"ready":
            os.waitpid(pid, 0)
            raise RuntimeError("no walls")
    save(directory, pid)
    return pid


CREATE_ORDER = ("spawn", "fifo", "open", "walls", "told", "record")
