# mistake: a pipe without a writer looks closed, so read returns at once
# fails: create_waits
# says: The command began


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        go = os.open(f"{directory}/go", os.O_RDONLY | os.O_NONBLOCK)
        walls()
        os.write(tell, b"ready")
        os.read(go, 1)
        command()

    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    save(directory, pid)
    return pid
