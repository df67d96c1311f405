"""Strays: what is left of a container whose first process has ended, where nothing else ends it.

A pid namespace of its own dies with its PID 1, and a cgroup can be killed as a whole. With
`--pid host` or `--pid container:` there is none of the first, and some machines have none of the
second; `joining` notes that. So every process is asked which mounts it sees: those of one
container name its directory.
"""

from __future__ import annotations

import os
import signal

from minidocker.proc.lean import is_ending, namespace

ROUNDS = 1000  # one that forks all the time needs a few


def kill(directory: str) -> None:
    """Kill all that still lives in the container of this directory; nothing where there is none."""
    mark = mark_of(directory)
    for _ in range(ROUNDS):
        if not [pid for pid in os.listdir("/proc") if pid.isdecimal() and _end(int(pid), mark)]:
            return


def seeing(directory: str) -> list[int]:
    """Return the pids of all that live in the container of this directory."""
    mark = mark_of(directory)
    return [int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and _sees(int(pid), mark)]


def mark_of(directory: str) -> bytes:
    """Return what the mounts of this container have in their names, and no other's."""
    return f"/containers/{os.path.basename(directory)}/".encode()


def _end(pid: int, mark: bytes) -> bool:
    """Kill a process if it sees these mounts, in a mount namespace other than ours."""
    if not _sees(pid, mark):
        return False
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False  # it has just ended
    try:
        if not _sees(pid, mark):  # its number had a new owner before we opened it
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
        return True
    except OSError:
        return False
    finally:
        os.close(process)


def threads(pid: int) -> list[int]:
    """Return the numbers of a process's threads; [] when it has ended."""
    try:
        return [int(task) for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _sees(pid: int, mark: bytes) -> bool:
    """Say so. A zombie sees nothing; but where the first thread has ended, others may live on."""
    for task in (pid, *(threads(pid) if is_ending(pid) else ())):
        try:
            with open(f"/proc/{task}/mountinfo", "rb") as stream:
                found = mark in stream.read()
        except OSError:
            continue
        if found and namespace(task, "mnt") not in ("", namespace("self", "mnt")):
            return True
    return False
