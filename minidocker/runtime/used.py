"""Used: which functions of the learner's have served, noted by us as each is called.

One line of JSON a call goes into ROOT/used, a file that root (or the user whose store it is) alone
may read. It is opened before the learner's code is loaded, since after the pivot no path leads to
it; the exec closes it. Code that runs in our own process could write there too: a note says what
was called, and what the call has done is to be asked of the kernel.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

FILE = "used"
MOST = 4 << 20  # bytes; then the file begins anew
_log: list[Any] = []  # [descriptor, the word that is served, the container or image]


def serving(root: str, by: str, whose: str) -> None:
    """Say in which store notes are kept from now on, which word is served, and for what.

    `by` is the word of the command line ("run", "commit", "oci"), `whose` a container's id or an
    image's name. Where the file cannot be had, nothing is noted and the work goes on.
    """
    end()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        os.makedirs(root, 0o711, exist_ok=True)
        fd = os.open(os.path.join(root, FILE), flags, 0o600)
        if os.fstat(fd).st_size > MOST:
            os.truncate(fd, 0)
    except OSError:
        return
    _log[:] = [fd, by, whose]


def held() -> set[int]:
    """Return the descriptor of the notes, which who closes all others keeps; or none."""
    return {_log[0]} if _log else set()


def end() -> None:
    """Keep no more notes."""
    if _log:
        os.close(_log[0])
        _log.clear()


def note(function: str, file: str) -> None:
    """Note that a function of this file is called now."""
    if not _log:
        return
    fd, by, whose = _log
    line = {"at": time.time(), "by": by, "for": whose, "function": function, "file": file}
    try:
        os.write(fd, json.dumps({**line, "pid": os.getpid()}).encode() + b"\n")
    except OSError:
        return  # a full disk: the work matters more


def noting(function: Callable[..., Any], name: str, file: str) -> Callable[..., Any]:
    """Return the learner's function so that each call of it is noted first."""

    def noted(*args: Any, **more: Any) -> Any:
        note(name, file)
        return function(*args, **more)

    return noted


def notes(root: str) -> Iterator[dict[str, Any]]:
    """Yield what was noted in a store, oldest first; a line that is damaged is left out."""
    try:
        fd = os.open(os.path.join(root, FILE), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    with open(fd, "rb") as file:
        for line in file:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and isinstance(found.get("function"), str):
                yield found
