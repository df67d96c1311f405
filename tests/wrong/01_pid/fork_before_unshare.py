# mistake: unshare comes after the fork: too late for this child
# fails: spawn_first
# says: has no number 1 of its own

def spawn(kernel, flags, child):
    pid = kernel.fork()
    if pid == 0:
        child()
    kernel.unshare(flags)
    return pid
