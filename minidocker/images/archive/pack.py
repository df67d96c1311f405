"""Write an upper directory as a layer tar: deletions become .wh. names, overlay's marks stay out.

The archive depends on nothing but the tree: names are sorted, owners are numbers. Of names that are
one file (hard links) the first carries the data. Whiteouts are told by what they are, before hard
links are looked for: the kernel makes them all from one inode.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from minidocker.errors import Blocked, UsageError
from minidocker.images.archive import tar_headers
from minidocker.images.archive.attributes import OVERLAY
from minidocker.images.archive.member import LINK, Member, Pax
from minidocker.images.archive.merged import Merged
from minidocker.images.archive.open_directories import open_file
from minidocker.images.archive.stream import shown
from minidocker.images.archive.upper import DELETED, Entry, Upper
from minidocker.images.archive.whiteout import OPAQUE, PREFIX, inside

PIECE = 1 << 20
HOLES = 1 << 20  # bytes of holes that make a file worth a map: small files are written whole
MOST_PIECES = 10_000
WITHOUT_DATA = (b"overlay.redirect", b"overlay.metacopy")


class Packer:
    """The bytes of a layer tar, made while they are read: `next_piece()`, b"" at the end.

    Afterwards `members` says how many there were (the root is not counted), and `lost` counts what
    no tar can hold: {"sockets": 1}. No time in it is later than `newest` (ns).
    """

    def __init__(self, upper: Upper | Merged, newest: int | None = None) -> None:
        self.members = 0
        self.newest = newest
        self.lost: dict[str, int] = {}
        self._upper = upper
        self._first: dict[tuple[int, int], bytes] = {}  # inode → the name that carries its data
        self._pieces = self._archive()

    def next_piece(self) -> bytes:
        """Return the next bytes of the archive."""
        return next(filter(None, self._pieces), b"")  # an empty piece would look like the end

    def _archive(self) -> Iterator[bytes]:
        for entry in self._upper:
            if entry.path and entry.path[-1].startswith(PREFIX):
                raise UsageError(
                    f"the file {shown(b'/'.join(entry.path))} cannot be in a layer: "
                    "in a layer tar its name means that another one is deleted",
                    "give it another name in the container",
                )
            self.members += bool(entry.path)
            if entry.kind == DELETED:
                yield tar_headers.header(mark((*entry.path[:-1], PREFIX + entry.path[-1])))
                continue
            yield from self._entry(entry)
            if entry.opaque:
                yield tar_headers.header(mark((*entry.path, OPAQUE)))
        yield tar_headers.END

    def _entry(self, entry: Entry) -> Iterator[bytes]:
        if stat.S_ISSOCK(entry.info.st_mode):
            self.lost["sockets"] = self.lost.get("sockets", 0) + 1
            return
        member = self._member(entry)
        if member.kind != stat.S_IFREG:
            yield tar_headers.header(member)
            return
        fd = open_file(entry.path[-1], self._upper.parent(entry), entry.info)
        try:
            yield from with_data(fd, member, entry.info)
        finally:
            os.close(fd)

    def _member(self, entry: Entry) -> Member:
        """Say what stands in the archive for a name of the upper directory."""
        info = entry.info
        m = Member()
        m.kind = stat.S_IFMT(info.st_mode)
        m.name = b"/".join(entry.path)
        m.mode = stat.S_IMODE(info.st_mode)
        m.uid, m.gid, m.mtime = info.st_uid, info.st_gid, info.st_mtime_ns
        if self.newest is not None:
            m.mtime = min(m.mtime, self.newest)
        m.size = info.st_size if m.kind == stat.S_IFREG else 0
        m.link, m.device, m.extents = b"", info.st_rdev, None
        if m.kind == stat.S_IFDIR:
            m.name = (m.name or b".") + b"/"
        elif info.st_nlink > 1:
            first = self._first.setdefault((info.st_dev, info.st_ino), m.name)
            if first != m.name:
                m.kind, m.link, m.size, m.xattrs = LINK, first, 0, {}
                return m
        if m.kind == stat.S_IFLNK:
            m.link = os.readlink(entry.path[-1], dir_fd=self._upper.parent(entry))
        m.xattrs = attributes(self._upper.parent(entry), (entry.path or (b".",))[-1])
        return m


def with_data(fd: int, member: Member, info: os.stat_result) -> Iterator[bytes]:
    """Yield a file's header and its data, padded; large holes are left out of it."""
    member.extents = holes(fd, info)
    yield tar_headers.header(member)
    size = 0
    for offset, length in member.extents or [(0, member.size)]:
        size += length
        yield from read(fd, offset, length)
    yield tar_headers.padding(size)


def mark(path: tuple[bytes, ...]) -> Member:
    """Make the empty file that says "deleted" or "opaque"."""
    m = Member()
    m.kind, m.name, m.mode, m.link = stat.S_IFREG, b"/".join(path), 0o644, b""
    m.uid = m.gid = m.mtime = m.size = m.device = 0
    m.xattrs, m.extents = {}, None
    return m


def attributes(parent: int, name: bytes) -> Pax:
    """Return a file's extended attributes, without those that overlay keeps for itself.

    Blocked for one that stands for data elsewhere: such an upper is no layer by itself.
    """
    path = inside(parent, name)
    found = {}
    for attribute in sorted(map(os.fsencode, os.listxattr(path, follow_symlinks=False))):
        if attribute.endswith(WITHOUT_DATA) and attribute.startswith(OVERLAY):
            raise Blocked(
                f"{shown(name)} has its data in another layer ({os.fsdecode(attribute)})",
                "mount overlay with redirect_dir=off,metacopy=off, as minidocker does",
            )
        if not attribute.startswith(OVERLAY):
            found[attribute] = os.getxattr(path, attribute, follow_symlinks=False)
    return found


def holes(fd: int, info: os.stat_result) -> list[tuple[int, int]] | None:
    """Return (offset, length) of a file's data where large holes make that worth it, else None.

    lseek(2), SEEK_DATA. A last pair of length 0 says how long the file is: GNU tar wants it.
    """
    size = info.st_size
    if size - info.st_blocks * 512 < HOLES:
        return None
    extents: list[tuple[int, int]] = []
    end = 0
    while end < size and len(extents) < MOST_PIECES:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno != errno.ENXIO:  # ENXIO: nothing but a hole follows
                return None
            break
        end = os.lseek(fd, start, os.SEEK_HOLE)
        extents.append((start, end - start))
    if len(extents) == MOST_PIECES:
        return None
    return extents if end == size else [*extents, (size, 0)]


def read(fd: int, offset: int, length: int) -> Iterator[bytes]:
    """Yield so many bytes of a file; Blocked where it ends before."""
    end = offset + length
    while offset < end:
        piece = os.pread(fd, min(PIECE, end - offset), offset)
        if not piece:
            raise Blocked("a file became shorter while it was read", "end what still writes to it")
        offset += len(piece)
        yield piece
