"""Living: pause and resume, and what a container uses while it runs."""

from __future__ import annotations

import json
import os

from minidocker.errors import Conflict, UsageError
from minidocker.oci import groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container

def freeze(kernel: Kernel, container: Container, still: bool) -> None:
    """Stop every process of it, or let them go on."""
    container.hold()
    record = container.load()
    if still:
        container.must_be(record, "created", "running")
    elif container.status(record) != "paused":
        raise Conflict(f"container not paused: {container.id}", "minidocker oci pause ID")
    groups.freeze(kernel, record["facts"], still)


def event(container: Container) -> str:
    """Return one line of JSON: what the container uses now. runc-events(8)"""
    record = container.load()
    container.must_be(record, "created", "running", "paused")
    own, old = str(record["facts"].get("cgroup", "")), groups.old_of(record["facts"])
    trees = {os.path.relpath(one, groups.ROOT).split("/")[0]: one for one in old}
    if trees:
        cpu = number(f"{trees.get('cpuacct', '')}/cpuacct.usage")
        memory = {"usage": number(f"{trees.get('memory', '')}/memory.usage_in_bytes"),
                  "limit": number(f"{trees.get('memory', '')}/memory.limit_in_bytes")}  # fmt: skip
        pids = f"{trees.get('pids', '')}/pids."
    else:
        cpu = 1000 * table(f"{own}/cpu.stat").get("usage_usec", 0)
        memory = {"usage": number(f"{own}/memory.current"), "limit": number(f"{own}/memory.max")}
        pids = f"{own}/pids."
    data = {
        "cpu": {"usage": {"total": cpu}}, "memory": {"usage": memory},
        "pids": {"current": number(f"{pids}current"), "limit": number(f"{pids}max")},
    }  # fmt: skip
    return to_line("stats", container, data)


def to_line(kind: str, container: Container, data: dict[str, object] | None = None) -> str:
    """Put one event into a line of JSON, as runc writes it."""
    told: dict[str, object] = {"type": kind, "id": container.id}
    if data is not None:
        told["data"] = data
    return json.dumps(told, separators=(",", ":"))


def killed_for_memory(container: Container) -> int:
    """Count the processes that the kernel has ended because a limit on memory was reached."""
    record = container.load()
    own, old = str(record["facts"].get("cgroup", "")), groups.old_of(record["facts"])
    counts = [table(f"{one}/memory.oom_control") for one in old] + [table(f"{own}/memory.events")]
    return sum(count.get("oom_kill", 0) for count in counts)


def number(path: str) -> int:
    """Read a number of a cgroup; 0 where there is none, or no limit."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read().strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def table(path: str) -> dict[str, int]:
    """Read lines of a name and a number."""
    try:
        with open(path, encoding="utf-8") as stream:
            return {line.split()[0]: int(line.split()[1]) for line in stream}
    except OSError:
        return {}


def seconds(text: str) -> float:
    """Read "5s", "500ms" or "1m"."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    plain = text.rstrip("hms")
    try:
        found = float(plain) * units[text[len(plain) :]]
    except (KeyError, ValueError):
        found = 0.0
    if found <= 0:
        raise UsageError(f"--interval {text!r} is no time", "such as --interval 5s")
    return found


def lasts(container: Container, patience: float) -> bool:
    """Wait until the next look; say whether the container still lives then."""
    from select import poll

    pid = container.pid(container.load())
    if not pid:
        return False
    door = os.pidfd_open(pid)
    try:
        look = poll()
        look.register(door)
        return not look.poll(int(patience * 1000))
    finally:
        os.close(door)
