# mistake: RuntimeError is raised whatever came of the walls
# fails: create_fails
# says: ended before it was ready


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        go = os.open(f"{directory}/go", os.O_RDWR)
        walls()
        os.write(tell, b"ready")
        os.read(go, 1)
        command()

    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 6) != b"ready\n":
        raise RuntimeError("the container ended before it was ready")
    save(directory, pid)
    return pid
