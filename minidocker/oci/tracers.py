"""Tracers: who is in a pid namespace already, and could take over a process of ours born there.

It has our own rights until the gate. Whoever holds CAP_SYS_PTRACE in our user namespace may trace
it; one that holds CAP_SYS_ADMIN as well is root on the host, and needs no such detour. They are
asked of the kernel, not of records: a pod's containers share one namespace, whoever made them.
"""

from __future__ import annotations

import os

from minidocker.errors import Conflict
from minidocker.kernel.flags import CAPABILITIES
from minidocker.proc.lean import namespace

TRACES, ADMINISTERS = (1 << CAPABILITIES.index(f"CAP_SYS_{name}") for name in ("PTRACE", "ADMIN"))


def refuse(here: str) -> None:
    """Refuse a pid namespace ("pid:[4026531836]") that has a tracer in it; the host's own is ours.

    The bounding set counts: root of a container gets what is in it by any exec.
    """
    if here in ("", namespace("self", "pid")):
        return
    ours = namespace("self", "user")
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        if namespace(pid, "pid") == here and namespace(pid, "user") == ours and traces(pid):
            raise Conflict(
                f"process {pid} has CAP_SYS_PTRACE in the pid namespace that is to be entered, and "
                "could take over a process of ours that starts there",
                "give the capability to none of those that share it, or a user namespace to each",
            )


def traces(pid: str) -> bool:
    """Say whether a process may trace any other, and is not root on the host anyway."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as stream:
            lines = dict(line.split(":", 1) for line in stream if ":" in line)
    except OSError:
        return False  # it has just ended
    kept = int(lines.get("CapBnd", "0"), 16)
    return bool(kept & TRACES and not kept & ADMINISTERS)
