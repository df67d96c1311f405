# right: libc called by hand

import ctypes


def spawn(kernel, flags, child):
    libc = ctypes.CDLL("libc.so.6", use_errno=True)
    if libc.unshare(flags) == -1:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    pid = os.fork()
    return pid or child()
