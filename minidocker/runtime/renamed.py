"""The name of a container that was renamed: a file beside its record.

    ROOT/containers/ID/name    the name now, where it is not the one of the record

The record is its owner's, who writes it again when the command ends: what another process put into
it would be lost.
"""

from __future__ import annotations

from minidocker.kernel.named import os

FILE = "name"


def name_of(directory: str, first: str) -> str:
    """Return a container's name; `first` is what it was called when it was made."""
    try:
        fd = os.open(f"{directory}/{FILE}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return first  # there is none; where it cannot be read, nothing worse than an old name
    try:
        return str(os.read(fd, 4096).decode("utf-8", "surrogateescape")) or first
    except OSError:
        return first
    finally:
        os.close(fd)
