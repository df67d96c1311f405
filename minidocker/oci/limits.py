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


# throttle… of blockIO → its file in version 1, its word in io.max of version 2
THROTTLES = {
    "throttleReadBpsDevice": ("read_bps", "rbps"), "throttleWriteBpsDevice": ("write_bps", "wbps"),
    "throttleReadIOPSDevice": ("read_iops", "riops"),
    "throttleWriteIOPSDevice": ("write_iops", "wiops"),
}  # fmt: skip


# without a sign in the specification's own table of types
NATURAL = {"shares", "period", "realtimePeriod", "burst", "swappiness", "weight", "leafWeight",
           "classID"}  # fmt: skip


def refuse_rest(resources: dict[str, Any]) -> Part:
    """Refuse what neither version gets from us; return the object."""
    part = Part(resources, "linux.resources")
    memory = part.part("memory")
    limit, kernel = memory.number("limit") or 0, memory.number("kernel") or 0
    if kernel > 0 and not 0 < limit <= kernel:  # else memory.limit keeps it, which counts both
        memory.refuse("kernel", why="Linux 5.16 and later limit it by memory.limit alone")
    memory.flag("checkBeforeUpdate")  # `update` looks at it
    if memory.has("useHierarchy") and not memory.flag("useHierarchy"):
        raise UsageError(
            "config.json asks for linux.resources.memory.useHierarchy: false; kernels have true",
            "leave it out",
        )
    return part


def add(files: dict[str, str], name: str, line: str) -> None:
    """Add a line to a file's text; each is written by a call of its own."""
    files[name] = f"{files[name]}\n{line}" if name in files else line


def node(part: Part) -> str:
    """Write a device's number as the kernel reads it, "8:0"."""
    return f"{part.natural('major') or 0}:{part.natural('minor') or 0}"


def version_2(resources: dict[str, Any]) -> dict[str, str]:
    """Return {file: text}, in the order of writing; `unified` comes last and wins."""
    part = refuse_rest(resources)
    files: dict[str, str] = {}
    memory, cpu = part.part("memory"), part.part("cpu")
    why = "version 2 of cgroups has no such file"
    memory.refuse("kernelTCP", "swappiness", "disableOOMKiller", why=why)
    cpu.refuse("realtimeRuntime", "realtimePeriod", why=why)
    part.refuse("network", why=why)
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
    if shares := cpu.natural("shares", 64):
        files["cpu.weight"] = str(weight(shares))
    quota, period = cpu.number("quota"), cpu.natural("period", 64)
    if quota or period:
        files["cpu.max"] = f"{quota if (quota or 0) > 0 else 'max'} {period or PERIOD}"
    said(cpu, files, {"idle": "cpu.idle", "burst": "cpu.max.burst"})
    alike(part, files)
    disk = part.part("blockIO")
    disk.refuse("leafWeight", why=why)
    if heavy := disk.natural("weight", 16):
        files["io.weight"] = f"default {io_weight(heavy)}"
    for one in disk.parts("weightDevice"):
        add(files, "io.weight", f"{node(one)} {io_weight(one.natural('weight', 16) or 100)}")
    for key, (_, word) in THROTTLES.items():
        for one in disk.parts(key):
            add(files, "io.max", f"{node(one)} {word}={one.natural('rate', 64) or 'max'}")
    for page in part.parts("hugepageLimits"):
        files[f"hugetlb.{page_size(page)}.max"] = str(page.natural("limit", 64) or 0)
    for name, text in part.table("unified").items():
        if "/" in name or name.startswith("cgroup."):
            raise UsageError(f"config.json: linux.resources.unified.{name} is no limit's file")
        files[name] = text
    return files


def page_size(part: Part) -> str:
    """Read one pageSize; callers in Go may write it small, and their readers take both."""
    return part.text("pageSize") or part.text("pagesize") or part.must("pageSize")


def io_weight(heavy: int) -> int:
    """Turn 10 to 1000, as version 1 has it, into 1 to 10000."""
    return 1 + (heavy - 10) * 9999 // 990


def alike(part: Part, files: dict[str, str]) -> None:
    """Add the files that both versions call the same, and read the same."""
    for key in ("cpus", "mems"):
        if text := part.part("cpu").text(key):
            files[f"cpuset.{key}"] = text
    if pids := part.part("pids").number("limit"):
        files["pids.max"] = no_limit(pids, 1)
    rdma = part.part("rdma")
    for device in rdma.values:
        one = rdma.part(device)
        words = ((key, one.natural(name)) for key, name in
                 (("hca_handle", "hcaHandles"), ("hca_object", "hcaObjects")))  # fmt: skip
        limits = " ".join(f"{key}={number}" for key, number in words if number is not None)
        add(files, "rdma.max", f"{device} {limits}")


def version_1(resources: dict[str, Any]) -> dict[str, str]:
    """Return {file: text}: the first word of a file's name is its controller."""
    part = refuse_rest(resources)
    part.refuse("unified", why="invalid configuration where the controllers are of version 1")
    files: dict[str, str] = {}
    memory, cpu = part.part("memory"), part.part("cpu")
    numbered(memory, files, {
        "limit": "memory.limit_in_bytes", "swap": "memory.memsw.limit_in_bytes",
        "reservation": "memory.soft_limit_in_bytes", "swappiness": "memory.swappiness",
        "kernelTCP": "memory.kmem.tcp.limit_in_bytes",
    })  # fmt: skip
    if memory.number("limit") == -1 and not memory.number("swap"):
        files["memory.memsw.limit_in_bytes"] = "-1"
    if memory.flag("disableOOMKiller"):
        files["memory.oom_control"] = "1"
    numbered(cpu, files, {
        "shares": "cpu.shares", "period": "cpu.cfs_period_us", "quota": "cpu.cfs_quota_us",
        "realtimePeriod": "cpu.rt_period_us", "realtimeRuntime": "cpu.rt_runtime_us",
    })  # fmt: skip
    said(cpu, files, {"idle": "cpu.idle", "burst": "cpu.cfs_burst_us"})
    alike(part, files)
    disk, network = part.part("blockIO"), part.part("network")
    numbered(disk, files, {"weight": "blkio.weight", "leafWeight": "blkio.leaf_weight"})
    for one in disk.parts("weightDevice"):
        for key, file in (("weight", "weight"), ("leafWeight", "leaf_weight")):
            if heavy := one.natural(key, 16):
                add(files, f"blkio.{file}_device", f"{node(one)} {heavy}")
    for key, (file, _) in THROTTLES.items():
        for one in disk.parts(key):
            rate = one.natural("rate", 64) or 0
            add(files, f"blkio.throttle.{file}_device", f"{node(one)} {rate}")
    numbered(network, files, {"classID": "net_cls.classid"})
    for one in network.parts("priorities"):
        add(files, "net_prio.ifpriomap", f"{one.must('name')} {one.natural('priority') or 0}")
    for page in part.parts("hugepageLimits"):
        files[f"hugetlb.{page_size(page)}.limit_in_bytes"] = str(page.natural("limit", 64) or 0)
    return files


def numbered(part: Part, files: dict[str, str], names: dict[str, str]) -> None:
    """Put down the numbers that are there; 0 is "nothing said", as in runc."""
    for key, file in names.items():
        if number := part.natural(key, 64) if key in NATURAL else part.number(key):
            files[file] = str(number)


def said(part: Part, files: dict[str, str], names: dict[str, str]) -> None:
    """Put down the numbers that are there, 0 as well: it takes back what was set before."""
    for key, file in names.items():
        number = part.natural(key, 64) if key in NATURAL else part.number(key)
        if number is not None:
            files[file] = str(number)


def no_limit(number: int, least: int) -> str:
    """Write a limit; a number below `least` is none."""
    return str(number) if number >= least else "max"
