"""A learner's `supervise` and `log_pump` (lesson 14) serve a container of `run -d --mine`.

Each is called in a process of its own, and noted. What it cannot do: start again what a user has
stopped, hold the container up, or hang its keeper. What fails is said in `inspect`, State.Error,
and ours goes on.
"""

from __future__ import annotations

import os
import select
from errno import ENOSPC
from time import monotonic

from minidocker.engine import backoff
from minidocker.engine.log_file import PIECE
from minidocker.engine.pump import LONGEST, Pump
from minidocker.engine.streams import NAMES
from minidocker.errors import MinidockerError
from minidocker.kernel import packets
from minidocker.runtime import used

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.engine.log_file import LogFile
    from minidocker.runtime.apart import Own
    from minidocker.spec.spec import Run

WRONG = "own wrong"  # the fact that says what a learner's function did not do
PATIENCE = 5.0  # seconds that an answer may take
DEAF = 2.0  # seconds that a stream may wait to be read
MOST = 1000  # runs that are told to `supervise`: one that goes on for longer is ours
Life = tuple[float, int, bool]  # how long a run was, its status, whether somebody has stopped it


def wrong(run: Run, problem: object) -> None:
    """Note what a learner's function did not do, for `inspect`."""
    run.facts[WRONG] = str(problem).splitlines()[0][:300]


# --- supervise ---------------------------------------------------------------------------


class Wait(BaseException):
    """The function waits now: all that has happened so far has been told."""


class Past:
    """What has happened so far, as `start` and `clock` of a call of supervise."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives = list(lives)
        self.time = 0.0

    def start(self) -> tuple[int, bool]:
        """Tell how the next run ended; it has taken its time."""
        ran, status, stopped = self.lives.pop(0)
        self.time += ran
        return status, stopped

    def now(self) -> float:
        """Return the time."""
        return self.time

    def sleep(self, seconds: float) -> bool:
        """Wait; after the last run that is the answer."""
        if not self.lives:
            raise Wait(float(seconds))
        self.time += seconds
        return True


def ask(function: Callable[..., Any], lives: list[Life], policy: str) -> float | None:
    """Return how long supervise waits after these runs; None: it starts nothing again."""
    past = Past(lives)
    try:
        function(past.start, policy, past)
    except Wait as wait:
        return float(wait.args[0])
    return None


def decision(
    run: Run, lives: list[Life], policy: dict[str, Any], ours: float | None
) -> float | None:
    """Let a learner's supervise say how long to wait for the next start; None: it stays so.

    `ours` is our answer, which counts where theirs is none, or would not leave alone what
    somebody has stopped.
    """
    own: Own | None = (run.own or {}).get("supervise")  # type: ignore[assignment]
    if own is None or len(lives) > MOST:
        lives.pop()
        return ours
    text, times = str(policy["Name"]), policy["MaximumRetryCount"]
    function = own.function()
    asked = type(own)(own.name, own.file, lambda lives, policy: ask(function, lives, policy))
    try:
        said = asked(lives, f"{text}:{times}" if times else text, seconds=PATIENCE)
        if said is not None and not 0 <= said < float("inf"):
            what = f"your supervise in {own.file}: it would wait {said} seconds"
            raise MinidockerError(what, "minidocker grade supervise")
    except MinidockerError as problem:
        wrong(run, problem.message)
        return ours
    if said is not None and lives[-1][2]:
        wrong(run, f"your supervise in {own.file}: it starts again what somebody has stopped")
        return None
    return None if said is None else min(max(said, backoff.FIRST), backoff.LONGEST)


# --- log_pump ----------------------------------------------------------------------------


class OwnPump(Pump):
    """A pump whose streams a learner's log_pump reads, in a process; each entry is written here.

    When that process ends, or reads no more, this is a Pump like any other: so the container never
    waits for it.
    """

    def __init__(self, log: LogFile, poll: select.poll, run: Run, own: Own) -> None:
        super().__init__(log, poll)
        self.own, self.run = own, run
        self.given: dict[int, str] = {}  # the streams, as long as theirs reads them
        self.line: packets.End | None = None
        self.answer, self.pid, self.heard = -1, 0, 0.0

    def add(self, fd: int, stream: str) -> None:
        """Take a stream; with both of them their function begins."""
        if self.pid:
            super().add(fd, stream)
            return
        self.given[fd] = stream
        if len(self.given) == len(NAMES):
            self.begin()

    def begin(self) -> None:
        """Start the process."""
        used.note(self.own.name, self.own.file)
        self.line, theirs = packets.pair()
        self.answer, tell = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            streams = {name: fd for fd, name in self.given.items()}
            write = Writer(theirs, set(streams)).write
            keep = frozenset({*self.given, theirs.fileno()})
            self.own.answer(parent, tell, (streams, write), keep)
        theirs.close()
        os.close(tell)
        self.heard = monotonic()
        self.streams[self.line.fileno()] = ""
        self.poll.register(self.line.fileno(), select.POLLIN)

    def serve(self, fd: int) -> None:
        """Take an entry of theirs; or do as any pump."""
        if self.line is None or fd != self.line.fileno():
            super().serve(fd)
            return
        self.heard = monotonic()
        data, strangers = self.line.receive(PIECE + 16)
        for one in strangers:
            os.close(one)
        name, _, entry = data.partition(b" ")
        if not entry or name.decode("ascii", "replace") not in self.given.values():
            early = not self.at_end()
            self.go_on()
            if early and WRONG not in self.run.facts:
                wrong(self.run, f"your log_pump in {self.own.file}: it ended before its streams")
            return
        self.log.write(name.decode(), entry)
        try:
            self.line.send(b"full" if self.log.dropped else b"good")
        except OSError:
            pass  # it has just ended: the next look says so
        if self.watcher:
            self.watcher()

    def at_end(self) -> bool:
        """Say whether all that the container has written is read, and nobody writes any more."""
        look = select.poll()
        for fd in self.given:
            look.register(fd, select.POLLIN)
        return [event for _, event in look.poll(0)] == [select.POLLHUP] * len(self.given)

    def time_left(self, left: int | None) -> int | None:
        """Look whether theirs still reads; return the milliseconds until the next look."""
        if self.line is None:
            return left
        if monotonic() - self.heard > DEAF:
            self.heard = monotonic()
            look = select.poll()
            for fd in self.given:
                look.register(fd, select.POLLIN)
            if any(event & select.POLLIN for _, event in look.poll(0)):
                wrong(self.run, f"your log_pump in {self.own.file}: it reads no more")
                self.go_on()
                return 0
        most = int(DEAF * 1000)
        return most if left is None else min(left, most)

    def drain(self) -> None:
        """Take what theirs still has to say, for a second; then read to the end of each stream."""
        last = monotonic() + LONGEST
        while self.line and (left := last - monotonic()) > 0:
            look = select.poll()
            look.register(self.line.fileno(), select.POLLIN)
            if look.poll(left * 1000):
                self.serve(self.line.fileno())
        self.go_on()
        super().drain()

    def go_on(self) -> None:
        """End the process, and read in its place; harmless when done twice."""
        if self.line is None:
            return
        self.poll.unregister(self.line.fileno())
        del self.streams[self.line.fileno()]
        self.line.close()
        self.line = None
        if problem := self.own.ended(self.pid, self.answer):
            wrong(self.run, problem.message)
        for fd, name in self.given.items():
            self.add(fd, name)


class Writer:
    """What a learner's log_pump has for its `write`."""

    def __init__(self, line: packets.End, names: set[str]) -> None:
        self.line, self.names = line, names

    def write(self, stream: str, data: bytes) -> None:
        """Make an entry; OSError when the disk is full."""
        if stream not in self.names or not isinstance(data, bytes) or not data:
            raise ValueError(f"write({stream!r}, {data!r}): a stream's name, and some bytes")
        if len(data) > PIECE or b"\n" in data[:-1]:
            raise ValueError(f"an entry is one line, and at most {PIECE} bytes")
        self.line.send(f"{stream} ".encode() + data)
        answer, _ = self.line.receive(16)
        if answer == b"full":
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        if not answer:
            os._exit(0)  # the keeper has ended the work


def pump_of(run: Run, log: LogFile, poll: select.poll) -> Pump:
    """Return the pump of a container: with a learner's log_pump, where one serves."""
    own: Own | None = (run.own or {}).get("log_pump")  # type: ignore[assignment]
    return OwnPump(log, poll, run, own) if own else Pump(log, poll)
