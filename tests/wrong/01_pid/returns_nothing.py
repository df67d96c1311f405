# mistake: the pid is forgotten
# fails: spawn_result
# says: spawn returned None

def spawn(kernel, flags, child):
    kernel.unshare(flags)
    if kernel.fork() == 0:
        child()
