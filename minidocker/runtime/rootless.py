"""Rootless: what an ordinary user can do only as the root of a user namespace.

Files that a container made under subordinate ids belong to none of the user's own ids: on the host
they cannot be removed, but in a namespace with the same maps their owner's root may.
"""

from __future__ import annotations

import os
import sys

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel.flags import CLONE_NEWUSER
from minidocker.kernel.linux import Linux
from minidocker.spec import ids
from minidocker.stages.user import User

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.spec.spec import Ids


def remove_tree(directory: str) -> None:
    """Remove a container's directory, the lock last."""

    def work() -> int:
        Linux().remove_tree(directory, "lock")
        return 0

    as_root(work)


def wanted() -> bool:
    """Say whether this user's files can have several owners: only then is the detour worth it."""
    return bool(os.geteuid() and ids.choose({}).subuid)


def as_root(work: Callable[[], int]) -> int:
    """Do `work` in a child that is root in a user namespace with the caller's maps.

    Returns the status that it returned. What it raised is raised again here, as one sentence.
    """
    kernel, stage, maps = Linux(), User(), ids.choose({})
    ready, begin, told = os.pipe(), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.unshare(CLONE_NEWUSER)
            os.write(ready[1], b"R")
            os.close(begin[1])
            if os.read(begin[0], 1):
                stage.become_root(kernel)
                status = work()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        except BaseException as problem:
            remedy = getattr(problem, "remedy", "")
            os.write(told[1], f"{problem}\0{remedy}\0{getattr(problem, 'status', 125)}".encode())
        os._exit(125)
    for fd in (ready[1], begin[0], told[1]):
        os.close(fd)
    try:
        if os.read(ready[0], 1):
            write_maps(kernel, stage, pid, maps)
            os.write(begin[1], b"G")
    finally:
        os.close(begin[1])
        _, status = os.waitpid(pid, 0)
        said = os.read(told[0], 4000).decode(errors="replace")
        for fd in (ready[0], told[0]):
            os.close(fd)
    if said:
        message, remedy, number = said.split("\0")
        raise MinidockerError(message, remedy, int(number))
    return os.waitstatus_to_exitcode(status)


def write_maps(kernel: Linux, stage: User, pid: int, maps: Ids) -> None:
    """Write the maps of a process as the stage does for a container."""
    from minidocker.spec.spec import Hardening, Run, Spec

    run = Run(id="", directory="", root="", facts={}, spec=Spec(linux=Hardening(ids=maps)))
    try:
        stage.outside(kernel, run, pid)
    except KernelError as problem:
        raise MinidockerError(str(problem), problem.remedy) from None
