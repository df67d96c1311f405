# right: every number that can be, with FD_CLOEXEC

import fcntl
import resource


def close_inherited(first):
    for number in range(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        try:
            fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        except OSError:
            pass
