"""Looks at what Podman does by itself, and `minidocker run` with the learner's functions."""

from __future__ import annotations

import time

from minidocker.exam.looks import SECONDS, Seen, Wrong, nspid
from minidocker.proc import mounts, processes
from minidocker.proc.lean import state


def overlay(seen: Seen) -> str:
    """overlay_options: its root is an overlay with an upper directory of its own."""
    found = seen.mounted("/")
    if found.fstype != "overlay" or "upperdir=" not in found.super_options:
        raise Wrong(f"its root is no overlay with an upper directory but {found.fstype}")
    return "its root is an overlay of the image's layers"


def etc_files(seen: Seen) -> str:
    """place_etc_files: three files lie over the init layer's empty ones."""
    for name in ("hosts", "hostname", "resolv.conf"):
        seen.mounted(f"/etc/{name}")
    return "hosts, hostname and resolv.conf are mounted"


def small_dev(seen: Seen) -> str:
    """make_dev: a tmpfs of its own; where nobody makes nodes, the six lie on it as mounts."""
    found = seen.mounted("/dev")
    if found.fstype != "tmpfs":
        raise Wrong(f"its /dev is no tmpfs but {found.fstype}")
    pts = seen.mounted("/dev/pts")
    if pts.fstype != "devpts":
        raise Wrong("its /dev/pts is no devpts")
    return f"a tmpfs of its own ({found.device}) with its own terminals"


def shm(seen: Seen) -> str:
    """private_shm: a tmpfs that nobody else has."""
    found = seen.mounted("/dev/shm")
    room = {one.point: one for one in mounts.mounts(seen.yard.inner)}["/dev/shm"]
    if found.fstype != "tmpfs" or found.device == room.device:
        raise Wrong("its /dev/shm is the room's")
    if "size=65536k" not in found.super_options.split(","):  # make_dev's has no size of its own
        raise Wrong("its /dev/shm is not of 64 MB")
    return f"a tmpfs of its own ({found.device})"


def ipc(seen: Seen) -> str:
    """ipc_namespace: queues and segments of its own."""
    return f"ipc:[{seen.apart('ipc')}], not the room's"


def clock(seen: Seen) -> str:
    """set_boot_offset: the clock since boot is moved by what was drawn."""
    seen.apart("time")
    with open(f"/proc/{seen.pid}/timens_offsets", encoding="ascii") as file:
        rows = dict(line.split(maxsplit=1) for line in file)
    seconds = int(rows.get("boottime", "0 0").split()[0])
    if seconds != seen.asked["boottime"]:
        raise Wrong(f"its clock is moved by {seconds} s, not by {seen.asked['boottime']}")
    return f"its clock since boot is moved by {seconds} s"


def reaps(seen: Seen) -> str:
    """init: process 1 is not the command but its parent, and what has ended is gone."""
    parent = processes.process(seen.pid).ppid
    if nspid(parent)[-1:] != (1,):
        raise Wrong("the command's parent is not number 1 in there")
    until = time.monotonic() + SECONDS
    while dead := [one for one in processes.descendants([parent]) if state(one) == "Z"]:
        if time.monotonic() > until:
            raise Wrong(f"{len(dead)} processes have ended, and nobody reaps them")
        time.sleep(0.02)
    return "number 1 is the command's parent, and reaps"
