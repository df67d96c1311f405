"""Who is in a container, seen from the host: its processes, with their numbers out here."""

from __future__ import annotations

import os
from typing import Any

from minidocker.errors import Conflict
from minidocker.proc import processes
from minidocker.runtime import state


def first_process(record: dict[str, Any], to: str) -> int:
    """Return the pid of a running container's first process; Conflict for one that does not run."""
    pid = int(record.get("pid") or 0) if record["alive"] else 0
    if not pid or not os.path.exists(f"/proc/{pid}"):
        name = record["name"] or record["id"]
        raise Conflict(
            f"container {name} does not run, and {to} needs one that does", "minidocker ps",
            status=1, docker=f"container {record['id']} is not running",
        )  # fmt: skip
    return pid


def members(record: dict[str, Any]) -> list[int]:
    """Return the pids of all processes in a running container, in order.

    By its cgroup; where it has none, by its pid namespace; where it shares that with others, by
    who has whom as a parent.
    """
    pid = first_process(record, "top")
    found: list[int] = []
    if cgroup := str((record.get("facts") or {}).get("cgroup") or ""):
        for folder, _, files in os.walk(cgroup):
            if "cgroup.procs" in files:
                found += numbers(f"{folder}/cgroup.procs")
    if not found and not ((record.get("spec") or {}).get("sharing") or {}).get("pid"):
        found = own_namespace(pid)
    found = found or processes.descendants([pid])
    if not state.is_alive(record["directory"]):  # the numbers may have new owners
        first_process({**record, "alive": False}, "top")
    return sorted(set(found))


def numbers(path: str) -> list[int]:
    """Return the numbers in a file of a cgroup; [] when it has just been removed."""
    try:
        with open(path, encoding="ascii") as stream:
            return [int(line) for line in stream]
    except OSError:
        return []


def own_namespace(pid: int) -> list[int]:
    """Return the pids of a pid namespace that is not ours; [] where it is, or may not be read."""
    try:
        inode = processes.namespace(pid, "pid")
        if inode == processes.namespace("self", "pid"):
            return []
        return [process.pid for process in processes.members(inode)]
    except (OSError, LookupError):
        return []
