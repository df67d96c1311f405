"""Input: what those who are attached say to the command.

A command that does not read holds them up, and never the keeper: what the pipe does not take waits,
and its writer is not heard before that has gone.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.engine.streams import Streams

END = b"\x04"  # the end of input, as a terminal says it


class Input:
    """The writing end of the command's input: its terminal, or a pipe, or nothing."""

    def __init__(self, terminal: int, streams: Streams | None, poll: select.poll) -> None:
        self.terminal = terminal
        self.streams = streams
        self.poll = poll
        self.waiting = b""
        self.writers: set[int] = set()  # lines that are not heard while something waits
        self.fd = os.dup(terminal) if terminal >= 0 else streams.stdin if streams else -1
        if self.fd >= 0:
            os.set_blocking(self.fd, False)

    def write(self, data: bytes, line: int) -> None:
        """Give bytes to the command; `line` is whose they are."""
        if self.fd < 0:
            return  # it has no input, or that is at its end
        idle = not self.waiting
        self.waiting += data
        self.push()
        if not self.waiting:
            return
        if idle:
            self.poll.register(self.fd, select.POLLOUT)
        if line >= 0 and line not in self.writers:
            self.writers.add(line)
            self.poll.unregister(line)

    def serve(self) -> None:
        """The command takes more now: write what waits, and hear its writers again."""
        self.push()
        if not self.waiting:
            self.poll.unregister(self.fd)
            for line in self.writers:
                self.poll.register(line, select.POLLIN)
            self.writers.clear()

    def push(self) -> None:
        """Write what waits, as much as the command takes."""
        try:
            self.waiting = self.waiting[os.write(self.fd, self.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting = b""  # it has closed its input

    def end(self) -> None:
        """Say that there is no more."""
        if self.terminal >= 0:
            self.write(END, -1)
        elif self.streams and self.fd >= 0:
            self.streams.close_stdin()
            self.fd = -1

    def resize(self, text: bytes) -> None:
        """Set the terminal's size, "ROWS COLUMNS"; the kernel tells the command. ioctl_tty(2)"""
        words = text.split()
        if self.terminal >= 0 and len(words) == 2 and all(word.isdigit() for word in words):
            size = struct.pack("4H", *(min(int(word), 65535) for word in words), 0, 0)
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)
