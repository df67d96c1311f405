"""Places that all must agree on: the store, and the signs of a lab machine and of a room."""

from __future__ import annotations

import os

LAB_MARKER = "/etc/minidocker-lab"  # a file of the lab's virtual machine
ROOM = "MINIDOCKER_ROOM"  # set where somebody is root of a room only: chamber/room.py
SYSTEM_STORE = "/var/lib/minidocker"


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
