"""Disk: a container that fills the file system of the store is ended before others feel it.

What a container writes goes to its upper directory, on the host's disk, and neither overlayfs nor
a cgroup sets a bound to that; quotas need a file system that was made for them. So the host process
looks at what is left, more often as it gets less: what Kubernetes calls node-pressure eviction.
Bytes and inodes are counted alike, for a million empty files fill a disk too. What counts is all
that lies in the container's directory, /etc/hosts and its log too, and files that it has removed
and still holds open: they have no name any more.
"""

from __future__ import annotations

from errno import EMFILE

from minidocker.kernel.named import os
from minidocker.runtime import queued, strays

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST, SHORTEST = 2.0, 0.01  # seconds from one look to the next
# (of bytes, of inodes): what is kept for others, and how fast the fastest writer takes it.
RESERVE = (1 << 30, 50_000)
SPEED = (2 << 30, 400_000)  # a second
DEEPEST = 128  # directories in one another that are looked through: each is open meanwhile
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PART = 10  # on a small disk: one part in so many is kept, not the whole RESERVE


class Disk:
    """The disk of a container's `directory`; `full` says in words what this one has taken."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.upper = f"{directory}/upper"
        self.full = ""

    def look(self) -> float:
        """Set `full` if it is so; return the seconds until the next look. statvfs(3)

        A file system that makes inodes as it needs them says that it has 0 of them.
        """
        seconds = LONGEST
        fs = os.statvfs(self.upper)
        for free, total, which in (
            (fs.f_bavail * fs.f_frsize, fs.f_blocks * fs.f_frsize, 0),
            (fs.f_favail, fs.f_files, 1),
        ):
            reserve = min(RESERVE[which], total // PART)
            if total and free < reserve and self.holds(which, reserve):
                self.full = ("bytes", "inodes")[which]
            if free >= reserve:
                seconds = min(seconds, max(SHORTEST, (free - reserve) / SPEED[which]))
        return seconds

    def holds(self, which: int, much: int) -> bool:
        """Say whether this container has that much of it: another may have filled the disk."""
        held = 0
        for entry in everything(self.directory):
            held += 1 if which else entry.st_blocks * 512
            if held >= much:
                return True
        return False


def walk(directory: str) -> Iterator[os.stat_result]:
    """Yield the status of all below a directory; what goes meanwhile is left out.

    By descriptors: a container may put a link to somewhere in the host in a directory's place, and
    its paths may be longer than the kernel takes. What lies too deep to be looked at is UNSEEN.
    """
    try:
        yield from _below(os.open(directory, DIRECTORY), 0)
    except FileNotFoundError:
        return


def _below(fd: int, depth: int) -> Iterator[os.stat_result]:
    """Yield what is below an open directory, and close that."""
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if not (status := status_of(entry.name, fd)):
                    continue
                yield status
                if not entry.is_dir(follow_symlinks=False):
                    continue
                try:
                    inner = -1 if depth == DEEPEST else os.open(entry.name, DIRECTORY, dir_fd=fd)
                except OSError as problem:
                    if problem.errno != EMFILE:
                        continue  # it has just gone, or is not ours to look into
                    inner = -1
                if inner < 0:
                    yield queued.UNSEEN
                else:
                    yield from _below(inner, depth + 1)
    except OSError:
        pass  # it has just gone
    finally:
        os.close(fd)


def everything(directory: str) -> Iterator[os.stat_result]:
    """Yield the status of all files of this container's, those that are quick to find first."""
    yield from walk(directory)
    yield from nameless(directory)


def nameless(directory: str) -> Iterator[os.stat_result]:
    """Yield the status of files without a name, which processes inside still hold.

    By a descriptor, by a mapping, which only root may look at, or by a message that waits in a
    socket. Each thread may have descriptors of its own. proc_pid_map_files(5), clone(2)
    """
    devices = {os.stat(f"{directory}/upper").st_dev}
    known: set[tuple[int, int]] = set()
    sockets: set[int] = set()

    def new(status: os.stat_result) -> bool:
        mine = (status.st_dev, status.st_ino)
        if status.st_nlink or status.st_dev not in devices or mine in known:
            return False
        known.add(mine)
        return True

    for pid in strays.seeing(directory):
        for task in strays.threads(pid):
            if root := status_of(f"/proc/{task}/root"):
                devices.add(root.st_dev)
            for place, name, status in held(task):
                if place == "fd" and queued.is_socket(status) and status.st_ino not in sockets:
                    sockets.add(status.st_ino)
                    for waits in queued.in_queue(pid, task, name, sockets):
                        if waits is queued.UNSEEN or new(waits):
                            yield waits
                elif new(status):
                    yield status


def held(task: int) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield (place, name, status) of what a thread has open or mapped."""
    for place in ("fd", "map_files"):
        try:
            names = os.listdir(f"/proc/{task}/{place}")
        except OSError:
            continue
        for name in names:
            if status := status_of(f"/proc/{task}/{place}/{name}"):
                yield place, name, status


def status_of(path: str, parent: int | None = None) -> os.stat_result | None:
    """Return a file's status; None where it has just gone, or is not ours to look at.

    In a directory that is open no link is followed.
    """
    try:
        return os.stat(path, dir_fd=parent, follow_symlinks=parent is None)
    except OSError:
        return None
