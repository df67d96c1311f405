"""A tree of files read as an archive's members, from an open directory; no link in it is followed.

What is in it may change at any moment, in a container that runs: each name is opened from the
directory above it, with O_NOFOLLOW, and what was opened is looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from minidocker.errors import Blocked
from minidocker.images.archive import tar_headers
from minidocker.images.archive.attributes import OVERLAY
from minidocker.images.archive.member import LINK, Member, Pax
from minidocker.images.archive.open_directories import DIRECTORY, open_file
from minidocker.images.archive.pack import holes, read

DEEPEST = 256  # directories in one another: each is an open descriptor
KERNEL_S = ("proc", "sysfs", "cgroup", "cgroup2")  # what is in these is no file to keep


class Tree:
    """The members below `name` in the directory `parent`; the first is called `called`.

    It has the face of Archive: iterate, and read `data` of a member before the next. `lost` counts
    what no archive holds. `kind_of`(path) names a file system.
    """

    def __init__(self, parent: int, name: str, called: str, kind_of: Callable[[str], str]) -> None:
        self.top = (parent, os.fsencode(name), os.fsencode(called))
        self.lost: dict[str, int] = {}
        self.bytes = 0
        self._kind_of = kind_of
        self._first: dict[tuple[int, int], bytes] = {}  # inode → the name that carries its data
        self._file = -1
        self._left: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[Member]:
        yield from self._one(*self.top, 0)

    def data(self, size: int | None = None) -> Iterator[bytes]:
        """Yield the next stretch of the file's data: all of it, or of its next extent."""
        offset, length = self._left.pop(0)
        for piece in read(self._file, offset, length):
            self.bytes += len(piece)
            yield piece

    def tar(self, change: Callable[[Member], None]) -> Iterator[bytes]:
        """Yield the bytes of a tar archive of it; `change` may give a member other owners."""
        for member in self:
            change(member)
            yield tar_headers.header(member)
            stored = 0
            while self._left:
                for piece in self.data():
                    stored += len(piece)
                    yield piece
            yield tar_headers.padding(stored)
        yield tar_headers.END

    def _one(self, parent: int, name: bytes, called: bytes, depth: int) -> Iterator[Member]:
        try:
            info = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            if not depth:
                raise
            return  # it has just been removed
        if stat.S_ISSOCK(info.st_mode):
            self._lose("sockets")
        elif stat.S_ISDIR(info.st_mode):
            yield from self._directory(parent, name, called, depth)
        elif stat.S_ISREG(info.st_mode):
            yield from self._regular(parent, name, called)
        else:
            member = about(info, called)
            if stat.S_ISLNK(info.st_mode):
                member.link = os.readlink(name, dir_fd=parent)
            yield member

    def _regular(self, parent: int, name: bytes, called: bytes) -> Iterator[Member]:
        self._file = open_file(name, parent)
        try:
            info = os.fstat(self._file)
            member = about(info, called)
            first = self._first.setdefault((info.st_dev, info.st_ino), called)
            if first != called and info.st_nlink > 1:
                member.kind, member.link, member.size = LINK, first, 0
                self._left = []
            else:
                member.xattrs = attributes(self._file)
                member.extents = holes(self._file, info)
                self._left = list(member.extents or [(0, member.size)])
            yield member
        finally:
            self._left = []
            os.close(self._file)
            self._file = -1

    def _directory(self, parent: int, name: bytes, called: bytes, depth: int) -> Iterator[Member]:
        if depth > DEEPEST:
            raise Blocked(f"more than {DEEPEST} directories stand in one another", "a part of it")
        fd = os.open(name, DIRECTORY, dir_fd=parent)
        try:
            info = os.fstat(fd)
            member = about(info, called.rstrip(b"/") + b"/")
            member.xattrs = attributes(fd)
            yield member
            mounted = info.st_dev != os.fstat(parent).st_dev
            if mounted and self._kind_of(f"/proc/self/fd/{fd}") in KERNEL_S:
                return
            for each in sorted(map(os.fsencode, os.listdir(fd))):
                yield from self._one(fd, each, called.rstrip(b"/") + b"/" + each, depth + 1)
        finally:
            os.close(fd)

    def _lose(self, what: str) -> None:
        self.lost[what] = self.lost.get(what, 0) + 1


def about(info: os.stat_result, called: bytes) -> Member:
    """Make a member of what stat(2) says."""
    m = Member()
    m.kind, m.mode = stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode)
    m.name, m.link, m.xattrs, m.extents = called, b"", {}, None
    m.uid, m.gid, m.mtime = info.st_uid, info.st_gid, info.st_mtime_ns
    m.size = info.st_size if m.kind == stat.S_IFREG else 0
    m.device = info.st_rdev
    return m


def attributes(fd: int) -> Pax:
    """Return an open file's extended attributes, without overlay's own."""
    found = {}
    try:
        for name in sorted(map(os.fsencode, os.listxattr(fd))):
            if not name.startswith(OVERLAY):
                found[name] = os.getxattr(fd, name)
    except OSError:
        return {}  # a file system that has none
    return found
