"""Updating: other limits for a container that lives: from a file, from stdin, or from options."""

from __future__ import annotations

import sys

from minidocker.errors import UsageError
from minidocker.oci import device_rules, groups, limits
from minidocker.oci.config import load, parse
from minidocker.spec.words import parse_size

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
    "cpuset-mems": ("cpu", "mems"), "pids-limit": ("pids", "limit"), "cpu-burst": ("cpu", "burst"),
    "cpu-idle": ("cpu", "idle"), "blkio-weight": ("blockIO", "weight"),
    "cpu-rt-period": ("cpu", "realtimePeriod"), "cpu-rt-runtime": ("cpu", "realtimeRuntime"),
}  # fmt: skip


def update(kernel: Kernel, container: Container, said: dict[str, Any]) -> None:
    """Set other limits, and other device rules."""
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
        keep_other_half(kernel, str(record["facts"]["cgroup"]), resources, files)
        look_first(kernel, str(record["facts"]["cgroup"]), resources, files)
    groups.write(kernel, record["facts"], files)
    if (rules := device_rules.read(resources)) is not None:
        groups.guard(record["facts"], rules, trees)


def look_first(
    kernel: Kernel, directory: str, resources: dict[str, Any], files: dict[str, str]
) -> None:
    """Keep checkBeforeUpdate: no limit below what is in use. (Version 1 does so by itself.)"""
    limit = files.get("memory.max", "max")
    if not (resources.get("memory") or {}).get("checkBeforeUpdate") or limit == "max":
        return
    used = int(kernel.read(f"{directory}/memory.current"))
    if int(limit) < used:
        raise UsageError(
            f"memory.limit {limit} is below what the container uses now, {used}",
            "more, or no memory.checkBeforeUpdate",
        )


def keep_other_half(
    kernel: Kernel, directory: str, resources: dict[str, Any], files: dict[str, str]
) -> None:
    """Put what is not said of quota and period as it is now: version 2 has one file for both."""
    cpu = resources.get("cpu") or {}
    if "cpu.max" not in files or (cpu.get("quota") and cpu.get("period")):
        return
    if "cpu.max" in (resources.get("unified") or {}):
        return
    quota, period = kernel.read(f"{directory}/cpu.max").split()
    wanted = files["cpu.max"].split()
    files["cpu.max"] = f"{wanted[0]} {period}" if cpu.get("quota") else f"{quota} {wanted[1]}"


def from_options(said: dict[str, Any]) -> dict[str, Any]:
    """Put options into the form of linux.resources."""
    found: dict[str, Any] = {}
    for key, (section, field) in FIELDS.items():
        if key in said:
            found.setdefault(section, {})[field] = value(key, str(said[key]))
    return found


def value(key: str, text: str) -> str | int:
    """Read one option: bytes with a unit, a list of CPUs, or a number."""
    if key.startswith("cpuset-"):
        return text
    if key.startswith("memory") and text != "-1":
        return parse_size(text, f"--{key}")
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--{key} {text!r} is no number", f"--{key} 1000") from None
