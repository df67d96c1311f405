"""Scratch: the directory of a registry that keeps nothing; it goes with its owner."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from types import TracebackType

PREFIX = "minidocker-registry-"


class Scratch:
    """A directory that one process holds by a lock: the kernel lets go when it ends. flock(2)"""

    def __init__(self) -> None:
        sweep()
        while True:
            self.path = tempfile.mkdtemp(prefix=PREFIX)
            lock = _held(self.path)
            self.remove = weakref.finalize(self, _remove, self.path, lock)
            if lock >= 0 and os.path.isdir(self.path):
                return
            self.remove()  # another one's sweep was quicker than our lock

    def __enter__(self) -> str:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.remove()


def sweep() -> list[str]:
    """Remove the directories of ours whose owner was killed; return their paths."""
    removed = []
    with os.scandir(tempfile.gettempdir()) as entries:
        ours = [one.path for one in entries if one.name.startswith(PREFIX)]
    for path in ours:
        lock = _held(path)
        if lock >= 0:
            _remove(path, lock)
            removed.append(path)
    return removed


def _remove(path: str, lock: int) -> None:
    """Remove a directory, then let go of it."""
    shutil.rmtree(path, ignore_errors=True)
    if lock >= 0:
        os.close(lock)


def _held(path: str) -> int:
    """Lock a directory of this user's own; -1 where it is another's, or somebody holds it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        if os.fstat(fd).st_uid == os.geteuid():
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
    except OSError:
        pass
    os.close(fd)
    return -1
