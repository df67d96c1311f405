# mistake: another process takes number 1
# fails: spawn_first
# says: another process was there first

import signal


def spawn(kernel, flags, child):
    kernel.unshare(flags)
    if kernel.fork() == 0:
        signal.pause()
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
