# mistake: the caller moves itself, and its child is born inside
# fails: start_inside
# says: moved its caller too

def start_inside(kernel, path, command):
    place(kernel, path, kernel.getpid())
    pid = kernel.fork()
    if pid == 0:
        command()
    return pid
