# mistake: the child does something else and ends
# fails: spawn_first
# says: spawn never called child()

def spawn(kernel, flags, child):
    kernel.unshare(flags)
    pid = kernel.fork()
    if pid == 0:
        kernel.exit(0)
    return pid
