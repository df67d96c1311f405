"""Read-only interpreter: for a process of ours that stays visible in a container.

With --init, PID 1 is this Python, and /proc/1/exe leads to the host's interpreter: root in
the container could write to it (CVE-2019-5736 was this, in runc). So the whole command starts
again from a read-only bind of the interpreter, in a mount namespace of its own.
"""

from __future__ import annotations

import os
import sys

from minidocker.kernel.flags import (
    CLONE_NEWNS,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
)

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

ST_RDONLY = 1


def ensure(kernel: Kernel) -> None:
    """Return when the interpreter is on a read-only mount; otherwise start again from one."""
    program = os.path.realpath("/proc/self/exe")
    if os.statvfs("/proc/self/exe").f_flag & ST_RDONLY:
        return
    kernel.unshare(CLONE_NEWNS)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    kernel.mount(program, program, "", MS_BIND)
    kernel.mount("", program, "", MS_REMOUNT | MS_BIND | MS_RDONLY)
    kernel.execve(program, [sys.argv[0], *sys.orig_argv[1:]], dict(os.environ))
