# right: in one line: the parent has a number, the child has none


def spawn(kernel, flags, child):
    kernel.unshare(flags)
    return kernel.fork() or child()
