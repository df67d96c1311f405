"""Living: what is asked of a container that runs: pause and resume, its processes, limits, use."""

from __future__ import annotations

import json
import os
import sys

from minidocker.errors import UsageError
from minidocker.oci import device_rules, groups, limits
from minidocker.oci.config import load, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container

# option of `update` → where it stands in linux.resources
FIELDS = {
    "memory": ("memory", "limit"), "memory-swap": ("memory", "swap"),
    "memory-reservation": ("memory", "reservation"), "cpu-period": ("cpu", "period"),
    "cpu-quota": ("cpu", "quota"), "cpu-share": ("cpu", "shares"), "cpuset-cpus": ("cpu", "cpus"),
    "cpuset-mems": ("cpu", "mems"), "pids-limit": ("pids", "limit"),
}  # fmt: skip


def freeze(kernel: Kernel, container: Container, still: bool) -> None:
    """Stop every process of it, or let them go on."""
    container.hold()
    record = container.load()
    container.must_be(record, *(("created", "running") if still else ("paused",)))
    groups.freeze(kernel, record["facts"], still)


def processes(container: Container, form: str) -> str:
    """Return the processes as a table, or their numbers as JSON."""
    record = container.load()
    container.must_be(record, "created", "running", "paused")
    pids = sorted(groups.members(record["facts"])) or [record["pid"]]
    if form == "json":
        return json.dumps(pids)
    if form != "table":
        raise UsageError(f"--format {form} is neither table nor json", "--format json")
    rows = [f"{'UID':<10} {'PID':>8} {'PPID':>8} CMD"]
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as stream:
                fields = {name: text.strip() for name, _, text in
                          (line.partition(":") for line in stream)}  # fmt: skip
            with open(f"/proc/{pid}/cmdline", "rb") as raw:
                words = raw.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it has just ended
        uid = fields["Uid"].split()[0]
        shown = "".join(c if c.isprintable() else "?" for c in words or f"[{fields['Name']}]")
        rows.append(f"{uid:<10} {pid:>8} {fields['PPid']:>8} {shown}")
    return "\n".join(rows)


def update(kernel: Kernel, container: Container, said: dict[str, Any]) -> None:
    """Set other limits, and other device rules: from a file, from stdin, or from options."""
    container.hold()
    record = container.load()
    container.must_be(record, "created", "running", "paused")
    if "resources" in said:
        name = str(said["resources"])
        part = parse(sys.stdin.read(), "-") if name == "-" else load(name)[1]
        resources = part.values
    else:
        resources = from_options(said)
    trees = groups.Trees()
    files = limits.version_1(resources) if trees.hybrid else limits.version_2(resources)
    if files and not (record["facts"].get("cgroup") or record["facts"].get("cgroups")):
        groups.refuse(files, "this container has no cgroup")
    if not trees.hybrid and files:
        path = str(record["facts"]["cgroup"]).removeprefix(groups.ROOT)
        groups.pass_on(kernel, path, {name.split(".")[0] for name in files})
    groups.write(kernel, record["facts"], files)
    if (rules := device_rules.read(resources)) is not None:
        groups.guard(record["facts"], rules, trees)


def from_options(said: dict[str, Any]) -> dict[str, Any]:
    """Put options into the form of linux.resources."""
    found: dict[str, Any] = {}
    for key, (section, field) in FIELDS.items():
        if key not in said:
            continue
        value: str | int = str(said[key])
        if not field.endswith(("cpus", "mems")):
            try:
                value = int(value)
            except ValueError:
                raise UsageError(f"--{key} {value!r} is no number", f"--{key} 1000") from None
        found.setdefault(section, {})[field] = value
    return found


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
    return json.dumps({"type": "stats", "id": container.id, "data": data})


def number(path: str) -> int:
    """Read a number of a cgroup; 0 where there is none, or no limit."""
    try:
        with open(path, encoding="ascii") as stream:
            text = stream.read().strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def table(path: str) -> dict[str, int]:
    """Read lines of a name and a number."""
    try:
        with open(path, encoding="ascii") as stream:
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


