"""Living: is a process still the one that was written down? Its number may have a new owner.

A pid is written with the time of its start and the kernel's boot: "PID START BOOT". proc(5)
"""

from __future__ import annotations

import os

from minidocker.places import at_once, is_file
from minidocker.proc.lean import began

BOOT = "sys/kernel/random/boot_id"  # below the procfs
FILE = "pid"  # in a container's directory: the mark of its first process
LONGEST = 20  # digits of a number that is looked at; no pid is so long

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any


def mark(pid: int, proc: str = "/proc") -> str:
    """Return "PID START BOOT" of a process; "" for one that has ended, a zombie too."""
    if not (start := began(pid, proc)):
        return ""
    try:
        with open(f"{proc}/{BOOT}", encoding="utf-8") as stream:
            return f"{pid} {start} {stream.read().strip()}"
    except OSError:
        return ""


def alive(text: str, proc: str = "/proc") -> int:
    """Return the pid of a mark if that very process lives, else 0."""
    pid = text[:LONGEST].partition(" ")[0]
    return int(pid) if pid.isascii() and pid.isdecimal() and mark(int(pid), proc) == text else 0


def status_of(record: dict[str, Any], proc: str = "/proc") -> str:
    """Say what became of a process: "running", "exited", "crashed", or "unknown".

    The record has its pid, its start and its boot, and its exit status when somebody has noted it;
    what is not known is None or not there. "crashed": it has ended, and nobody noted how.
    """
    if record.get("exit") is not None:
        return "exited"
    words = [record.get(name) for name in ("pid", "start", "boot")]
    if None in words:
        return "unknown"
    return "running" if alive(" ".join(map(str, words)), proc) else "crashed"


def written(directory: str) -> str:
    """Return the mark of a detached container's first process; "" where none was written."""
    try:
        with open(
            f"{directory}/{FILE}", encoding="utf-8", errors="replace", opener=at_once
        ) as stream:
            return stream.read().strip()
    except OSError:
        return ""


def lives(directory: str) -> int:
    """Return the pid of a detached container's first process if it lives, else 0."""
    return alive(written(directory))


def is_kept(directory: str) -> bool:
    """Say whether a container lives that nobody holds the lock of: alone, or with a lost lock.

    Who owns one whose lock is lost holds a file without a name; so its record's marks count.
    """
    if lives(directory):
        return True
    if is_file(f"{directory}/lock"):
        return False  # who owns it holds that
    import json  # which a start without such a neighbour does not need

    try:
        with open(f"{directory}/record.json", encoding="utf-8", opener=at_once) as stream:
            record = json.load(stream)
        marks = [str(record.get(role) or "") for role in ("keeper", "standby")]
        pid = record.get("pid")
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    return any(map(alive, marks)) or (
        isinstance(pid, int) and is_inside(pid, os.path.basename(directory))
    )


def is_inside(pid: int, id: str) -> bool:
    """Say whether a process is of a container: its cgroup or its mounts have the id."""
    for name in ("cgroup", "mountinfo"):
        try:
            with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as stream:
                if id in stream.read():
                    return True
        except OSError:
            pass  # it has ended
    return False


def behind(process: int) -> int:
    """Return the number of the process behind a pidfd; 0 when it has ended. proc(5), fdinfo"""
    with open(f"/proc/self/fdinfo/{process}", encoding="utf-8") as stream:
        number = next((int(line.split()[1]) for line in stream if line.startswith("Pid:")), 0)
    return max(number, 0)  # −1: it has been waited for


def handle(text: str) -> int:
    """Open a pidfd of a marked process; −1 when it has ended. The caller closes it. pidfd_open(2)

    Looked at again after the open: from then on the number cannot go to another process.
    """
    if not (pid := alive(text)):
        return -1
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return -1
    if alive(text):
        return fd
    os.close(fd)
    return -1
