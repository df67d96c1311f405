"""Read /proc/PID/mountinfo: what is mounted where, from what, and how it is propagated.

Manual: proc_pid_mountinfo(5), mount_namespaces(7).
"""

from __future__ import annotations

from dataclasses import dataclass

from minidocker.proc import processes
from minidocker.proc.lean import unescape


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount; names and paths are unescaped, `optional` is as the kernel wrote it."""

    id: int
    parent: int
    device: str
    root: str
    point: str
    options: tuple[str, ...]
    optional: tuple[str, ...]
    fstype: str
    source: str
    super_options: str

    @property
    def propagation(self) -> str:
        """One of private, shared, slave, "shared and slave", unbindable."""
        tags = {tag.partition(":")[0] for tag in self.optional}
        words = [word for word, tag in (("shared", "shared"), ("slave", "master")) if tag in tags]
        if words:
            return " and ".join(words)
        return "unbindable" if "unbindable" in tags else "private"

    @property
    def read_only(self) -> bool:
        """Whether this *mount* is read-only; the file system behind it may still be writable."""
        return "ro" in self.options


def mounts(pid: processes.Pid = "self", root: processes.Root = "/proc") -> list[Mount]:
    """Return the mounts that a process sees, in the kernel's order.

    LookupError: no such process, or a zombie; PermissionError as in minidocker.proc.processes.
    """
    return parse(processes.read(pid, "mountinfo", root))


def parse(text: str) -> list[Mount]:
    """Parse the text of a mountinfo file."""
    return [_parse_line(line) for line in text.split("\n") if line]


def covering(table: list[Mount], path: str) -> Mount:
    """Return the mount that one reaches at an absolute path, the topmost where several are stacked.

    It walks as the kernel does: from the root mount to the mount on it that is met first on the
    way, and so on. So mounts that a later mount hides are not found. Symbolic links are not
    followed. LookupError when the table has no root.
    """
    known = {item.id for item in table}
    tops = [item for item in table if item.parent not in known or item.parent == item.id]
    here = next((item for item in tops if _is_below(path, item.point)), None)
    if here is None:
        raise LookupError(f"no mount covers {path}")
    while True:
        above = [
            item
            for item in table
            if item.parent == here.id != item.id and _is_below(path, item.point)
        ]
        if not above:
            return here
        here = min(above, key=lambda item: len(item.point))


def propagation_of(pid: processes.Pid, path: str, root: processes.Root = "/proc") -> str:
    """Return how mounts travel at a path, in the process's own view: "private", "shared", …"""
    return covering(mounts(pid, root), path).propagation


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _parse_line(line: str) -> Mount:
    # Between the options and " - " stand 0 or more optional fields: never count from the left.
    left, _, right = line.partition(" - ")
    number, parent, device, source_root, point, options, *optional = left.split(" ")
    fstype, source, super_options = [*right.split(" ", 2), "", ""][:3]
    return Mount(
        id=int(number),
        parent=int(parent),
        device=device,
        root=unescape(source_root),
        point=unescape(point),
        options=tuple(options.split(",")),
        optional=tuple(filter(None, optional)),
        fstype=unescape(fstype),
        source=unescape(source),
        super_options=unescape(super_options),
    )
