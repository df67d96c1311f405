# mistake: a namespace that nobody asked for
# fails: spawn_flags
# says: uts


def spawn(kernel, flags, child):
    kernel.unshare(flags | CLONE_NEWPID | 0x04000000)
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
