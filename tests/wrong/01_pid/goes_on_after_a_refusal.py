# mistake: a refused unshare is passed over: the child runs without its walls
# fails: spawn_flags
# says: goes on in silence


def spawn(kernel, flags, child):
    try:
        kernel.unshare(flags)
    except PermissionError:
        pass
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
