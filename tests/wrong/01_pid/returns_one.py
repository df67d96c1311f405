# mistake: the number inside is returned, not the number outside
# fails: spawn_result
# says: spawn returned 1, but the caller sees

def spawn(kernel, flags, child):
    kernel.unshare(flags)
    if kernel.fork() == 0:
        child()
    return 1
