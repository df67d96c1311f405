# right: every number up to the highest that is open, with FD_CLOEXEC

import fcntl
import os


def close_inherited(first):
    for number in range(first, max(map(int, os.listdir("/proc/self/fd"))) + 1):
        try:
            fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        except OSError:
            pass
