# right: libc called by hand

import ctypes


def place_etc_files(kernel, directory, root):
    libc = ctypes.CDLL(None, use_errno=True)
    for n in "hosts hostname resolv.conf".split():
        if libc.mount(
            os.fsencode(f"{directory}/{n}"),
            os.fsencode(f"{root}/etc/{n}"),
            None,
            ctypes.c_ulong(MS_BIND),
            None,
        ):
            raise OSError(ctypes.get_errno(), n)
