# right: libc called by hand, without the kernel object

import ctypes


def set_hostname(kernel, name):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUTS):
        raise OSError(ctypes.get_errno(), "unshare")
    raw = name.encode()
    if libc.sethostname(raw, len(raw)):
        raise OSError(ctypes.get_errno(), "sethostname")
