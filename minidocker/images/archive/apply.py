"""Apply a layer tar: onto a tree, or as a directory that overlay can use as a lower layer.

Both go through the guarded `Unpacker`. A deletion counts for what the layers *below* have, never
for what this layer brings itself, wherever it stands in the archive (OCI layer.md, "Whiteouts").
"""

from __future__ import annotations

import contextlib
import os
import stat

from minidocker.images.archive.member import LINK, Member
from minidocker.images.archive.open_directories import DIRECTORY, Parts
from minidocker.images.archive.source import Source
from minidocker.images.archive.stream import Stream, shown
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.unpack import Unpacker
from minidocker.images.archive.whiteout import OPAQUE, OPAQUE_ATTRIBUTE, PREFIX, inside
from minidocker.images.store import files

# Character devices that every /dev has: null zero full random urandom tty console ptmx
HARMLESS = {
    (1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2),
}  # fmt: skip


def apply_layer(tar: str, directory: str) -> None:
    """Apply a layer tar (packed or plain; "-" is standard input) to the tree in a directory.

    Afterwards the directory shows what overlay would show with the layer on top. UsageError in one
    sentence for a tar that is refused: nothing outside the directory has changed then.
    """
    with Source(tar) as source:
        stream = Stream(source.read, source.title)
        Merge(directory, source.title).unpack(Archive(stream))
        stream.drain()


class LayerUnpacker(Unpacker):
    """An Unpacker that knows the .wh. names; what they mean is for the subclasses to do.

    `trusted` is a layer that was just packed here: only such a one may hold any device node.
    """

    def __init__(self, root: str, title: str, trusted: bool = False) -> None:
        super().__init__(root, title)
        self.trusted = trusted

    def _place(self, archive: Archive, member: Member, path: Parts) -> None:
        if not any(part.startswith(PREFIX) for part in path):
            if member.kind in (stat.S_IFCHR, stat.S_IFBLK):
                self._look_at_device(member)
            super()._place(archive, member, path)
            return
        gone = self._deleted(member, path)
        try:
            parent = self._here.open(path[:-1], make=True)
            if gone:
                self._delete(member, (*path[:-1], gone), parent)
            else:
                self._hide(member, path[:-1])
        except OSError as problem:
            raise self._refused(member, problem) from None

    def _deleted(self, member: Member, path: Parts) -> bytes:
        """Return the name that a .wh. name deletes; b"" for an opaque directory's mark."""
        if any(part.startswith(PREFIX) for part in path[:-1]):
            raise self._refuse(member, "lies in a directory whose name says that it is deleted")
        if member.kind not in (stat.S_IFREG, LINK) or member.size:
            raise self._refuse(member, "says that a file is deleted, and is no empty file")
        if path[-1] == OPAQUE:
            return b""
        name = path[-1].removeprefix(PREFIX)
        if name in (b"", b".", b".."):
            raise self._refuse(member, "deletes no file that could be")
        if name.startswith(PREFIX):
            raise self._refuse(member, "is a mark that only AUFS knows")
        return name

    def _delete(self, member: Member, path: Parts, parent: int) -> None:
        """Delete what lies below under this path; `member` says so, `parent` is open."""
        raise NotImplementedError

    def _hide(self, member: Member, path: Parts) -> None:
        """Hide all that lies below in the directory of this path."""
        raise NotImplementedError

    def _look_at_device(self, member: Member) -> None:
        number = (os.major(member.device), os.minor(member.device))
        if number == (0, 0) and member.kind == stat.S_IFCHR:
            raise self._refuse(member, "is the device 0:0, by which overlay means a deletion")
        if not self.trusted and (member.kind == stat.S_IFBLK or number not in HARMLESS):
            kind = "block" if member.kind == stat.S_IFBLK else "character"
            raise self._refuse(
                member, f"is the {kind} device {number[0]}:{number[1]}, a way out of a container"
            )


class Lower(LayerUnpacker):
    """Unpacks a layer into an empty directory, with the marks that overlay obeys in a lower layer.

    The marks are made last: only then it is known what the layer brings under the same names.
    """

    def __init__(self, root: str, title: str, trusted: bool = False) -> None:
        super().__init__(root, title, trusted)
        self._gone: dict[Parts, Member] = {}
        self._opaque: dict[Parts, Member] = {}

    @property
    def deletes(self) -> bool:
        """Whether the layer hides anything of those below."""
        return bool(self._gone or self._opaque)

    def _delete(self, member: Member, path: Parts, parent: int) -> None:
        self._gone[path] = member

    def _hide(self, member: Member, path: Parts) -> None:
        self._opaque[path] = member

    def _finish_directories(self) -> None:
        for make, marks in ((self._make_whiteout, self._gone), (self._make_opaque, self._opaque)):
            for path, member in marks.items():
                try:
                    make(member, path)
                except OSError as problem:
                    raise self._refused(member, problem) from None
        super()._finish_directories()

    def _make_whiteout(self, member: Member, path: Parts) -> None:
        parent = self._here.open(path[:-1])
        try:
            os.mknod(path[-1], stat.S_IFCHR, 0, dir_fd=parent)
        except FileExistsError:  # the layer deletes one and brings another
            if stat.S_ISDIR(os.lstat(path[-1], dir_fd=parent).st_mode):
                self._opaque[path] = member

    def _make_opaque(self, member: Member, path: Parts) -> None:
        space = "trusted" if self._dresser.real else "user"
        os.setxattr(self._here.open(path), f"{space}.{OPAQUE_ATTRIBUTE}", b"y")


class Merge(LayerUnpacker):
    """Applies a layer to a tree that is there already: flattened, as overlay would show it."""

    def __init__(self, root: str, title: str, trusted: bool = False) -> None:
        super().__init__(root, title, trusted)
        self._mine: set[Parts] = {()}  # what this layer brought, and the way to it

    def _place(self, archive: Archive, member: Member, path: Parts) -> None:
        super()._place(archive, member, path)
        kept = path[:-1] if path and path[-1].startswith(PREFIX) else path
        while kept not in self._mine:
            self._mine.add(kept)
            kept = kept[:-1]

    def _delete(self, member: Member, path: Parts, parent: int) -> None:
        if path not in self._mine:
            with contextlib.suppress(FileNotFoundError):
                self._remove(path, parent)
        elif stat.S_ISDIR(os.lstat(path[-1], dir_fd=parent).st_mode):
            self._hide(member, path)

    def _hide(self, member: Member, path: Parts) -> None:
        for name in map(os.fsencode, os.listdir(self._here.open(path))):
            below, here = (*path, name), self._here.open(path)
            if below not in self._mine:
                self._remove(below, here)
            elif stat.S_ISDIR(os.lstat(name, dir_fd=here).st_mode):
                self._hide(member, below)

    def _remove(self, path: Parts, parent: int) -> None:
        """Remove what an older layer has left, with all that is in it."""
        if self._there.names[: len(path)] == path:
            self._there.leave(len(path) - 1)
        if stat.S_ISDIR(os.lstat(path[-1], dir_fd=parent).st_mode):
            files.remove_tree(os.fsdecode(inside(parent, path[-1])))
        else:
            os.unlink(path[-1], dir_fd=parent)

    # What the Unpacker does in an empty directory is different here where something is already

    def _clear(self, path: Parts, parent: int) -> None:
        if path in self._mine:
            super()._clear(path, parent)
        else:
            self._remove(path, parent)

    def _directory(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                raise
            fd = os.open(name, DIRECTORY, dir_fd=parent)
            try:
                self._undress(fd)
            finally:
                os.close(fd)

    def _hard_link(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        if self._path(member, member.link) not in self._mine:
            raise self._refuse(member, f"links to {shown(member.link)}, which is not in this layer")
        super()._hard_link(archive, member, parent, name)

    def _plain_root(self, fd: int) -> None:
        """Keep the root as it is, unless the layer says something of it."""

    def _root(self, member: Member) -> None:
        super()._root(member)
        self._undress(self._here.open(()))

    def _undress(self, fd: int) -> None:
        """Make an old directory like a new one: overlay shows the top layer's owner and marks."""
        os.fchown(fd, self._dresser.user, self._dresser.group)
        for name in os.listxattr(fd):
            with contextlib.suppress(OSError):  # one that nobody may remove, such as a label
                os.removexattr(fd, name)
