"""The doctor's look at cgroups: which version is mounted, and which controllers are ours to use.

Nothing is written: a controller counts when it is listed where our groups would be made, and that
directory may be written to. Manual: cgroups(7), the kernel's admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from minidocker.doctor.finding import GAP, INFO, OK, Finding
from minidocker.errors import LAB_MACHINE
from minidocker.places import DELEGATED_ROOM, OUTSIDE, ROOM, room_of_root
from minidocker.proc.cgroups import Layout, layout
from minidocker.proc.machine import Host

CONTROLLERS = ("memory", "cpu", "pids", "io", "cpuset")
DELEGATED = "systemd-run --user --scope -p Delegate=yes minidocker doctor   (and run likewise)"
REBOOT = "boot with systemd.unified_cgroup_hierarchy=1, or " + LAB_MACHINE


def findings(host: Host) -> Iterator[Finding]:
    """Yield cgroup2 and each controller as findings."""
    found = layout(host)
    yield _tree(host, found)
    for name in CONTROLLERS:
        yield _controller(host, found, name)


def _tree(host: Host, found: Layout) -> Finding:
    title, group = "cgroup version 2", "cgroups"
    words = {
        "pure": f"the only version, at {found.home}",
        "hybrid": f"hybrid: version 2 at {found.home}, beside version 1",
        "v1": "only version 1 is mounted",
        "none": "no cgroup file system is mounted",
    }
    seen = words[found.kind]
    if not found.home:
        fix = REBOOT if found.kind == "v1" else LAB_MACHINE
        if found.kind == "none" and host.linux:
            fix = host.as_root("mount -t cgroup2 none /sys/fs/cgroup")
            if ROOM in os.environ:
                fix = OUTSIDE if room_of_root() else DELEGATED_ROOM
        return Finding("cgroup2", title, GAP, seen, fix, group)
    if not found.writable:
        delegated = DELEGATED if found.kind == "pure" else REBOOT
        fix = LAB_MACHINE if host.euid == 0 else delegated
        return Finding("cgroup2", title, GAP, f"{seen}; not writable for us", fix, group)
    return Finding("cgroup2", title, OK if found.kind == "pure" else INFO, seen, group=group)


def _controller(host: Host, found: Layout, name: str) -> Finding:
    title, group = f"{name} controller", "cgroups"
    if name in found.listed and found.writable:
        passed = "and passed on already" if name in found.enabled else "not passed on yet"
        return Finding(name, title, OK, f"offered by {found.home}, {passed}", group=group)
    if {"io": "blkio"}.get(name, name) in found.version1:
        return Finding(name, title, GAP, "sits on cgroup version 1 here", REBOOT, group)
    if not found.home:
        fix = OUTSIDE if room_of_root() else LAB_MACHINE
        return Finding(name, title, GAP, "no cgroup version 2 tree", fix, group)
    if host.euid != 0:
        seen = f"not delegated to user {host.euid} in {found.home}"
        return Finding(name, title, GAP, seen, DELEGATED, group)
    seen = f"not in {found.home}/cgroup.controllers"
    if name in found.listed:
        seen = f"{found.home} is read-only"
    fix = "boot with cgroup_enable=memory, or " + LAB_MACHINE if name == "memory" else LAB_MACHINE
    return Finding(name, title, GAP, seen, fix, group)
