"""Letters: what a caller and a keeper say to each other through the container's door.

Packets of a unix socket. A wish is texts with a zero byte between them, so that no parser of
somebody's text is needed in a process that has all rights. An answer begins with one letter:

    R          the command runs             T   its terminal comes along
    F {JSON}   it does not, and why         X N it has ended with the status N
    N          there is more in the log     (to who is attached)

Who is attached may say I DATA, the command's input; C, its end; W ROWS COLUMNS, the size.
Who leaves the terminal of an exec says K, and sends that along.
"""

from __future__ import annotations

import os
from errno import ECONNREFUSED, ENOENT

from minidocker.errors import KernelError
from minidocker.kernel import callers, packets

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DOOR = "door"
LARGEST = 128 * 1024  # bytes of a wish: its words and its variables
MARK = b"\0"


def wish(kind: str, *texts: str) -> bytes:
    """Write a wish; a text cannot have a zero byte, since argv and environ cannot."""
    return MARK.join(os.fsencode(text) for text in (kind, *texts))


def read_wish(data: bytes) -> list[str]:
    """Read a wish: its kind, and its texts."""
    return [os.fsdecode(text) for text in data.split(MARK)]


def open_door(directory: str) -> int:
    """Listen at the container's door; a dead keeper's is replaced."""
    place = f"{directory}/{DOOR}"
    try:
        os.unlink(place)
    except FileNotFoundError:
        pass
    return int(_by_short_name(directory, callers.listen))


def knock(directory: str) -> packets.End | None:
    """Call a container's keeper; None where there is none."""
    try:
        end: packets.End = _by_short_name(directory, callers.connect)
        return end
    except KernelError as problem:
        if problem.errno in (ENOENT, ECONNREFUSED):
            return None
        raise


def _by_short_name(directory: str, work: Callable[[str], Any]) -> Any:
    """Name the door by a descriptor of its directory: a socket's path has 107 bytes at most."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return work(f"/proc/self/fd/{fd}/{DOOR}")
    finally:
        os.close(fd)
