"""The streams of a detached container: pipes whose death kills nobody.

The command's end of an output pipe is opened for reading, too. So while it lives there is always a
reader: when our processes are killed, it meets no SIGPIPE, but a pipe that gets full and waits.
Who comes next finds the pipe behind the command's descriptors, and reads on. pipe(7), fifo(7)
"""

from __future__ import annotations

import os

NAMES = {1: "stdout", 2: "stderr"}


class Streams:
    """Both ends: `inner` for the command's 0, 1 and 2; `outer` its outputs, `stdin` its input."""

    def __init__(self, interactive: bool) -> None:
        self.stdin = -1
        first = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        if interactive:
            os.close(first)
            first, self.stdin = os.pipe()
        self.outer: dict[int, str] = {}
        inner = [first]
        for name in NAMES.values():
            reader, writer = os.pipe()
            inner.append(os.open(f"/proc/self/fd/{writer}", os.O_RDWR | os.O_CLOEXEC))
            os.fchmod(writer, 0o666)  # whoever the command is may open /dev/stdout
            os.close(writer)
            self.outer[reader] = name
        self.inner: tuple[int, int, int] = (inner[0], inner[1], inner[2])

    def numbers(self) -> list[int]:
        """Return the pipes' inode numbers, by which they are known again."""
        return [os.fstat(fd).st_ino for fd in self.outer]

    def close_stdin(self) -> None:
        """Let the command's input come to its end; harmless when done twice."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close_inner(self) -> None:
        """Leave the inner ends to the command, or its end would not be seen."""
        for fd in self.inner:
            os.close(fd)


def found_again(pid: int, numbers: list[int]) -> dict[int, str]:
    """Open the outputs of a command whose keepers are dead: descriptor → stream.

    By its descriptors 1 and 2, and only where they are still the pipes that we made: what else
    stands there is the command's business. O_PATH looks at a file and does nothing else to it.
    """
    found = {}
    mine = os.pipe()
    device = os.fstat(mine[0]).st_dev  # all pipes are on one: a FIFO of the container's is not
    for end in mine:
        os.close(end)
    for (fd, name), number in zip(NAMES.items(), numbers, strict=False):
        try:
            seen = os.open(f"/proc/{pid}/fd/{fd}", os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            status = os.fstat(seen)
            if (status.st_dev, status.st_ino) == (device, number):
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                found[os.open(f"/proc/self/fd/{seen}", flags)] = name
        except OSError:
            pass
        finally:
            os.close(seen)
    return found
