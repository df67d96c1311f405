"""The rows of `stats`: Docker's fields and headings, from the kernel's figures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from minidocker.engine.listing import SHORT, decimal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidocker.proc.usage import Use

COLUMNS = {
    "BlockIO": "BLOCK I/O", "CPUPerc": "CPU %", "Container": "CONTAINER", "ID": "CONTAINER ID",
    "MemPerc": "MEM %", "MemUsage": "MEM USAGE / LIMIT", "Name": "NAME", "NetIO": "NET I/O",
    "PIDs": "PIDS",
}  # fmt: skip
ORDER = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
USUAL = "\t".join(f"{{{{.{name}}}}}" for name in ORDER)
UNKNOWN = "--"


def fields(id: str, name: str, pid: int, group: str, use: Use, whole: bool) -> dict[str, Any]:
    """Return one container's fields; `whole` cuts no id off.

    A limit that nobody has set is the machine's memory.
    """
    now = use.now
    limit = now.memory_limit or machine_memory()
    id = id if whole else id[:SHORT]
    return {
        "BlockIO": pair(disk_bytes(group)),
        "CPUPerc": f"{use.cpu:.2f}%",
        "Container": id,
        "ID": id,
        "MemPerc": f"{100 * now.memory / limit:.2f}%" if limit else UNKNOWN,
        "MemUsage": f"{binary(now.memory)} / {binary(limit)}",
        "Name": name or id[:SHORT],
        "NetIO": pair(net_bytes(pid)),
        "PIDs": str(now.pids),
    }


def pair(counts: tuple[int, int] | None) -> str:
    """Write what came in and what went out; where nobody counts, that."""
    return " / ".join(map(decimal, counts)) if counts else UNKNOWN


def binary(size: float) -> str:
    """Write a size with four digits, in 1024s, as Docker does: 1.402MiB."""
    unit = 0
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    while size >= 1024 and unit < len(units) - 1:
        size /= 1024
        unit += 1
    return f"{size:.4g}{units[unit]}"


def machine_memory() -> int:
    """Return the bytes of memory that this machine has. proc(5)"""
    for words in lines_of("/proc/meminfo"):
        if words[0] == "MemTotal:":
            return int(words[1]) << 10
    return 0


def net_bytes(pid: int) -> tuple[int, int] | None:
    """Return the bytes that a process's network has received and sent, but for its loopback."""
    received = sent = 0
    found = list(lines_of(f"/proc/{pid}/net/dev"))[2:] if pid else []
    for name, *counts in found:
        if name != "lo:":
            received, sent = received + int(counts[0]), sent + int(counts[8])
    return (received, sent) if found or not pid else None


def disk_bytes(group: str) -> tuple[int, int] | None:
    """Return the bytes that a cgroup has read and written; None where nobody counts them."""
    if not group or not os.path.exists(f"{group}/io.stat"):
        return None
    read = written = 0
    for words in lines_of(f"{group}/io.stat"):
        counts = dict(word.split("=") for word in words if "=" in word)
        read += int(counts.get("rbytes", 0))
        written += int(counts.get("wbytes", 0))
    return read, written


def lines_of(path: str) -> Iterable[list[str]]:
    """Yield the words of each line of a file of the kernel's; nothing where there is none."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            yield from (line.replace(":", ": ", 1).split() for line in stream if line.strip())
    except OSError:
        return
