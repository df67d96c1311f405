# mistake: the child is started by a child that stays in between
# fails: spawn_result
# says: not a child of the caller

def spawn(kernel, flags, child):
    inside, outside = os.pipe()
    if kernel.fork() == 0:
        kernel.unshare(flags)
        pid = kernel.fork()
        if pid == 0:
            child()
        os.write(outside, str(pid).encode())
        kernel.waitpid(pid)
        kernel.exit(0)
    return int(os.read(inside, 20))
