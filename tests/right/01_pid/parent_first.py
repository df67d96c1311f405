# right: the parent returns before the child is looked at; bits instead of macros

SPAWN_ORDER = ("unshare", "fork", "return", "child")


def spawn(kernel, flags, child):
    kernel.unshare(flags)
    if pid := os.fork():
        return pid
    child()


def exit_status(status):
    signal, code = status & 0x7F, status >> 8 & 0xFF
    return signal + 128 if signal else code
