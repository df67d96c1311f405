"""Limits: `linux.resources` as texts for files of a cgroup, of version 2 and of version 1.

config-linux.md, "Control groups"; Documentation/admin-guide/cgroup-v2 and cgroup-v1. The course
teaches version 2. Version 1 is here for machines whose controllers are still there: Podman sets a
limit on processes for each container, so without it not one would start.
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.oci.config import Part
from minidocker.stages.cgroup import weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PERIOD = 100_000  # microseconds


def refuse_rest(resources: dict[str, Any]) -> Part:
    """Refuse what neither version gets from us; return the object."""
    part = Part(resources, "linux.resources")
    part.refuse("network", "rdma")
    part.part("memory").refuse("kernel", "kernelTCP", "useHierarchy", "checkBeforeUpdate")
    part.part("cpu").refuse("realtimeRuntime", "realtimePeriod")
    part.part("blockIO").refuse(
        "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
        "throttleReadIOPSDevice", "throttleWriteIOPSDevice",
    )  # fmt: skip
    return part


def version_2(resources: dict[str, Any]) -> dict[str, str]:
    """Return {file: text}, in the order of writing; `unified` comes last and wins."""
    part = refuse_rest(resources)
    files: dict[str, str] = {}
    memory, cpu = part.part("memory"), part.part("cpu")
    memory.refuse("swappiness", "disableOOMKiller", why="version 2 of cgroups has no such file")
    limit, swap = memory.number("limit"), memory.number("swap")
    if limit == -1 and not swap:
        swap = -1  # without a limit on memory, one on both would hold it down all the same
    if swap and swap > 0:
        if limit is None or not 0 <= limit <= swap:
            raise UsageError(
                "config.json: memory.swap counts memory and swap, so it is at least memory.limit"
            )
        files["memory.swap.max"] = str(swap - limit)
    elif swap:
        files["memory.swap.max"] = "max"
    if limit:  # 0 is "nothing said", as in runc
        files["memory.max"] = no_limit(limit, 0)
    if low := memory.number("reservation"):
        files["memory.low"] = no_limit(low, 0)
    if shares := cpu.number("shares"):
        files["cpu.weight"] = str(weight(shares))
    quota, period = cpu.number("quota"), cpu.number("period")
    if quota or period:
        files["cpu.max"] = f"{quota if (quota or 0) > 0 else 'max'} {period or PERIOD}"
    numbered(cpu, files, {"idle": "cpu.idle", "burst": "cpu.max.burst"})
    alike(part, files)
    if heavy := part.part("blockIO").number("weight"):
        files["io.weight"] = f"default {1 + (heavy - 10) * 9999 // 990}"
    for page in part.parts("hugepageLimits"):
        files[f"hugetlb.{page.must('pageSize')}.max"] = str(page.number("limit", 0))
    for name, text in part.table("unified").items():
        if "/" in name or name.startswith("cgroup."):
            raise UsageError(f"config.json: linux.resources.unified.{name} is no limit's file")
        files[name] = text
    return files


def alike(part: Part, files: dict[str, str]) -> None:
    """Add the files that both versions call the same, and read the same."""
    for key in ("cpus", "mems"):
        if text := part.part("cpu").text(key):
            files[f"cpuset.{key}"] = text
    if pids := part.part("pids").number("limit"):
        files["pids.max"] = no_limit(pids, 1)


def version_1(resources: dict[str, Any]) -> dict[str, str]:
    """Return {file: text}: the first word of a file's name is its controller."""
    part = refuse_rest(resources)
    part.refuse("unified", why="invalid configuration where the controllers are of version 1")
    files: dict[str, str] = {}
    memory, cpu = part.part("memory"), part.part("cpu")
    numbered(memory, files, {
        "limit": "memory.limit_in_bytes", "swap": "memory.memsw.limit_in_bytes",
        "reservation": "memory.soft_limit_in_bytes", "swappiness": "memory.swappiness",
    })  # fmt: skip
    if memory.number("limit") == -1 and not memory.number("swap"):
        files["memory.memsw.limit_in_bytes"] = "-1"
    if memory.flag("disableOOMKiller"):
        files["memory.oom_control"] = "1"
    cpu.refuse("idle", "burst", why="this machine's controllers are of version 1")
    numbered(cpu, files, {
        "shares": "cpu.shares", "period": "cpu.cfs_period_us", "quota": "cpu.cfs_quota_us",
    })  # fmt: skip
    alike(part, files)
    if heavy := part.part("blockIO").number("weight"):
        files["blkio.weight"] = str(heavy)
    for page in part.parts("hugepageLimits"):
        files[f"hugetlb.{page.must('pageSize')}.limit_in_bytes"] = str(page.number("limit", 0))
    return files


def numbered(part: Part, files: dict[str, str], names: dict[str, str]) -> None:
    """Put down the numbers that are there; 0 is "nothing said", as in runc."""
    for key, file in names.items():
        if number := part.number(key):
            files[file] = str(number)


def no_limit(number: int, least: int) -> str:
    """Write a limit; a number below `least` is none."""
    return str(number) if number >= least else "max"
