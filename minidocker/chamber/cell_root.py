"""A cell for the host's root: an overlay of the host's own tree, in which root is root.

The escape laboratory's yard is made so, and a cell in a lab machine whose kernel is too old for a
room (cell_needs.room_for). It guards against accidents, not against malice.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from minidocker.chamber.cell_needs import PROCESSES
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux


def build(kernel: Linux, order: dict[str, Any]) -> None:
    """Make the cell's root: a throw-away overlay over the host's, and what belongs on it."""
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    base = next(place for place in ("/run", "/tmp", "/mnt") if os.path.isdir(place))
    lowers = [(path, os.open(path, os.O_PATH)) for path in ["/", *order["filesystems"]]]
    kernel.mount("tmpfs", base, "tmpfs", 0, "size=64m,mode=755")
    root = f"{base}/root"
    kernel.mkdir(root)
    for number, (path, fd) in enumerate(lowers):
        kernel.mkdir(f"{base}/u{number}")
        kernel.mkdir(f"{base}/w{number}")
        data = f"lowerdir=/proc/self/fd/{fd},upperdir={base}/u{number},workdir={base}/w{number}"
        kernel.mount("overlay", root + path, "overlay", 0, data)
        os.close(fd)
    safe = f.MS_NOSUID | f.MS_NODEV | f.MS_NOEXEC
    kernel.mount("proc", f"{root}/proc", "proc", safe)
    empty_tmp(kernel, f"{root}/tmp")
    devices(kernel, f"{root}/dev")
    for path in order["hide"]:
        if os.path.isdir(root + path):
            kernel.mount("tmpfs", root + path, "tmpfs", f.MS_RDONLY | safe, "size=4k")
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", f.MNT_DETACH)
    kernel.chdir("/")
    # Shared, as on a machine with systemd: a forgotten "make private" must leak and be seen.
    kernel.mount("", "/", "", f.MS_REC | f.MS_SHARED)


def empty_tmp(kernel: Linux, path: str) -> None:
    """Mount an empty /tmp in memory; a course or a Python that lies under /tmp is shown in it."""
    course = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ours = sorted({p for p in (course, sys.prefix, sys.base_prefix) if p.startswith("/tmp/")})
    inside = [p.removeprefix("/tmp") for p in ours]
    kept = [(p, os.open(path + p, os.O_PATH)) for p in inside]
    options = "size=64m,mode=1777"
    kernel.mount("tmpfs", path, "tmpfs", f.MS_NOSUID | f.MS_NODEV, options)
    for place, fd in kept:
        os.makedirs(path + place, exist_ok=True)
        kernel.mount(f"/proc/self/fd/{fd}", path + place, "", f.MS_BIND | f.MS_REC)
        os.close(fd)


def devices(kernel: Linux, path: str) -> None:
    """Make a small /dev: no disks, terminals of its own."""
    kernel.mount("tmpfs", path, "tmpfs", f.MS_NOSUID, "size=64k,mode=755")
    old = kernel.umask(0)
    for name, number in f.DEVICES.items():
        kernel.mknod(f"{path}/{name}", f.S_IFCHR | 0o666, number)
    kernel.umask(old)
    kernel.mkdir(f"{path}/pts")
    kernel.mount("devpts", f"{path}/pts", "devpts", f.MS_NOSUID | f.MS_NOEXEC,
                 "newinstance,ptmxmode=0666")  # fmt: skip
    kernel.symlink("pts/ptmx", f"{path}/ptmx")
    kernel.symlink("/proc/self/fd", f"{path}/fd")


def limit_processes(kernel: Linux, how: str) -> None:
    """Set this namespace's own pid_max, where a kernel has one for each (6.14 and later).

    The kernel takes none below 301. Root inside could raise it again; RLIMIT_NPROC it could not.
    """
    if how == "pid_max":
        kernel.write("/proc/sys/kernel/pid_max", str(PROCESSES))
