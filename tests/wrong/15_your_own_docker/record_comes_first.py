# mistake: the record is written before the child has said anything
# fails: create_fails
# says: there is a record all the same


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
    save(directory, pid)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    return pid
