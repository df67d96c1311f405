"""A tree of files that a COPY reads: a directory of the host, or a stage's layers seen as one.

A path is its parts, and leads nowhere but into the tree: a link is followed by `resolve` alone,
inside the tree, and every directory is opened from the one above it. So whoever swaps a directory
of the context for a link while we look gets an error, and no file of the host.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Protocol

from minidocker.build.wrong import BuildError
from minidocker.images.archive.open_directories import Chain, Parts
from minidocker.images.archive.upper import Below
from minidocker.images.archive.whiteout import inside

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST_LINKS = 40  # followed in one path; as the kernel


class Tree(Protocol):
    """What a COPY asks of a tree; OSError as usual, FileNotFoundError for what is not there."""

    def look(self, path: Parts) -> os.stat_result:
        """Return what a name is, as lstat(2)."""

    def names(self, path: Parts) -> list[bytes]:
        """Return the sorted names in a directory."""

    def open(self, path: Parts) -> int:
        """Open a file for reading; no link, and no pipe is waited for."""

    def link(self, path: Parts) -> bytes:
        """Return where a symbolic link leads."""

    def named(self, path: Parts) -> bytes:
        """Return a path for calls that take no descriptor, valid until the next call."""


class Folder:
    """The tree in one directory of the host."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._chain = Chain(self._fd)

    def close(self) -> None:
        """Close what is open."""
        self._chain.leave(0)
        os.close(self._fd)

    def look(self, path: Parts) -> os.stat_result:
        """Return what a name is."""
        if not path:
            return os.fstat(self._fd)
        return os.lstat(path[-1], dir_fd=self._chain.open(path[:-1]))

    def names(self, path: Parts) -> list[bytes]:
        """Return the sorted names in a directory."""
        return sorted(map(os.fsencode, os.listdir(self._chain.open(path))))

    def open(self, path: Parts) -> int:
        """Open a file for reading."""
        return os.open(path[-1], READ, dir_fd=self._chain.open(path[:-1]))

    def link(self, path: Parts) -> bytes:
        """Return where a symbolic link leads."""
        return os.readlink(path[-1], dir_fd=self._chain.open(path[:-1]))

    def named(self, path: Parts) -> bytes:
        """Return a path for calls that take no descriptor."""
        return inside(self._chain.open(path[:-1]), path[-1])


class Layers:
    """The tree that overlay would show of layers of the store (directories, bottom first).

    They lie still: what is in the store is never changed, so a look by path holds.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        self._path: Parts = ()
        self._below = [Below([os.fsencode(layer) for layer in reversed(layers)])]

    def _at(self, path: Parts) -> Below:
        """Return what lies in a directory; the way to it is kept for the next look."""
        shared = 0
        while path[shared : shared + 1] == self._path[shared : shared + 1] != ():
            shared += 1
        del self._below[shared + 1 :]
        self._path = path[:shared]
        for name in path[shared:]:
            if not stat.S_ISDIR(self._top(self._below[-1], name)[1].st_mode):
                raise NotADirectoryError(20, os.strerror(20), b"/" + b"/".join(path))
            self._below.append(self._below[-1].enter(name))
            self._path += (name,)
        return self._below[-1]

    @staticmethod
    def _top(below: Below, name: bytes) -> tuple[bytes, os.stat_result]:
        if not below.shows(name):
            raise FileNotFoundError(2, os.strerror(2), name)
        return below.topmost(name)

    def look(self, path: Parts) -> os.stat_result:
        """Return what a name is."""
        if path:
            return self._top(self._at(path[:-1]), path[-1])[1]
        directories = self._below[0].directories
        if not directories:
            raise FileNotFoundError(2, os.strerror(2), b"/")
        return os.lstat(directories[0])

    def names(self, path: Parts) -> list[bytes]:
        """Return the sorted names in a directory."""
        return self._at(path).names()

    def open(self, path: Parts) -> int:
        """Open a file for reading."""
        return os.open(self.named(path), READ)

    def link(self, path: Parts) -> bytes:
        """Return where a symbolic link leads."""
        return os.readlink(self.named(path))

    def named(self, path: Parts) -> bytes:
        """Return a path for calls that take no descriptor."""
        return self._top(self._at(path[:-1]), path[-1])[0]


def parts(text: str) -> Parts:
    """Split a path into its parts: no "" and ".", and ".." goes up as far as the root."""
    found: list[bytes] = []
    for part in os.fsencode(text).split(b"/"):
        if part == b"..":
            del found[-1:]
        elif part not in (b"", b"."):
            found.append(part)
    return tuple(found)


def kind(tree: Tree, path: Parts) -> int:
    """Return the S_IFMT of a name; 0 where there is none."""
    try:
        return stat.S_IFMT(tree.look(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def resolve(tree: Tree, text: str, line: int) -> Parts:
    """Return where a path leads when its links are followed inside the tree, as if in a chroot.

    What is not there yet stays as written. BuildError for links that go round.
    """
    done: Parts = ()
    left = [part for part in os.fsencode(text).split(b"/") if part not in (b"", b".")]
    links = 0
    while left:
        part = left.pop(0)
        if part == b"..":
            done = done[:-1]
        elif kind(tree, (*done, part)) == stat.S_IFLNK:
            links += 1
            if links > MOST_LINKS:
                raise BuildError(line, f"{text}: too many symbolic links in one another")
            target = tree.link((*done, part))
            done = () if target.startswith(b"/") else done
            left[:0] = [one for one in target.split(b"/") if one not in (b"", b".")]
        else:
            done = (*done, part)
    return done


def text_of(tree: Tree, path: str, line: int) -> str:
    """Read a small text file of a tree, such as /etc/passwd; "" where there is none."""
    where = resolve(tree, path, line)
    if kind(tree, where) != stat.S_IFREG:
        return ""
    fd = tree.open(where)
    try:
        return os.read(fd, 1 << 20).decode("utf-8", "replace")
    finally:
        os.close(fd)
