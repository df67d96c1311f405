"""What a run itself reads of /proc, by `os` alone: everything else here is dearer to load."""

from __future__ import annotations

import os


def namespace(pid: str | int, name: str) -> str:
    """Return "mnt:[4026531841]" for /proc/PID/ns/NAME; "" when it cannot be read."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{name}")
    except OSError:
        return ""


def children(pid: str | int = "self") -> list[int]:
    """Return the pids of a process's children, of all its threads; [] when it has ended.

    proc_pid_task(5), /proc/PID/task/TID/children
    """
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as text:
                found += map(int, text.read().split())
    except OSError:
        pass  # it has just ended
    return found


def state(pid: int) -> str:
    """Return a process's state letter, "Z" for a zombie; "" when it has gone. proc_pid_stat(5)"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # pid (name) state: the name may hold spaces and brackets.
            return file.read().rpartition(b")")[2].split()[0].decode()
    except OSError:
        return ""
