"""Doors: open namespaces, by path or of a process, in the order in which they can be entered."""

from __future__ import annotations

from minidocker.errors import MinidockerError
from minidocker.kernel.flags import NAMESPACES
from minidocker.kernel.named import os


class Door:
    """An open namespace: its name, its flag, its descriptor."""

    __slots__ = ("fd", "flag", "name")

    def __init__(self, name: str, fd: int) -> None:
        self.name, self.fd, self.flag = name, fd, NAMESPACES[name]


def open_paths(paths: dict[str, str]) -> list[Door]:
    """Open the namespaces that have a path."""
    doors = []
    for name, path in paths.items():
        if not path:
            continue
        try:
            doors.append(Door(name, os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        except OSError as problem:
            raise MinidockerError(
                f"the {name} namespace {path} cannot be opened: {problem}",
                "see linux.namespaces in config.json",
            ) from None
    return in_order(doors)


def of_process(pid: int, seen: str = "/proc") -> list[Door]:
    """Open every namespace of a process that is not our own already."""
    doors = []
    for name in NAMESPACES:
        path = f"{seen}/{pid}/ns/{name}"
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # a kernel without this kind
        if os.path.samestat(os.fstat(fd), os.stat(f"/proc/self/ns/{name}")):
            os.close(fd)
        else:
            doors.append(Door(name, fd))
    return in_order(doors)


def in_order(doors: list[Door]) -> list[Door]:
    """Put the mounts last, since files are out of reach then, and the user namespace at its place.

    Root enters it after the others: it may be that they belong to the host. A user must enter it
    first, to have any right to the others. setns(2)
    """
    places = {"user": 1 if os.geteuid() == 0 else -1, "mnt": 2}
    return sorted(doors, key=lambda door: places.get(door.name, 0))
