"""Work in progress: a directory that becomes part of the store, or vanishes.

A layer is unpacked in ROOT/partial/NAME and renamed into its place when whole: rename(2) is done or
not done, never half. While its maker lives it holds a lock (flock(2)) on the directory itself.
The kernel drops the lock with the process, however that ends, so what is not locked is left over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from minidocker.images.store import files
from minidocker.images.store.hold import Hold, listing

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


class Partial:
    """A fresh directory under ROOT/partial, removed at the end of the `with` block.

    `path("fs")` names what is inside it. Make one while the store is not held by yourself.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __enter__(self) -> Partial:
        with Hold(self.store.root, exclusive=True):  # so that nobody sweeps it before it is locked
            folder = self.store.path("partial")
            os.makedirs(folder, 0o700, exist_ok=True)
            self.folder = tempfile.mkdtemp(dir=folder)
            self._lock = os.open(self.folder, files.DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            files.remove_tree(self.folder)
        finally:
            os.close(self._lock)  # last: what has no lock may be swept away by others

    def path(self, name: str) -> str:
        """Return the path of something in this directory."""
        return os.path.join(self.folder, name)

    def keep_blob(self, name: str, hex: str) -> None:
        """Put a file of this directory where blobs wait for their place, under its digest."""
        os.makedirs(self.path("blobs"), exist_ok=True)
        os.rename(self.path(name), self.path(f"blobs/{hex}"))

    def take(self, path: str, name: str) -> None:
        """Move a part of the store in here, to be removed with the rest: quick, and whole."""
        os.rename(path, self.path(name))


def left_over(store: Store) -> list[str]:
    """Return the directories of work whose maker is dead. Hold the store while you use them."""
    found = []
    for name in listing(store.path("partial")):
        path = store.path("partial", name)
        if not is_locked(path):
            found.append(path)
    return found


def drop_cut_off(store: Store) -> Iterator[tuple[str, int]]:
    """Remove the downloads that nobody is at; yield (name, bytes) of each. See `download`.

    Each is held while its name goes: a pull that opened it meanwhile sees that, and begins anew.
    """
    for name in listing(store.path("incoming")):
        path = store.path("incoming", name)
        with (
            contextlib.suppress(FileNotFoundError, BlockingIOError),  # a pull is at it, or was
            open(path, "rb", buffering=0) as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                os.unlink(path)
                yield name, os.fstat(file.fileno()).st_size


def is_locked(path: str) -> bool:
    """Say whether a live process holds the lock on a file or directory; False if it is missing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
