"""What the mounts of a process are: the host's directories, overlays, the kernel's own trees.

A mount is the host's where I have the same file system mounted too: the same device number. Then
`host_path` is where I see the same directory. Manual: proc_pid_mountinfo(5), overlayfs(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from minidocker.kernel.flags import DEVICES
from minidocker.proc import mounts, processes

# File systems that show the kernel and store no files: fstype → what a reader should know.
KERNEL = {
    "proc": "processes and settings of the kernel",
    "sysfs": "devices and settings of the kernel",
    "cgroup": "cgroups, version 1",
    "cgroup2": "cgroups",
    "devpts": "terminals",
    "mqueue": "message queues",
    "devtmpfs": "all devices of the machine",
    "securityfs": "security modules",
    "debugfs": "the kernel's inside",
    "tracefs": "the kernel's traces",
    "bpf": "pinned BPF programs",
}
# Every engine binds these single files from a directory of its own: they hold nothing of the host.
ENGINE_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv",
                "/dev/termination-log")  # fmt: skip
# Where engines keep what belongs to one container: its shm, its copy of resolv.conf, its secrets.
_ENGINE_STORE = re.compile(
    r"/docker/containers/|-containers/[0-9a-f]{64}/userdata/|/containers/[0-9a-f]{12}/"
)
# Device files that an engine without the right to make nodes binds from the host's /dev.
PLAIN_DEVICES = (*DEVICES, "console", "ptmx")
# The name of an option that may follow a path; a path itself may hold commas.
_OPTION = r"(?:lowerdir\+?|datadir\+?|upperdir|workdir|redirect_dir|metacopy|index|xino|uuid|" \
          r"nfs_export|userxattr|volatile|verity|fsync|default_permissions)"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A mount and what it is: `kind` is overlay, host, engine, device, kernel, memory, own.

    `host_path` is the same directory as I see it, for a file system that I have mounted too.
    `lower` is top first, as the kernel writes it; "" and () for what is no overlay.
    """

    mount: mounts.Mount
    kind: str
    host_path: str = ""
    lower: tuple[str, ...] = ()
    upper: str = ""
    work: str = ""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written through this mount."""
        return self.mount.read_only or "ro" in self.mount.super_options.split(",")


def read_mounts(pid: processes.Pid, root: processes.Root = "/proc") -> list[Seen]:
    """Return what a process has mounted, in the kernel's order."""
    mine = mounts.mounts("self", root)
    return [classify(item, mine) for item in mounts.mounts(pid, root)]


def classify(item: mounts.Mount, mine: list[mounts.Mount]) -> Seen:
    """Say what one mount is, beside my own mount table."""
    path = host_path(item, mine)
    if item.fstype == "overlay" and item.device != mounts.covering(mine, "/").device:
        lower, upper, work = overlay_parts(item.super_options)
        return Seen(item, "overlay", path, lower, upper, work)
    if item.fstype in KERNEL:
        return Seen(item, "device" if _plain_device(item) else "kernel", path)
    if path and _plain_device(item):
        return Seen(item, "device", path)
    if path:
        engine = item.point in ENGINE_FILES or _ENGINE_STORE.search(path)
        return Seen(item, "engine" if engine else "host", path)
    return Seen(item, "memory" if item.fstype in ("tmpfs", "ramfs") else "own")


def host_path(item: mounts.Mount, mine: list[mounts.Mount]) -> str:
    """Return where I see what is mounted there, or "" where I have no such file system."""
    twins = [own for own in mine if own.device == item.device]
    same = [own for own in twins if _inside(item.root, own.root) is not None]
    if not same:
        return ""
    # The mount of mine that shows least around it, and of equal ones the first.
    own = max(same, key=lambda own: len(own.root))
    inner = _inside(item.root, own.root) or ""
    return (own.point.rstrip("/") + inner) or "/"


def overlay_parts(options: str) -> tuple[tuple[str, ...], str, str]:
    """Return (lower directories top first, upper, work) from an overlay's mount options.

    Both forms are read: lowerdir=A:B, and since Linux 6.8 lowerdir+=A,lowerdir+=B.
    """
    pattern = rf"(?:^|,)(lowerdir\+?|upperdir|workdir)=(.*?)(?=,{_OPTION}(?:=|,|$)|$)"
    lower: list[str] = []
    single = {"upperdir": "", "workdir": ""}
    for name, value in re.findall(pattern, options):
        if name == "lowerdir":
            lower += [_plain(part) for part in re.split(r"(?<!\\):+", value) if part]
        elif name == "lowerdir+":
            lower.append(_plain(value))
        else:
            single[name] = _plain(value)
    return tuple(lower), single["upperdir"], single["workdir"]


def _plain(path: str) -> str:
    return re.sub(r"\\(.)", r"\1", path)


def _inside(path: str, above: str) -> str | None:
    """Return the rest of a path below another: "/a/b" below "/a" is "/b"; None if it is not."""
    if above == "/":
        return "" if path == "/" else path
    if path == above or path.startswith(above + "/"):
        return path[len(above) :]
    return None


def _plain_device(item: mounts.Mount) -> bool:
    folder, _, name = item.point.rpartition("/")
    return folder == "/dev" and name in PLAIN_DEVICES and item.root.rpartition("/")[2] in (
        *PLAIN_DEVICES, *map(str, range(64)),
    )  # fmt: skip
