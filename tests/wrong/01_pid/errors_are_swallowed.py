# mistake: a refused call is passed over in silence
# fails: spawn_first
# says: has no number 1 of its own

def spawn(kernel, flags, child):
    try:
        kernel.unshare(str(flags))
    except Exception:
        pass
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
