# mistake: the child unshares: only its own children would move
# fails: spawn_first
# says: has no number 1 of its own

def spawn(kernel, flags, child):
    pid = kernel.fork()
    if pid == 0:
        kernel.unshare(flags)
        child()
    return pid
