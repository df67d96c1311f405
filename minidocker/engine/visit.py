"""A visit: send a command through a container's door, and serve it until it ends.

Without a terminal the command gets the caller's own streams: nothing stands between. With one, the
caller gets the other side of the terminal, and copies.
"""

from __future__ import annotations

import json
import os
import select
import signal
from typing import Any

from minidocker.engine import letters
from minidocker.engine.keys import pass_on
from minidocker.errors import MinidockerError
from minidocker.kernel import packets
from minidocker.runtime.terminal import Terminal

LOST = 125


class Command:
    """What shall run inside, and how the caller is joined to it."""

    def __init__(
        self, args: list[str], env: list[str], cwd: str, user: str, terminal: bool,
        interactive: bool, detached: bool, keys: bytes = b"",
    ) -> None:  # fmt: skip
        """`keys` leave a terminal, and the command runs on; none are looked for without any."""
        self.args, self.env, self.cwd, self.user = args, env, cwd, user
        self.terminal, self.interactive, self.detached = terminal, interactive, detached
        self.keys = keys

    def letter(self) -> bytes:
        """Write the wish."""
        flags = "t" * self.terminal + "d" * self.detached
        count = str(len(self.env))
        return letters.wish("exec", flags, self.user, self.cwd, count, *self.env, *self.args)


def execute(record: dict[str, Any], command: Command) -> int:
    """Run a command in a container; return its exit status, or raise why it does not run."""
    line = letters.knock(record["directory"])
    if line is None:
        from minidocker.engine import usher  # it runs in the foreground, or its keepers were killed

        line = usher.knock(record)
    letter = command.letter()
    if len(letter) > letters.LARGEST - 1:
        raise MinidockerError("the command and its variables are too long: 128 kB", "a file", 126)
    null = os.open(os.devnull, os.O_RDWR)
    given: tuple[int, ...] = (null, null, null) if command.detached else (0, 1, 2)
    if not command.detached and not command.interactive:
        given = (null, 1, 2)
    try:
        line.send(letter, *(() if command.terminal else given))
    except OSError:
        pass  # it has just gone: what it said before, if anything, is read next
    os.close(null)
    return Visit(line, command.interactive, command.keys).serve()


class Visit:
    """The caller's side, until the command has ended."""

    def __init__(self, line: packets.End, interactive: bool, keys: bytes = b"") -> None:
        self.line = line
        self.interactive = interactive
        self.keys, self.begun, self.left = keys, b"", False
        self.terminal: Terminal | None = None
        self.poll = select.poll()

    def serve(self) -> int:
        """Hear what the keeper says, and copy a terminal; the command's exit status."""
        self.poll.register(self.line.fileno(), select.POLLIN)
        try:
            while True:
                for fd, events in self.poll.poll():
                    if fd == self.line.fileno():
                        status = self.hear()
                        if status is not None:
                            return status
                    elif self.terminal:
                        self.terminal.serve(fd, events, self.poll)
                        if self.left:
                            self.line.send(b"K", self.terminal.master)
                            return 0
        finally:
            if self.terminal:
                self.terminal.drain()
                self.terminal.stop()

    def hear(self) -> int | None:
        """Take one letter: the exit status, or None while there is more to come."""
        data, given = self.line.receive(letters.LARGEST)
        kind, rest = data[:1], data[1:]
        if kind == b"T" and given:
            self.take(given[0])
        elif kind == b"X":
            return int(rest)
        elif kind == b"R":
            return 0
        elif kind == b"F":
            told = json.loads(rest)
            raise MinidockerError(
                told["message"], told["remedy"], told["status"], docker=told["docker"]
            )
        elif not data:
            raise MinidockerError(
                "both of the container's keepers were killed: nobody knows how the command ends",
                "minidocker ps", LOST,
            )  # fmt: skip
        return None

    def take(self, master: int) -> None:
        """Join the caller's terminal to the command's."""
        self.terminal = Terminal(master, self.interactive)
        self.terminal.typed = self.type if self.keys else None
        self.terminal.start(self.poll)
        signal.signal(signal.SIGWINCH, self.resize)

    def type(self, data: bytes) -> bytes:
        """Look for the keys in what is typed; return what is for the command."""
        data, self.begun, self.left = pass_on(self.keys, self.begun, data)
        return data

    def resize(self, *_: object) -> None:
        """The caller's window has changed."""
        if self.terminal and self.terminal.master >= 0:
            self.terminal.resize()
