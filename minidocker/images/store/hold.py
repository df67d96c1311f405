"""Hold: the lock on a store, and what is said to those who may not use it."""

from __future__ import annotations

import sys

from minidocker.errors import Blocked, MinidockerError
from minidocker.kernel.named import os


class Hold:
    """A lock on the store (flock(2) on ROOT/lock), shared or exclusive, for a `with` statement."""

    __slots__ = ("exclusive", "fd", "root")

    def __init__(self, root: str, exclusive: bool) -> None:
        self.root = root
        self.exclusive = exclusive
        self.fd = -1

    def __enter__(self) -> Hold:
        from minidocker.kernel.named import fcntl  # a store that nobody holds needs no locks

        try:
            os.makedirs(self.root, 0o711, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self.fd = os.open(f"{self.root}/lock", flags, 0o600)
        except PermissionError:
            raise not_allowed(self.root) from None
        except OSError as problem:
            why = f"the store {self.root} cannot be used: {problem}"
            raise Blocked(why, "set MINIDOCKER_ROOT to a directory on a local disk") from None
        fcntl.flock(self.fd, fcntl.LOCK_EX if self.exclusive else fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)  # closing gives the lock back


def listing(folder: str) -> list[str]:
    """Return the sorted names in a directory; none where there is no such directory."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except PermissionError:
        raise not_allowed(folder) from None


def not_allowed(path: str) -> MinidockerError:
    """Return the error for a store that belongs to somebody else."""
    again = " ".join(["sudo minidocker", *sys.argv[1:]])
    return Blocked(f"you may not use the store {path}: permission denied, as open(2) says", again)
