"""Moving: the root is changed without pivot_root(2) (--no-pivot), for an initramfs.

The host's root stays below the new one. It must not hold a full view of /proc or /sys: where a
mount namespace has one, even out of reach, who makes a user namespace in it may mount another,
and that one has no masks. mount_namespaces(7), "Restrictions on mount namespaces"
"""

from __future__ import annotations

from minidocker.errors import KernelError
from minidocker.kernel.flags import MNT_DETACH, MS_BIND, MS_MOVE, MS_RDONLY, MS_REC, MS_SLAVE
from minidocker.kernel.named import os
from minidocker.proc.lean import unescape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

VIEWS = ("proc", "sysfs")


def move_root(kernel: Kernel, root: str) -> None:
    """Put the new root over the old one, which still is below for who may mount.

    The bind copies what the bundle mounted; the first of each lies under its copy, and no path
    leads there but one that begins in the directory as it was before.
    """
    views = full_views(kernel)
    below = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.mount(root, root, "", MS_BIND | MS_REC)
    kernel.mount("", "/", "", MS_SLAVE)  # what is unmounted here stays on the host
    os.fchdir(below)
    for place in reversed(views):
        take_away(kernel, place.removeprefix(f"{root}/"))
    os.close(below)
    kernel.chdir(root)
    kernel.mount(root, "/", "", MS_MOVE)
    kernel.chroot(".")
    kernel.chdir("/")


def full_views(kernel: Kernel) -> list[str]:
    """Return where /proc, /sys and their like are mounted, in the order of their mounting."""
    views = []
    for line in kernel.read("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        if after.split(" ", 1)[0] in VIEWS:
            views.append(unescape(before.split(" ")[4]))
    return views


def take_away(kernel: Kernel, place: str) -> None:
    """Unmount all that lies at a place; what a user namespace may not unmount is covered."""
    try:
        while True:  # until it is no mount point any more
            kernel.mount("", place, "", MS_SLAVE | MS_REC)
            kernel.umount2(place, MNT_DETACH)
    except KernelError:
        if kernel.filesystem(place) in VIEWS:
            kernel.mount("tmpfs", place, "tmpfs", MS_RDONLY)
