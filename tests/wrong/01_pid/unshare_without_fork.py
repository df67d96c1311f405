# mistake: unshare moves only children, and there is none
# fails: spawn_first
# says: nobody was forked

def spawn(kernel, flags, child):
    kernel.unshare(flags)
    child()
    return kernel.getpid()
