"""Open directories by their names, one from the other, and follow no link.

A path that is given to the kernel whole may lead anywhere, through a symbolic link that a hostile
archive has made before. So each directory is opened from the one above it, with O_NOFOLLOW, and
what is in it is made by its own name alone: see openat(2).
"""

from __future__ import annotations

import os
import stat

from minidocker.errors import Blocked

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC  # a name for it, and no driver starts

Parts = tuple[bytes, ...]


def open_file(name: bytes, parent: int, expected: os.stat_result | None = None) -> int:
    """Open an ordinary file of a directory to read it; Blocked where it has become something else.

    A container that runs may put a device node in its place after we looked: to open one starts a
    driver already, and to read it may read the host's disk. `expected` is what stat(2) said.
    """
    held = os.open(name, PATH, dir_fd=parent)
    try:
        found = os.fstat(held)
        same = expected is None or os.path.samestat(found, expected)
        if not same or not stat.S_ISREG(found.st_mode):
            raise Blocked(
                f"{name.decode(errors='backslashreplace')!r} changed while it was read",
                "once more, when nothing writes there",
            )
        return os.open(f"/proc/self/fd/{held}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(held)


class Chain:
    """Open directories from the root of the tree down to the one in use, each from the one above.

    Archives list what is in one directory together, so the next path shares most of the chain.
    """

    def __init__(self, root: int) -> None:
        self.names: Parts = ()
        self._fds = [root]

    def open(self, names: Parts, make: bool = False) -> int:
        """Return a descriptor of this directory, valid until the next call.

        OSError (ELOOP or ENOTDIR) where a name is a link or a file; `make` makes what is missing.
        """
        if names == self.names:
            return self._fds[-1]
        shared = 0
        for mine, wanted in zip(self.names, names, strict=False):
            if mine != wanted:
                break
            shared += 1
        self.leave(shared)
        for name in names[shared:]:
            self._down(name, make)
        return self._fds[-1]

    def leave(self, depth: int) -> None:
        """Close what is deeper than this; 0 leaves the root alone."""
        while len(self._fds) - 1 > depth:
            os.close(self._fds.pop())
        self.names = self.names[:depth]

    def _down(self, name: bytes, make: bool) -> None:
        above = self._fds[-1]
        try:
            fd = os.open(name, DIRECTORY, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
            os.mkdir(name, 0o700, dir_fd=above)
            fd = os.open(name, DIRECTORY, dir_fd=above)
            os.fchmod(fd, 0o755)
        self._fds.append(fd)
        self.names += (name,)
