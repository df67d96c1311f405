"""Read cgroup version 2: where a process stands in the tree, its limits, and what it uses.

Nothing here writes. A value that this kernel or this cgroup does not have is None, never 0: the
root has no limits, and a directory shows memory.* only where its parent passes the controller on.
Manual: cgroups(7), the kernel's admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from minidocker.proc import mounts, processes
from minidocker.proc.machine import Host

LIMITS = ("memory.max", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight")
PRESSURES = ("cpu", "memory", "io")


@dataclass(frozen=True, slots=True)
class Layout:
    """How cgroups are mounted: `kind` is pure, hybrid, v1 or none.

    `version1` names the controllers that sit on version 1; `home` is the version 2 directory where
    groups of ours would be made ("" for none); `listed` its controllers.
    """

    kind: str
    version1: frozenset[str]
    home: str
    listed: frozenset[str]
    enabled: frozenset[str]
    writable: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands: `kind` is that of the Layout.

    `path` is its line in /proc/PID/cgroup, `directory` the same in the file system, "" where it
    cannot be reached from here.
    """

    kind: str
    path: str
    directory: str


@dataclass(frozen=True, slots=True)
class Group:
    """One cgroup: limits as the kernel writes them ("max" for none), use as numbers.

    `pressure` is the share of the last 10 seconds in which some process waited, in percent, by
    resource. `events` are those of memory.events; `cpu` are the fields of cpu.stat.
    """

    directory: str
    limits: dict[str, str]
    controllers: tuple[str, ...]
    passed_on: tuple[str, ...]
    processes: int | None
    memory: int | None
    peak: int | None
    swap: int | None
    pids: int | None
    frozen: bool
    cpu: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    pressure: dict[str, float] = field(default_factory=dict)


def layout(host: Host) -> Layout:
    """Read how cgroups are mounted on a host."""
    table = _mounts(host)
    trees = [item for item in table if item.fstype == "cgroup2"]
    version1 = frozenset(
        word
        for item in table
        if item.fstype == "cgroup"
        for word in item.super_options.split(",")
        if word not in ("rw", "ro", "xattr") and "=" not in word
    )
    if not trees:
        return Layout("v1" if version1 else "none", version1, "", frozenset(), frozenset(), False)
    home = trees[0].point
    if host.euid != 0:
        home = os.path.normpath(home + "/" + _own_path(host))
    return Layout(
        "hybrid" if version1 else "pure",
        version1,
        home,
        frozenset((host.read(f"{home}/cgroup.controllers") or "").split()),
        frozenset((host.read(f"{home}/cgroup.subtree_control") or "").split()),
        not trees[0].read_only and os.access(host.path(home), os.W_OK),
    )


def place(
    pid: processes.Pid = "self", root: processes.Root = "/proc", host: Host | None = None
) -> Place:
    """Return where a process stands in the version 2 tree; LookupError: no such process."""
    host = host or Host()
    kind = layout(host).kind
    path = next((item.path for item in processes.cgroups(pid, root) if item.version == 2), "")
    trees = [item for item in _mounts(host) if item.fstype == "cgroup2"]
    directory = _below(trees[0], path, host) if trees and path else ""
    return Place(kind, path, directory if directory and os.path.isdir(directory) else "")


def group(directory: str) -> Group:
    """Read one cgroup; FileNotFoundError when there is none, or it has just been removed."""
    if not os.path.exists(f"{directory}/cgroup.controllers"):
        raise FileNotFoundError(2, "no cgroup v2 directory", directory)
    processes = _read(directory, "cgroup.procs")
    return Group(
        directory=directory,
        limits={name: text for name in LIMITS if (text := _read(directory, name))},
        controllers=tuple((_read(directory, "cgroup.controllers") or "").split()),
        passed_on=tuple((_read(directory, "cgroup.subtree_control") or "").split()),
        processes=None if processes is None else len(processes.split()),
        memory=_number(directory, "memory.current"),
        peak=_number(directory, "memory.peak"),
        swap=_number(directory, "memory.swap.current"),
        pids=_number(directory, "pids.current"),
        frozen=_fields(directory, "cgroup.events").get("frozen") == 1,
        cpu=_fields(directory, "cpu.stat"),
        events=_fields(directory, "memory.events"),
        pressure=dict(_pressures(directory)),
    )


def lowest(directory: str, name: str) -> tuple[int, str] | None:
    """Return (the limit that holds, the directory that sets it); None where none is set.

    `name` is memory.max, memory.swap.max or pids.max. A limit holds for all below it, so the
    lowest on the way up is the one that a process feels.
    """
    found = []
    while os.path.exists(f"{directory}/cgroup.controllers"):
        text = _read(directory, name)
        if text and text.isdigit():
            found.append((int(text), directory))
        directory = os.path.dirname(directory)
    return min(found, default=None)


def cpus(limit: str | None) -> float | None:
    """Return what cpu.max allows, in processors: "50000 100000" is 0.5; None for no limit."""
    quota, _, period = (limit or "max").partition(" ")
    return int(quota) / int(period or 100_000) if quota.isdigit() else None


def narrowest_cpu(directory: str) -> tuple[float, str] | None:
    """Return (processors, the directory that says so) of the smallest cpu.max on the way up."""
    found = []
    while os.path.exists(f"{directory}/cgroup.controllers"):
        share = cpus(_read(directory, "cpu.max"))
        if share is not None:
            found.append((share, directory))
        directory = os.path.dirname(directory)
    return min(found, default=None)


def walk(directory: str, depth: int = 4) -> Iterator[tuple[int, Group]]:
    """Yield (depth, group) of a cgroup and those below it, parents first, by name."""
    waiting = [(0, directory)]
    while waiting:
        level, here = waiting.pop()
        try:
            yield level, group(here)
            names = sorted(item.name for item in os.scandir(here) if item.is_dir())
        except (FileNotFoundError, PermissionError):
            continue  # removed while we looked, or not ours to read
        if level < depth:
            waiting.extend((level + 1, f"{here}/{name}") for name in reversed(names))


def home(host: Host | None = None) -> tuple[str, str]:
    """Return (directory of the version 2 tree that is mounted here or "", its kind)."""
    host = host or Host()
    trees = [item for item in _mounts(host) if item.fstype == "cgroup2"]
    return host.path(trees[0].point) if trees else "", layout(host).kind


def _mounts(host: Host) -> list[mounts.Mount]:
    return mounts.parse(host.read("/proc/self/mountinfo") or "")


def _own_path(host: Host) -> str:
    try:
        found = processes.cgroups("self", host.path("/proc"))
    except (LookupError, OSError):
        return "/"
    return next((item.path for item in found if item.version == 2), "/")


def _below(tree: mounts.Mount, path: str, host: Host) -> str:
    """Return the directory of a path in the tree; "" for one outside of our cgroup namespace."""
    if path.startswith("/.."):
        return ""
    relative = path
    if tree.root != "/":  # the mount shows a part of the tree only
        if path != tree.root and not path.startswith(tree.root.rstrip("/") + "/"):
            return ""
        relative = path[len(tree.root) :]
    return host.path(os.path.normpath(f"{tree.point}/{relative}"))


def _read(directory: str, name: str) -> str | None:
    try:
        with open(f"{directory}/{name}", encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip()
    except OSError:
        return None


def _number(directory: str, name: str) -> int | None:
    text = _read(directory, name)
    return int(text) if text and text.isdigit() else None


def _fields(directory: str, name: str) -> dict[str, int]:
    pairs = (line.split() for line in (_read(directory, name) or "").split("\n"))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _pressures(directory: str) -> Iterator[tuple[str, float]]:
    for name in PRESSURES:
        for line in (_read(directory, f"{name}.pressure") or "").split("\n"):
            word, *fields = line.split() or [""]
            found = dict(item.split("=", 1) for item in fields if "=" in item)
            if word == "some" and "avg10" in found:
                yield name, float(found["avg10"])
