"""The pump: from the container's streams to its log, which is what everybody reads.

What is read is written at once: nothing waits in the memory of a process that may be killed.
Only while more is there to be read is the beginning of a line kept for its end.
"""

from __future__ import annotations

import os
import select
from time import monotonic

from minidocker.engine.log_file import PIECE, LogFile

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 64  # pieces from one stream before the others have their turn
LONGEST = 1.0  # seconds from the command's end to ours, where a grandchild holds a stream


class Pump:
    """The reading ends of a container's streams: descriptor → "stdout" or "stderr"."""

    def __init__(self, log: LogFile, poll: select.poll) -> None:
        self.log = log
        self.poll = poll
        self.streams: dict[int, str] = {}
        self.watcher: Callable[[], None] | None = None  # called when there is more in the log

    def add(self, fd: int, stream: str) -> None:
        """Listen to one more stream."""
        os.set_blocking(fd, False)
        self.streams[fd] = stream
        self.poll.register(fd, select.POLLIN)

    def serve(self, fd: int) -> None:
        """Move what is there; a stream at its end is closed."""
        rest = b""
        for _ in range(TURNS):
            try:
                data = os.read(fd, PIECE)
            except BlockingIOError:
                break
            except OSError:
                data = b""  # EIO: nobody holds the other side of the terminal any more
            if not data:
                self.keep(fd, rest)
                self.drop(fd)
                return
            rest = self.lines(fd, rest + data)
        self.keep(fd, rest)

    def lines(self, fd: int, data: bytes) -> bytes:
        """Log whole lines, and pieces of one that is too long; return what has no end yet."""
        first = data.find(b"\n")
        while len(data) >= PIECE and not 0 <= first < PIECE:
            self.keep(fd, data[:PIECE])
            data, first = data[PIECE:], first - PIECE if first >= 0 else -1
        cut = data.rfind(b"\n") + 1
        self.keep(fd, data[:cut])
        return data[cut:]

    def keep(self, fd: int, data: bytes) -> None:
        """Log some bytes, if there are any."""
        if data:
            self.log.write(self.streams[fd], data)
            if self.watcher:
                self.watcher()

    def time_left(self, left: int | None) -> int | None:
        """Return the milliseconds that may pass until it has to look: `left`, as for the others."""
        return left

    def drop(self, fd: int) -> None:
        """Stop listening to a stream."""
        self.poll.unregister(fd)
        del self.streams[fd]
        os.close(fd)

    def drain(self) -> None:
        """Read to the end of each stream: a grandchild that holds one open gets a second."""
        end = monotonic() + LONGEST
        while self.streams and (left := end - monotonic()) > 0:
            poll = select.poll()
            for fd in self.streams:
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll(left * 1000):
                self.serve(fd)
        for fd in list(self.streams):
            self.drop(fd)
