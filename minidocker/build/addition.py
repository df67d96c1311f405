"""A layer that is written, not run: the files that COPY, ADD or WORKDIR add, as a layer tar.

    put_file, put_directory, put_text ─► entries by path ─┬─ fingerprint(): all but the times
                                                          └─ pieces(): the tar, sorted by path

A directory that the stage has already keeps its owner and mode: it must stand in the tar, too,
since a layer's directory covers the one below it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator

from minidocker.build.tree import Tree, kind
from minidocker.build.wrong import BuildError
from minidocker.images.archive import tar_headers
from minidocker.images.archive.member import Member
from minidocker.images.archive.open_directories import Parts
from minidocker.images.archive.pack import attributes, read, with_data
from minidocker.images.archive.whiteout import PREFIX

Chmod = Callable[[int, bool], int]  # from the mode of a file, or of a directory, to another


class Owner:
    """What becomes of owner and mode: None leaves what the source has."""

    def __init__(
        self, uid: int | None = 0, gid: int | None = 0, mode: Chmod | None = None
    ) -> None:  # fmt: skip
        self.uid, self.gid, self.mode = uid, gid, mode

    def dress(self, member: Member) -> None:
        """Give a member its owner and mode."""
        member.uid = member.uid if self.uid is None else self.uid
        member.gid = member.gid if self.gid is None else self.gid
        if self.mode is not None and member.kind != stat.S_IFLNK:
            member.mode = self.mode(member.mode, member.kind == stat.S_IFDIR)


class Entry:
    """One name of the layer: its member, and where a file's bytes come from."""

    __slots__ = ("data", "member", "path", "tree")

    def __init__(self, member: Member, tree: Tree | None = None, path: Parts = (),
                 data: bytes = b"") -> None:  # fmt: skip
        self.member, self.tree, self.path, self.data = member, tree, path, data


class Addition:
    """Entries of a new layer over the tree `below`; `newest` (ns) bounds every time in it."""

    def __init__(self, below: Tree, owner: Owner, line: int, newest: int | None = None) -> None:
        self.below, self.owner, self.line, self.newest = below, owner, line, newest
        self.unpacked = owner  # of what comes out of an archive
        self.entries: dict[Parts, Entry] = {}

    def kind(self, path: Parts) -> int:
        """Return the S_IFMT of what will be there; 0 for nothing."""
        if path in self.entries:
            return self.entries[path].member.kind
        return kind(self.below, path)

    def parents(self, path: Parts) -> None:
        """See to it that all directories above a path are there."""
        for depth in range(len(path)):
            self.directory(path[:depth])

    def directory(self, path: Parts) -> bool:
        """See to it that a directory is there; True where it is new."""
        if path in self.entries:
            if self.entries[path].member.kind != stat.S_IFDIR:
                raise self.wrong(path, "is no directory")
            return False
        here = kind(self.below, path)
        if here and here != stat.S_IFDIR:
            raise self.wrong(path, "is no directory")
        member = blank(stat.S_IFDIR, path, 0o755)
        if here:
            like(member, self.below.look(path))
            if path:
                member.xattrs = attributes_of(self.below, path)
        elif path:
            Owner(self.owner.uid or 0, self.owner.gid or 0).dress(member)
        self.entries[path] = Entry(member)
        return not here

    def put(self, path: Parts, tree: Tree, source: Parts, keep_attributes: bool) -> None:
        """Put one file, link or node of a tree at this path; a file there is replaced."""
        info = tree.look(source)
        what = stat.S_IFMT(info.st_mode)
        if self.kind(path) == stat.S_IFDIR:
            raise self.wrong(path, "is a directory, and a file cannot take its place")
        if what == stat.S_IFSOCK:
            return
        if what not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO) and not keep_attributes:
            raise self.wrong(source, "is a device of this machine, and no file to copy")
        member = blank(what, path, 0)
        like(member, info)
        if what == stat.S_IFREG:
            member.size = info.st_size
        elif what == stat.S_IFLNK:
            member.link, member.mode = tree.link(source), 0o777
        else:
            member.device = info.st_rdev
        if keep_attributes:
            member.xattrs = attributes_of(tree, source)
        self._take(path, Entry(member, tree, source))

    def put_directory(self, path: Parts, info: os.stat_result) -> None:
        """Put a directory with the owner and mode of its source, also over one that is there."""
        if self.kind(path) not in (0, stat.S_IFDIR):
            raise self.wrong(path, "is no directory, and a directory cannot take its place")
        member = blank(stat.S_IFDIR, path, 0)
        like(member, info)
        self._take(path, Entry(member))

    def put_text(self, path: Parts, data: bytes, mode: int = 0o644) -> None:
        """Put a small file of these bytes."""
        if self.kind(path) == stat.S_IFDIR:
            raise self.wrong(path, "is a directory, and a file cannot take its place")
        member = blank(stat.S_IFREG, path, mode)
        member.size = len(data)
        self._take(path, Entry(member, data=data))

    @contextlib.contextmanager
    def from_archive(self) -> Iterator[None]:
        """Let the files that are put meanwhile have the owners that are right for an archive's."""
        usual, self.owner = self.owner, self.unpacked
        try:
            yield
        finally:
            self.owner = usual

    def _take(self, path: Parts, entry: Entry) -> None:
        if any(part.startswith(PREFIX) for part in path):
            raise self.wrong(path, "has a name that means a deletion in a layer")
        self.parents(path)
        self.owner.dress(entry.member)
        if self.newest is not None:
            entry.member.mtime = min(entry.member.mtime, self.newest)
        self.entries[path] = entry

    def wrong(self, path: Parts, why: str) -> BuildError:
        """Return the error for a path that cannot be written."""
        name = b"/" + b"/".join(path)
        return BuildError(self.line, f"{os.fsdecode(name)!r} {why}")

    def contents(self) -> Iterator[tuple[Parts, Iterator[bytes]]]:
        """Yield the path of each regular file, and its bytes piece by piece."""
        for path in sorted(self.entries):
            entry = self.entries[path]
            if entry.member.kind == stat.S_IFREG:
                yield path, self._content(entry) if entry.tree else iter([entry.data])

    def fingerprint(self, contents: bool = True) -> str:
        """Return a digest of names, owners, modes and `contents`; of no time."""
        total = hashlib.sha256()
        for path in sorted(self.entries):
            entry = self.entries[path]
            m = entry.member
            size = m.size if contents else 0
            words = [m.kind, m.mode, m.uid, m.gid, m.device, size, sorted(m.xattrs.items())]
            total.update(repr((path, m.link, words)).encode())
            if m.kind == stat.S_IFREG and contents:
                one = hashlib.sha256(entry.data)
                for piece in self._content(entry) if entry.tree else ():
                    one.update(piece)
                total.update(one.digest())
        return total.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the layer tar."""
        for path in sorted(self.entries):
            entry = self.entries[path]
            yield from self._file(entry) if entry.tree else [tar_headers.header(entry.member)]
            if not entry.tree and entry.data:
                yield entry.data + tar_headers.padding(len(entry.data))
        yield tar_headers.END

    def _file(self, entry: Entry) -> Iterator[bytes]:
        member = entry.member
        if member.kind != stat.S_IFREG:
            yield tar_headers.header(member)
            return
        fd = self._open(entry)
        try:
            yield from with_data(fd, member, os.fstat(fd))
        finally:
            os.close(fd)

    def _content(self, entry: Entry) -> Iterator[bytes]:
        fd = self._open(entry)
        try:
            yield from read(fd, 0, entry.member.size)
        finally:
            os.close(fd)

    def _open(self, entry: Entry) -> int:
        """Open an entry's file; what has changed since we looked is refused."""
        assert entry.tree
        fd = entry.tree.open(entry.path)
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_size != entry.member.size:
            os.close(fd)
            raise self.wrong(entry.path, "changed while it was read")
        return fd


def blank(what: int, path: Parts, mode: int) -> Member:
    """Return a member of this kind, of root, whose time is 0."""
    m = Member()
    m.kind, m.mode, m.name = what, mode, b"/".join(path)
    if what == stat.S_IFDIR:
        m.name = (m.name or b".") + b"/"
    m.uid = m.gid = m.mtime = m.size = m.device = 0
    m.link, m.xattrs, m.extents = b"", {}, None
    return m


def like(member: Member, info: os.stat_result) -> None:
    """Give a member the owner, mode and time that a file has."""
    member.mode = stat.S_IMODE(info.st_mode)
    member.uid, member.gid, member.mtime = info.st_uid, info.st_gid, info.st_mtime_ns


def attributes_of(tree: Tree, path: Parts) -> dict[bytes, bytes]:
    """Return a file's extended attributes, without overlay's own."""
    above, _, name = tree.named(path).rpartition(b"/")
    fd = os.open(above, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return attributes(fd, name)
    finally:
        os.close(fd)
