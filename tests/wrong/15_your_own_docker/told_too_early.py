# mistake: create returns before the mounts: the child says "ready" first
# fails: create_waits
# says: create returned before the walls stood


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        go = os.open(f"{directory}/go", os.O_RDWR)
        os.write(tell, b"ready")
        walls()
        os.read(go, 1)
        command()

    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    save(directory, pid)
    return pid
