# mistake: "ready" is said whatever came of the walls
# fails: create_fails
# says: did not raise RuntimeError


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        go = os.open(f"{directory}/go", os.O_RDWR)
        try:
            walls()
        finally:
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
