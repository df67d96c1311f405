"""Processes that end just when they are looked at: what happens now and then, made to happen.

Whoever reads /proc sees processes that end meanwhile. A check that waits for that would judge one
text now so and now so; here the look itself ends the process.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

SECONDS = 5.0


class Listed:
    """What os.scandir returns, read to its end beforehand."""

    def __init__(self, entries: Any) -> None:
        with entries:
            self.entries = list(entries)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.entries)

    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    close = __exit__


def end(pid: int) -> None:
    """Kill a process and wait until /proc has no entry of it: somebody must reap it."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    give_up = time.monotonic() + SECONDS
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < give_up:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass  # another process's child
        time.sleep(0.001)


def end_when_listed(pid: int) -> None:
    """Let a process end when /proc has been listed: it is named, and there no more."""
    listdir, scandir = os.listdir, os.scandir

    def listed(*args: Any) -> Any:
        found = listdir(*args)
        end(pid)
        return found

    def scanned(*args: Any) -> Any:
        found = Listed(scandir(*args))
        end(pid)
        return found

    os.listdir, os.scandir = listed, scanned  # type: ignore[assignment]


def end_when_opened(pid: int) -> None:
    """Let a process end when a file of it has been opened: to read it gives ESRCH."""
    opened, by_descriptor = builtins.open, os.open

    def looked(file: Any, *args: Any, **named: Any) -> Any:
        found = opened(file, *args, **named)
        if str(file).startswith(f"/proc/{pid}/"):
            end(pid)
        return found

    def descriptor(*args: Any, **named: Any) -> int:
        found = by_descriptor(*args, **named)
        # Its own name, since one can be opened by a descriptor of /proc/PID, too.
        if os.readlink(f"/proc/self/fd/{found}").startswith(f"/proc/{pid}/"):
            end(pid)
        return found

    builtins.open = io.open = looked
    os.open = descriptor
