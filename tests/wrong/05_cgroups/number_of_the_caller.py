# mistake: the wrong number is returned
# fails: start_inside
# says: start_inside returned

def start_inside(kernel, path, command):
    pid = kernel.fork()
    if pid == 0:
        place(kernel, path, kernel.getpid())
        command()
    return kernel.getpid()
