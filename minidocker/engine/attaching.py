"""Attach: the caller's terminal joined to a container that runs alone.

What it says is read from its log, so that a slow caller holds nothing up and misses nothing; the
keeper says when there is more. What it shall hear goes through the door.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minidocker.engine import ending, letters, revival
from minidocker.engine.keys import pass_on
from minidocker.engine.log_file import PIECE
from minidocker.engine.logs import Entry, Reader
from minidocker.errors import MinidockerError
from minidocker.kernel import packets

PROXIED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1,
           signal.SIGUSR2)  # fmt: skip
LEFT = -1  # instead of an exit status: the caller has left by the detach keys


def write(entry: Entry) -> None:
    """Write what was said to the stream that it was said to."""
    out = sys.stderr if entry.stream == "stderr" else sys.stdout
    out.buffer.write(entry.text)


def flush() -> None:
    """Let go of what waits."""
    sys.stdout.buffer.flush()
    sys.stderr.buffer.flush()


class Attached:
    """One caller at a container; `serve` returns its exit status, LEFT, or None: nobody knows."""

    def __init__(
        self, record: dict[str, Any], reader: Reader, hears: bool, keys: bytes, proxy: bool
    ) -> None:
        self.record = record
        self.reader = reader
        self.hears = hears and bool(record["spec"]["process"].get("interactive"))
        self.terminal = bool(record["spec"]["process"].get("terminal")) and os.isatty(0)
        self.keys, self.typed = keys, b""
        self.proxy = proxy
        self.line: packets.End | None = None
        self.poll = select.poll()

    def serve(self) -> int | None:
        """Copy both ways until it has ended, or the caller has left."""
        with self.raw(), self.proxied():
            self.call()
            while self.line:
                self.show()
                for fd, _ in self.poll.poll():
                    status = self.hear() if fd == self.line.fileno() else self.type()
                    if status is not None:
                        self.show()
                        return status
                    if not self.line:
                        break
            status = ending.wait(self.record)  # its keepers are gone: by what they have left
            self.show()
            return status

    def overhear(self) -> int | None:
        """Show what it says until it has ended; for one that has no door."""
        with self.proxied():
            for entry in self.reader.follow():
                if entry is None:
                    flush()
                else:
                    write(entry)
            status = ending.wait(self.record)
        flush()
        return status

    def call(self) -> None:
        """Go through the door; one keeper may have followed another."""
        self.line = letters.knock(self.record["directory"]) if self.is_there() else None
        if self.line is None:
            return
        try:
            os.write(self.line.fileno(), letters.wish("attach"))
        except OSError:
            self.line = None
            return
        self.poll = select.poll()
        self.poll.register(self.line.fileno(), select.POLLIN)
        if self.hears:
            self.poll.register(0, select.POLLIN)
        self.resize()

    def is_there(self) -> bool:
        """See that the container has a keeper, if it lives."""
        if os.path.isdir(self.record["directory"]):
            revival.revive({**self.record, "alive": True})
        return os.path.isdir(self.record["directory"])

    def hear(self) -> int | None:
        """Take one letter; that the line is cut means that a keeper was killed: call the other."""
        assert self.line
        try:
            data, _ = self.line.receive(letters.LARGEST)
        except OSError:
            data = b""
        if data[:1] == b"X":
            return int(data[1:])
        if not data:
            self.line.close()
            self.call()
        return None

    def show(self) -> None:
        """Print what is new in the log; a container that never pauses must not hold us here."""
        for entry in self.reader.drain(self.reader.sizes()):
            write(entry)
        flush()

    def type(self) -> int | None:
        """Pass on what the caller types, but for the detach keys; LEFT after these."""
        try:
            data = os.read(0, PIECE)
        except OSError:
            data = b""
        if not data:
            self.poll.unregister(0)
            self.say(b"C")
            return None
        left = False
        if self.terminal and self.keys:
            data, self.typed, left = pass_on(self.keys, self.typed, data)
        if data:
            self.say(b"I" + data)
        return LEFT if left else None

    def say(self, letter: bytes) -> None:
        """Send a letter; a command that does not read makes us wait, and nobody else."""
        try:
            if self.line:
                os.write(self.line.fileno(), letter)
        except OSError:
            pass  # `hear` will find the line cut

    def resize(self, *_: object) -> None:
        """Pass our window's size on."""
        if self.terminal:
            rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
            self.say(b"W%d %d" % (rows, columns))

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Put our terminal into raw mode, and give it back."""
        if not (self.terminal and self.hears):
            yield
            return
        saved = termios.tcgetattr(0)
        tty.setraw(0, termios.TCSANOW)
        signal.signal(signal.SIGWINCH, self.resize)
        try:
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)

    @contextmanager
    def proxied(self) -> Iterator[None]:
        """Pass signals on to the command, as long as we are attached."""

        def pass_on(number: int, _: object) -> None:
            try:
                ending.kill({**self.record, "alive": True}, number)
            except MinidockerError:
                pass  # it has just ended

        wanted = PROXIED if self.proxy and not self.terminal else ()
        before = {number: signal.signal(number, pass_on) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
