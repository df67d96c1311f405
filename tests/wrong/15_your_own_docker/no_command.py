# mistake: the process waits, and then ends
# fails: create_waits
# says: did not begin


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        go = os.open(f"{directory}/go", os.O_RDWR)
        walls()
        os.write(tell, b"ready")
        os.read(go, 1)

    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    save(directory, pid)
    return pid
