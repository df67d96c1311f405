"""Where things are: the course, the boxes that were built, the state of the machine."""

from __future__ import annotations

import os
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]
SUITES = {"bookworm": "3.11", "trixie": "3.13"}  # Debian release: its Python


def cache() -> Path:
    """Return the directory for boxes and wheels; all in it can be made again.

    MINIDOCKER_CACHE, else /var/cache/minidocker for root, else $XDG_CACHE_HOME/minidocker.
    """
    if chosen := os.environ.get("MINIDOCKER_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/minidocker")
    return _home("XDG_CACHE_HOME", ".cache") / "minidocker"


def state() -> Path:
    """Return the directory for machines: disks, sockets, locks.

    MINIDOCKER_VM, else /var/lib/minidocker-vm for root, else $XDG_STATE_HOME/minidocker-vm.
    """
    if chosen := os.environ.get("MINIDOCKER_VM"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/minidocker-vm")
    return _home("XDG_STATE_HOME", ".local/state") / "minidocker-vm"


def _home(variable: str, default: str) -> Path:
    """Return an XDG base directory; https://specifications.freedesktop.org/basedir-spec/"""
    return Path(os.environ.get(variable) or Path.home() / default)
