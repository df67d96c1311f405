"""The doctor's look at walls: namespaces and overlay, as they were tried, mounts and the store.

Each function takes a Host, whose `tried` holds what minidocker.doctor.trial found out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from minidocker.doctor.finding import GAP, INFO, OK, Finding
from minidocker.doctor.trial import ROOTLESS
from minidocker.errors import LAB_MACHINE
from minidocker.proc import mounts
from minidocker.proc.machine import Host

TRIED = {
    "pidns": "a new pid namespace",
    "mntns": "a new mount namespace",
    "utsns": "a new uts namespace",
    "ipcns": "a new ipc namespace",
    "netns": "a new network namespace",
    "cgroupns": "a new cgroup namespace",
    "timens": "a new time namespace",
    "veth": "a pair of network cards (veth)",
    "pivot_root": "a new root by pivot_root",
}

APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def namespaces(host: Host) -> Iterator[Finding]:
    """Yield the result of each trial of minidocker.doctor.trial that made a namespace."""
    for name, title in TRIED.items():
        yield _tried(host, name, title, group="namespaces")
    yield _user_namespaces(host)
    yield _apparmor(host)


def mounting(host: Host) -> Iterator[Finding]:
    """Yield propagation of "/", overlay on the store's file system, and the store itself."""
    group = "mounts"
    table = mounts.parse(host.read("/proc/self/mountinfo") or "")
    try:
        how = mounts.covering(table, "/").propagation
        advice = {"shared": ": a mount made without make-private is seen by all"}.get(how, "")
        seen = f'"/" is {how}{advice}'
        fstype = mounts.covering(table, os.path.realpath(host.store)).fstype
    except LookupError:
        seen, fstype = "the mount table cannot be read", "unknown file system"
    yield Finding("propagation", 'propagation of "/"', INFO, seen, group=group)
    yield _overlay(host, fstype)
    yield _store(host, fstype)


def _user_namespaces(host: Host) -> Finding:
    title, group = "a new user namespace", "namespaces"
    first = host.tried.get("userns", host.tried.get("*", "was not tried"))
    then = host.tried.get("userns_mount", first)
    if not first and not then:
        return Finding("userns", title, OK, "made, and mounted in it", group=group)
    seen = first or f"made, but it may not mount: {then}"
    return Finding("userns", title, GAP, seen, userns_fix(host) or LAB_MACHINE, group)


def userns_fix(host: Host) -> str:
    """Return the sysctl that stands in the way, as the line that changes it; "" for none."""
    settings = (
        ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        (APPARMOR, "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    )
    for path, bad, cure in settings:
        if (host.read(path) or "").strip() == bad:
            return host.as_root(f"sysctl -w {cure}")
    return ""


def _apparmor(host: Host) -> Finding:
    title, group = "AppArmor and user namespaces", "namespaces"
    value = (host.read(APPARMOR) or "").strip()
    if value != "1":
        seen = "not restricted" if value == "0" else "this kernel has no such restriction"
        return Finding("apparmor", title, OK, seen, group=group)
    seen = "restricted (Ubuntu's setting): a user's namespace is made, and then may do nothing"
    fix = host.as_root("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
    state = INFO if host.euid == 0 else GAP
    return Finding("apparmor", title, state, seen, fix, group)


def _overlay(host: Host, fstype: str) -> Finding:
    title = "overlay on the store's disk"
    found = _tried(host, "overlay", title, group="mounts")
    if found.state == OK:
        return Finding("overlay", title, OK, f"works on {fstype}", group="mounts")
    fix = found.fix
    if host.linux and host.euid == 0:
        fix = "put the store on ext4, xfs or tmpfs: export MINIDOCKER_ROOT=/path/on/that/disk"
    return Finding("overlay", title, GAP, f"on {fstype}: {found.seen}", fix, "mounts")


def _store(host: Host, fstype: str) -> Finding:
    group, title = "mounts", "store of images"
    there = existing(host.store)
    try:
        data = os.statvfs(there)
    except (OSError, AttributeError) as problem:
        return Finding("store", title, GAP, f"{host.store}: {problem}", LAB_MACHINE, group)
    free = data.f_bavail * data.f_frsize / 1e9
    seen = f"{host.store} ({fstype}), {free:.1f} GB free"
    if not os.access(there, os.W_OK):
        fix = "export MINIDOCKER_ROOT=/a/directory/of/yours"
        return Finding("store", title, GAP, f"{seen}; not writable", fix, group)
    if free < 1:
        fix = "free some space (minidocker prune), or: export MINIDOCKER_ROOT=/larger/disk"
        return Finding("store", title, GAP, f"{seen}: 1 GB is needed", fix, group)
    new = "" if there == host.store else "; made at first use"
    return Finding("store", title, OK, seen + new, group=group)


def existing(path: str) -> str:
    """Return the path, or the nearest directory above it that exists."""
    path = os.path.abspath(path)
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def _tried(host: Host, name: str, title: str, group: str) -> Finding:
    told = host.tried.get(name, host.tried.get("*", "was not tried"))
    if not told:
        return Finding(name, title, OK, "works", group=group)
    if name == "veth" and "no program ip" in told:
        return Finding(name, title, GAP, told, host.install("iproute2"), group)
    root = host.linux and host.euid != 0
    if root and name in ROOTLESS and not host.tried.get("rootless", "not tried"):
        told += "; in a user namespace it works"
    fix = "run it as root: sudo minidocker doctor" if root else LAB_MACHINE
    return Finding(name, title, GAP, told, fix, group)
