# right: the child waits at a pipe until its parent has moved it

def start_inside(kernel, path, command):
    inner, outer = os.pipe()
    pid = kernel.fork()
    if pid == 0:
        os.close(outer)
        os.read(inner, 1)
        command()
    os.close(inner)
    place(kernel, path, pid)
    os.write(outer, b"g")
    os.close(outer)
    return pid
