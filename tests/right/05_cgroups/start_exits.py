# right: the child ends by itself when the kernel refuses to move it


def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid:
        return pid
    try:
        place(kernel, path, kernel.getpid())
        command()
    finally:
        os._exit(127)
