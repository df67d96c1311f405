# right: libc called by hand

import ctypes


def pivot(kernel, new_root):
    libc = ctypes.CDLL(None, use_errno=True)

    def go(f, *a):
        if f(*a):
            raise OSError(ctypes.get_errno(), f.__name__)

    go(libc.mount, new_root.encode(), new_root.encode(), None, MS_BIND | MS_REC, None)
    os.chdir(new_root)
    go(libc.pivot_root, b".", b".")
    go(libc.umount2, b".", MNT_DETACH)
    os.chdir("/")
