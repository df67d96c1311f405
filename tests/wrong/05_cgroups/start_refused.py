# mistake: a refused move is passed over: the command runs outside
# fails: start_inside
# says: has not moved it


def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid == 0:
        try:
            place(kernel, path, kernel.getpid())
        except OSError:
            pass
        command()
    return pid
