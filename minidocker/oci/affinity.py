"""Affinity: the CPUs that a command may run on: all that its cgroup has, or what an exec asks for.

runtime-spec, config.md, "execCPUAffinity"; sched_setaffinity(2), cpuset(7)
"""

from __future__ import annotations

from errno import EPERM, ESRCH

from minidocker.errors import KernelError, UsageError
from minidocker.kernel.named import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.oci.config import Part

LARGEST = 8192  # CPUs that a kernel can be built for


def read(part: Part) -> dict[str, set[int]]:
    """Read an execCPUAffinity: "initial" is before the way into the cgroup, "final" after it."""
    return {key: cpus(part, key) for key in ("initial", "final") if part.text(key)}


def cpus(part: Part, key: str) -> set[int]:
    """Read a list of CPUs, "0-3,7"."""
    found: set[int] = set()
    for word in part.text(key).split(","):
        first, dash, last = word.strip().partition("-")
        ends = (first, last) if dash else (first,)
        if not all(end.isascii() and end.isdecimal() and int(end) < LARGEST for end in ends):
            raise UsageError(f"config.json: {part.where}.{key} is no list of CPUs", '"0-3,7"')
        found.update(range(int(ends[0]), int(ends[-1]) + 1))
    if not found:
        raise UsageError(f"config.json: {part.where}.{key} names no CPU", '"0-3,7"')
    return found


def spread(pid: int) -> None:
    """Let a process run on all CPUs of its cgroup, though its caller was held on a few: taskset(1).

    From Linux 6.2 on a process keeps that limit in a new cpuset.
    """
    if len(os.sched_getaffinity(0)) < (os.cpu_count() or 1):
        try:
            os.sched_setaffinity(pid, range(LARGEST))
        except KernelError as problem:
            if problem.errno not in (EPERM, ESRCH):
                raise
