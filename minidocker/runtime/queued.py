"""Queued: files that only a socket's queue holds. A process has sent them, and none received them.

No /proc/PID/fd names them, but a socket's fdinfo says how many wait (scm_fds). What cannot be
looked at counts as all that the disk lacks: else it would be the place to hide a file.
"""

from __future__ import annotations

from minidocker.errors import KernelError
from minidocker.kernel.linux_network import descriptor_of
from minidocker.kernel.named import os
from minidocker.kernel.queued import waiting

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIDFD_THREAD = os.O_EXCL  # a thread with descriptors of its own, from Linux 6.9 on
S_IFMT, S_IFSOCK = 0o170000, 0o140000
UNSEEN = os.stat_result((0,) * 10, {"st_blocks": 1 << 50})


def in_queue(pid: int, task: int, number: str, known: set[int]) -> Iterator[os.stat_result]:
    """Yield the status of all that waits in a socket, which a thread of a process has open.

    known: inode numbers of sockets that were looked at; one that waits in another is added.
    """

    def take() -> int:
        process = os.pidfd_open(task, 0 if task == pid else PIDFD_THREAD)
        try:
            return descriptor_of(process, int(number))
        finally:
            os.close(process)

    yield from behind(f"/proc/{task}/fdinfo/{number}", take, known)


def behind(info: str, take: Callable[[], int], known: set[int]) -> Iterator[os.stat_result]:
    """Yield what waits in the socket that `take` opens; what waits in a socket there, too."""
    if not (before := count(info)):
        return
    found = 0
    try:
        sock = take()
    except OSError:
        if count(info):  # else it has just been closed
            yield UNSEEN
        return
    try:
        for fd in waiting(sock):
            found += 1
            status = os.fstat(fd)
            yield status
            if is_socket(status) and status.st_ino not in known:
                known.add(status.st_ino)
                yield from behind(f"/proc/self/fdinfo/{fd}", again(fd), known)
    except KernelError:
        pass  # one that listens: its callers' messages cannot be looked at
    finally:
        os.close(sock)
    if found < min(before, count(info)):
        yield UNSEEN


def again(fd: int) -> Callable[[], int]:
    """Return what opens a descriptor of ours once more."""
    return lambda: os.dup(fd)


def is_socket(status: os.stat_result) -> bool:
    """Say whether this is a socket."""
    return status.st_mode & S_IFMT == S_IFSOCK


def count(info: str) -> int:
    """Return how many descriptors wait in a socket; 0 for what is none. proc_pid_fdinfo(5)"""
    try:
        with open(info, "rb") as stream:
            lines = stream.read().split(b"\n")
    except OSError:
        return 0  # it has just been closed
    return sum(int(line.split()[1]) for line in lines if line.startswith(b"scm_fds:"))
