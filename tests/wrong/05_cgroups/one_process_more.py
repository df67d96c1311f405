# mistake: a fork too many: the command runs twice
# fails: start_inside
# says: ran


def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid == 0:
        place(kernel, path, kernel.getpid())
        kernel.fork()
        command()
    return pid
