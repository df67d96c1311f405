"""The last word: how a detached command ended, written into the lock file itself.

Who has that file open can read it when the container's directory is gone already, as `--rm` has
it; and it needs no new block of a disk that is full. The text is as long as what it replaces.
"""

from __future__ import annotations

import os

LENGTH = 32


def begin(lock: int) -> None:
    """Make room, and forget the word of an earlier run."""
    os.pwrite(lock, b"\n".rjust(LENGTH), 0)


def write(lock: int, status: int) -> None:
    """Note how the command ended."""
    os.pwrite(lock, f"exited {status}\n".rjust(LENGTH).encode(), 0)


def heard(lock: int) -> int | None:
    """Return the status from an open lock file; None while there is none."""
    try:
        words = os.pread(lock, LENGTH, 0).split()
    except OSError:  # it is no file any more
        return None
    return int(words[1]) if len(words) == 2 and words[1].isdigit() else None


def read(path: str) -> int | None:
    """Return the status from a lock file; None where nobody has noted one."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return heard(lock)
    finally:
        os.close(lock)
