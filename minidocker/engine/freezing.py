"""Freezing: a container whose processes do nothing for a while, by its cgroup. cgroup v2

    /sys/fs/cgroup/…/cgroup.freeze    1 freezes all that is in it; the kernel remembers, and we ask
"""

from __future__ import annotations

import os
import time
from typing import Any

from minidocker.engine import told
from minidocker.errors import LAB_MACHINE, Blocked, Conflict


def file_of(record: dict[str, Any]) -> str:
    """Return the path of its switch; "" for a container without a cgroup of its own."""
    cgroup = str((record.get("facts") or {}).get("cgroup") or "")
    return f"{cgroup}/cgroup.freeze" if cgroup else ""


def is_frozen(record: dict[str, Any]) -> bool:
    """Say whether a container is paused."""
    try:
        with open(file_of(record) or os.devnull, encoding="ascii") as stream:
            return stream.read().strip() == "1"
    except OSError:
        return False


def freeze(record: dict[str, Any]) -> None:
    """Pause a container that runs."""
    name = record["name"] or record["id"]
    if is_frozen(record):
        raise Conflict(f"{name} is paused already", f"minidocker unpause {name}",
                       docker=f"Container {record['id']} is already paused")  # fmt: skip
    _write(record, "1")
    told.tell(record, "pause")


def settle(record: dict[str, Any], patience: float = 10.0) -> None:
    """Wait until all that is in it does nothing: the kernel stops each process at its next step."""
    end, path = time.monotonic() + patience, file_of(record).replace("freeze", "events")
    while time.monotonic() < end:
        with open(path, encoding="ascii") as stream:
            if "frozen 1" in stream.read():
                return
        time.sleep(0.005)


def unfreeze(record: dict[str, Any]) -> None:
    """Let a paused container go on."""
    name = record["name"] or record["id"]
    if not is_frozen(record):
        raise Conflict(f"{name} is not paused", "minidocker ps",
                       docker=f"Container {record['id']} is not paused")  # fmt: skip
    _write(record, "0")
    told.tell(record, "unpause")


def thaw(record: dict[str, Any]) -> None:
    """Let it go on, if it is paused: a signal is of no use to what does nothing."""
    if is_frozen(record):
        _write(record, "0")


def _write(record: dict[str, Any], text: str) -> None:
    name = record["name"] or record["id"]
    if not record["alive"]:
        raise Conflict(f"{name} is not running", "minidocker ps -a",
                       docker=f"Container {record['id']} is not running")  # fmt: skip
    if not (path := file_of(record)):
        raise Blocked(f"{name} has no cgroup of its own (version 2), and only that can be frozen",
                      LAB_MACHINE)  # fmt: skip
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
