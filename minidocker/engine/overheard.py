"""Overheard: what a container in the foreground says, passed on to its caller and into its log.

So `logs` and `attach` of another terminal have something to read, and `logs` also when it has
ended. What is removed at its end (--rm) has its caller's own streams instead: nothing stands
between, and nothing is kept.
"""

from __future__ import annotations

import os
import select
import stat
from errno import EPIPE
from time import monotonic

from minidocker.engine.log_file import LOG, PIECE, LogFile
from minidocker.errors import UsageError
from minidocker.runtime.signals import ENDING
from minidocker.spec import logging
from minidocker.spec.attached import STREAMS

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.runtime.signals import Signals
    from minidocker.spec.spec import Run

SOME = 4096  # bytes that a pipe takes at once, when poll(2) says that it takes any: PIPE_BUF
LONGEST = 1.0  # seconds from the command's end to ours, where another process holds a stream


def of(run: Run, learners: bool, attached: Sequence[str] = ()) -> Overheard | None:
    """Return who listens to a container in the foreground; None where nobody shall.

    Its streams must end with its command: a pid namespace of its own sees to that. `attached`: of
    its streams the caller has these alone (-a); all, if nothing is said.
    """
    spec = run.spec
    own_end = "pid" in (spec.stages or ()) and not (spec.sharing or {}).get("pid")
    if learners or not spec.image or not own_end:
        if attached:
            raise UsageError("-a needs an image and a pid namespace, and no parts of a learner's",
                             "leave -a out")  # fmt: skip
        return None
    return Overheard(run, attached or STREAMS) if attached or not spec.remove else None


class Way:
    """From one stream of the command's to the caller's: `waiting` is what that did not take yet."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.source, self.inner = os.pipe()
        os.fchmod(self.inner, 0o666)  # whoever the command is may open /dev/stdout
        self.waiting = b""

    def read(self) -> bytes:
        """Take what the command has said; b"" at its end."""
        return os.read(self.source, PIECE)

    def close(self) -> None:
        """Read no more: a command that goes on to write meets a closed pipe."""
        if self.source >= 0:
            os.close(self.source)
        self.source = -1


class Overheard:
    """Both streams; with a terminal there are none, and what that shows is logged."""

    def __init__(self, run: Run, attached: Sequence[str]) -> None:
        limits = run.spec.log or logging.limits(())
        self.log = LogFile(f"{run.directory}/{LOG}", limits["size"], limits["files"])
        self.lost = ""  # why the caller could not be told, unless it went away
        self.poll = select.poll()
        self.ways: list[Way] = []
        self.inner: tuple[int, int, int] | None = None
        process = run.spec.process
        if process.terminal:
            return
        nobody = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        first = os.dup(0 if process.interactive and "stdin" in attached else nobody)
        self.ways = [
            Way(name, number if name in attached else nobody)
            for number, name in enumerate(STREAMS) if number
        ]  # fmt: skip
        self.inner = (first, self.ways[0].inner, self.ways[1].inner)

    def begin(self, poll: select.poll) -> None:
        """The command is born: leave the inner ends to it, and listen."""
        self.poll = poll
        for fd in self.inner or ():
            os.close(fd)
        for way in self.ways:
            poll.register(way.source, select.POLLIN)
        self.log.write("stdout", b"")  # there is a log, and nothing in it yet

    def shown(self, data: bytes) -> None:
        """Log what the command's terminal has shown."""
        self.log.write("stdout", data)

    def serve(self, fd: int) -> bool:
        """Do what a descriptor is ready for; False for one that is none of ours."""
        for way in self.ways:
            if fd == way.source:
                self.hear(way)
                return True
            if fd == way.number and way.waiting:
                self.pass_on(way)
                if not way.waiting:
                    self.poll.unregister(way.number)
                    if way.source >= 0:
                        self.poll.register(way.source, select.POLLIN)
                return True
        return False

    def hear(self, way: Way) -> None:
        """Take a piece; what the caller does not take at once waits, and so does the command."""
        if not (data := way.read()):
            self.part(way)
            return
        self.log.write(way.name, data)
        way.waiting += data
        self.pass_on(way)
        if way.waiting:
            self.poll.unregister(way.source)
            self.poll.register(way.number, select.POLLOUT)

    def pass_on(self, way: Way) -> None:
        """Write so much as the caller takes now. One that has gone: the command shall meet that."""
        try:
            while way.waiting and takes(way.number):
                piece = way.waiting if is_file(way.number) else way.waiting[:SOME]
                way.waiting = way.waiting[os.write(way.number, piece) :]
        except BlockingIOError:
            return  # somebody else's O_NONBLOCK
        except OSError as problem:
            if problem.errno != EPIPE:
                self.lost = f"write(2): {problem.strerror}"
            way.waiting = b""
            self.part(way)

    def part(self, way: Way) -> None:
        """Listen to a stream no more."""
        try:
            self.poll.unregister(way.source)
        except (KeyError, ValueError):
            pass  # it waits
        way.close()

    def drain(self, signals: Signals) -> None:
        """Read to the end; the caller may take its time, until a signal says that it is enough."""
        self.poll = select.poll()
        self.poll.register(signals.fd, select.POLLIN)
        for way in self.ways:
            if way.waiting:
                self.poll.register(way.number, select.POLLOUT)
            elif way.source >= 0:
                self.poll.register(way.source, select.POLLIN)
        end = monotonic() + LONGEST
        while any(way.waiting or way.source >= 0 for way in self.ways):
            waits = any(way.waiting for way in self.ways)
            ready = self.poll.poll(None if waits else max(0, (end - monotonic()) * 1000))
            if not ready or not all(self.serve(fd) or signals.take() not in ENDING
                                    for fd, _ in ready):  # fmt: skip
                break
        for way in self.ways:
            self.part(way)
        self.log.close()


def takes(fd: int) -> bool:
    """Say whether a descriptor takes something now, or is to be found closed."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


def is_file(fd: int) -> bool:
    """Say whether it is a file of a disk, which takes all."""
    return stat.S_ISREG(os.fstat(fd).st_mode)
