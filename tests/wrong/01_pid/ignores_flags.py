# mistake: the flags are written down instead of passed on
# fails: spawn_flags
# says: MISSING

def spawn(kernel, flags, child):
    kernel.unshare(CLONE_NEWPID)
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
