"""What a run itself reads of /proc, by `os` alone: everything else here is dearer to load."""

from __future__ import annotations

import os

STATE, PARENT, FLAGS, START = 3, 4, 9, 22  # fields of /proc/PID/stat, counted from 1
NOBODY = 65534  # what a user namespace shows of an owner that it does not know
EXITING = 0x4  # PF_EXITING, of the kernel's include/linux/sched.h


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
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as text:
                found += map(int, text.read().split())
    except OSError:
        pass  # it has just ended
    return found


def fields(pid: int, proc: str = "/proc") -> list[str]:
    """Return what stands in /proc/PID/stat from the third field, the state, on; [] if it is gone.

    The second, the name, may hold blanks and brackets: they are counted behind its end.
    proc_pid_stat(5)
    """
    try:
        with open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def began(pid: int, proc: str = "/proc") -> str:
    """Return when a process began, in ticks since the boot; "" for one that has ended."""
    found = fields(pid, proc)
    return "" if not found or found[STATE - 3] in "ZX" else found[START - 3]


def state(pid: int) -> str:
    """Return a process's state letter, "Z" for a zombie; "" when it has gone."""
    return next(iter(fields(pid)), "")


def is_ending(pid: int) -> bool:
    """Say whether a process is on its way out, though it may be no zombie yet. PF_EXITING"""
    found = fields(pid)
    return bool(found) and bool(int(found[FLAGS - 3]) & EXITING)


def unescape(field: str) -> str:
    r"""Undo what the kernel escapes in a mountinfo file: "a\040b" is the name "a b". seq_path(9)"""
    first, *rest = os.fsencode(field).split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(one[:3], 8)]) + one[3:] for one in rest))


def in_user_namespace() -> bool:
    """Say whether our root is not the host's. user_namespaces(7)"""
    with open("/proc/self/uid_map", encoding="utf-8") as stream:
        return stream.read().split() != ["0", "0", "4294967295"]


def stranger(directory: str) -> str:
    """Say why a directory of records is not to be believed: whose it is, too; "" when it may be.

    Root's is believed, and one whose owner our user namespace does not know: a room shows root so.
    Where everybody may write, as on a new tmpfs, all that is in it must be ours, and stay so.
    """
    try:
        found = os.stat(directory)
        if not known(found.st_uid):
            return f"belongs to user {found.st_uid}"
        if found.st_mode & 0o002:
            if not found.st_mode & 0o1000:
                return "may be changed by everybody"
            for name in os.listdir(directory):
                owner = os.lstat(f"{directory}/{name}").st_uid
                if not known(owner):
                    return f"holds {name}, which belongs to user {owner}"
    except OSError:
        pass  # it is not there yet, or whoever looks into it says why not
    return ""


def known(owner: int) -> bool:
    """Say whether a file of this owner's is ours, or root's."""
    return owner in (0, os.geteuid()) or (owner == NOBODY and in_user_namespace())
