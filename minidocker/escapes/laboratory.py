"""Laboratory: what the machine lets us try, and the run over the whole catalogue."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator

from minidocker.chamber.cell_needs import cgroup_parent, needed_filesystems
from minidocker.errors import Blocked
from minidocker.escapes.escape import Escape
from minidocker.escapes.ladder import Finding, climb
from minidocker.escapes.server import PACKAGE, Server
from minidocker.images.base import find_busybox
from minidocker.kernel.flags import DEFAULT_CAPABILITIES, mask
from minidocker.places import LAB_MARKER, ROOM
from minidocker.seccomp.cache import filter_file


def lacks(escape: Escape) -> str:
    """Say why an escape cannot be tried on this machine; "" when it can."""
    if "vm" in escape.needs and not os.path.exists(LAB_MARKER):
        return "it would touch the whole machine"
    if "cgroup2" in escape.needs and not cgroup_parent():
        return "it needs limits of cgroup v2"
    return ""


def order() -> dict[str, object]:
    """Gather what a yard needs to know of this machine; Blocked where no yard can be made."""
    if sys.platform != "linux":
        raise Blocked("the escape laboratory needs Linux", "vagrant up")
    if os.geteuid():
        raise Blocked("the escape laboratory needs root", "sudo minidocker escapes")
    if ROOM in os.environ:
        raise Blocked("the escape laboratory needs the machine's root, not a room's",
                      "outside of the room: sudo minidocker escapes")  # fmt: skip
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    return {
        "busybox": find_busybox(), "python": python, "base_prefix": sys.base_prefix,
        "path": [path for path in sys.path if path.startswith(sys.base_prefix)],
        "package": PACKAGE, "filesystems": needed_filesystems(), "filters": filters(),
    }  # fmt: skip


def filters() -> dict[str, str]:
    """Compile the default filter once, so that no yard has to: {file name: program in hex}."""
    with tempfile.TemporaryDirectory(prefix="minidocker-escapes-") as store:
        path = filter_file(store, list(DEFAULT_CAPABILITIES), mask(DEFAULT_CAPABILITIES))
        with open(path, "rb") as program:
            return {os.path.basename(path): program.read().hex()}


def podman_here() -> bool:
    """Say whether there is a Podman, with runc, to run beside ours."""
    return bool(shutil.which("podman") and shutil.which("runc"))


def explore(
    escapes: Iterable[Escape], whole: bool = False, podman: bool = False
) -> Iterator[Finding]:
    """Measure one escape after the other, and yield each finding as it comes."""
    with Server(order()) as server:
        for escape in escapes:
            yield climb(escape, server.ask, lacks(escape), whole, podman)
