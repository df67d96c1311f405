# mistake: the command begins as soon as the walls stand
# fails: create_waits
# says: The command began


def create(kernel, directory, walls, command):
    os.mkfifo(f"{directory}/go")
    hear, tell = os.pipe()

    def child():
        os.open(f"{directory}/go", os.O_RDWR)
        walls()
        os.write(tell, b"ready")
        command()

    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    save(directory, pid)
    return pid
