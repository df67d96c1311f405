# mistake: spawn waits, so nobody learns the pid while it matters
# fails: spawn_first
# says: did not return while its child was alive

def spawn(kernel, flags, child):
    kernel.unshare(flags)
    pid = kernel.fork()
    if pid == 0:
        child()
    kernel.waitpid(pid)
    return pid
