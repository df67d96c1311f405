# right: clone instead of unshare and fork

def spawn(kernel, flags, child):
    pid = kernel.clone(flags)
    if pid == 0:
        child()
    return pid
