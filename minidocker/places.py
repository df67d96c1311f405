"""Places that all must agree on: the store, and the signs of a lab machine and of a room."""

from __future__ import annotations

import os

LAB_MARKER = "/etc/minidocker-lab"  # a file of the lab's virtual machine
ROOM = "MINIDOCKER_ROOM"  # set where somebody is root of a room only: chamber/room.py
OF_ROOT = "root"  # its value where the machine's root has opened it, who may do without
MACHINE_KERNEL = "Python 3 on this machine, as root"
# What gives a user's room cgroups, where systemd has version 2 alone.
DELEGATED_ROOM = "systemd-run --user --scope -p Delegate=yes make learn   (or: … minidocker room)"
OUTSIDE = (f"outside of the room: in JupyterLab the kernel '{MACHINE_KERNEL}', "
           "or: make learn MINIDOCKER_NO_ROOM=1")  # fmt: skip
HOST_GROUP = "minidocker-host"  # in a cgroup that is divided: where its processes go first
SYSTEM_STORE = "/var/lib/minidocker"


def room_of_root() -> bool:
    """Say whether we are in a room that the machine's root has opened."""
    return os.environ.get(ROOM) == OF_ROOT


def default_root() -> str:
    """Return the store's directory: $MINIDOCKER_ROOT, else root's own or the user's own place.

    Root has /var/lib/minidocker; others have $XDG_DATA_HOME/minidocker (XDG base directories).
    """
    if given := os.environ.get("MINIDOCKER_ROOT"):
        return os.path.abspath(given)
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # Windows has no such call
        return SYSTEM_STORE
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(home, "minidocker")


def at_once(path: str, flags: int) -> int:
    """Open a file of the store, as `opener` of open(): a named pipe in its place is empty.

    A disk that is spoilt, or a hand, may put one there, and who opens one waits for a writer.
    """
    return os.open(path, flags | os.O_NONBLOCK)


def is_file(path: str) -> bool:
    """Say whether there is a file, and no link, directory or pipe in its place. inode(7)"""
    try:
        return os.lstat(path).st_mode & 0o170000 == 0o100000
    except OSError:
        return False
