"""One bound for a whole check: counted from its start on the monotonic clock, renewed by nothing.

Every loop of a check may wait for what learner code does, and learner code may do anything. So a
timer of the kernel's looks at the check from outside its loops, four times a second: at the
processor time of its cells, and at the clock. Manual: setitimer(2).
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from minidocker.chamber.cell_needs import patience
from minidocker.course.outcomes import Fail
from minidocker.errors import Blocked

TOTAL_SECONDS = 30.0
"""So long may a check take, with all that it waits for."""
TOTAL_CPU_SECONDS = 6.0
"""So much processor time may the processes of a check's cells use in all."""
TICK_SECONDS = 0.25
USUAL = 0.04
"""Processor time that the measuring loop takes on a slow machine without emulation."""
TICK = os.sysconf("SC_CLK_TCK")


@functools.cache
def speed() -> float:
    """Return how much slower than usual this machine is, at least 1; emulation: 12 to 50."""
    begin = time.process_time()
    sum(number * number for number in range(200_000))
    return max(1.0, (time.process_time() - begin) / USUAL)


def scale() -> float:
    """Return the factor for all waits: the machine's speed, measured once, and the user's wish."""
    return speed() * patience()


def delay() -> float:
    """Return how many seconds this process has waited for a processor; 0 where nobody counts."""
    try:
        with open("/proc/self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Watched(Protocol):
    """What a bound looks at: a cell."""

    doing: str

    def drain(self) -> None:
        """Empty the pipe of what was printed."""

    def processes(self) -> list[tuple[int, str, str, int]]:
        """Return (pid, state, name, clock ticks used) of everything in it."""


class Bound:
    """The bound of one check. `run` calls the check; cells register in `cells`."""

    def __init__(self) -> None:
        self.cells: list[Watched] = []
        self.begin = time.monotonic()
        self._armed = False
        self._held = 0
        self._used: dict[tuple[int, int], int] = {}
        self._starved = 0
        self._delay = delay()
        self._looks = 0

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.begin + TOTAL_SECONDS * scale() - time.monotonic()

    def run(self, check: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call a check; Fail out of whatever it is doing when the bound is reached.

        Outside the main thread Python handles no signals: there the cell's own bounds must do.
        """
        self.begin, self._delay = time.monotonic(), delay()
        if threading.current_thread() is not threading.main_thread():
            return check(*args, **named)
        scale()  # now: where measuring takes longer than a tick, each tick would begin it anew
        before = signal.signal(signal.SIGALRM, self._look)
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, TICK_SECONDS, TICK_SECONDS)
        try:
            return check(*args, **named)
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let something be done to its end, such as ending a cell; the bound strikes after it."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let work of our own be done, while no learner code runs: its time does not count."""
        begin = time.monotonic()
        with self.held():
            try:
                yield
            finally:
                self.begin += time.monotonic() - begin

    def _look(self, *_: object) -> None:
        """The timer has struck: raise when there is nothing more to wait for."""
        if self._held or not self._armed:
            return
        self.check()

    def check(self) -> None:
        """Raise Fail when the time or the processor time of the whole check is used up."""
        with self.held():
            used, wants = self._load()
            doing = next((cell.doing for cell in self.cells if cell.doing), "its start")
        if used > TOTAL_CPU_SECONDS * scale():
            raise Fail("MD9006", step=doing, seconds=TOTAL_CPU_SECONDS * scale())
        if self.left > 0:
            return
        if self._busy() > 0.5:
            raise Blocked("this machine is too busy to judge this", "MINIDOCKER_PATIENCE=4 waits")
        seen = wants or "all of its processes sleep"
        raise Fail("MD9013", step=doing, seconds=round(TOTAL_SECONDS * scale()), kernel=seen)

    def _busy(self) -> float:
        """Return in what part of the time somebody of us wanted a processor, and had none."""
        ours = (delay() - self._delay) / (time.monotonic() - self.begin)
        return ours + self._starved / self._looks

    def _load(self) -> tuple[float, str]:
        """Return the processor time of all cells in seconds, ended processes too, and who runs."""
        running = []
        ready = False
        before = sum(self._used.values())
        for number, cell in enumerate(self.cells):
            cell.drain()
            for pid, state, name, ticks in cell.processes():
                self._used[number, pid] = max(ticks, self._used.get((number, pid), 0))
                if state in "RD":
                    running.append(f"process {pid} ({name}) is in state {state}")
                ready |= state == "R"  # in D it waits for something else: vfork's child, for one
        self._looks += 1
        self._starved += ready and sum(self._used.values()) == before
        return sum(self._used.values()) / TICK, "; ".join(running[:3])


_current: list[Bound] = []


def current() -> Bound:
    """Return the bound of the check at work; where none is, one that begins now."""
    return _current[-1] if _current else Bound()


def bounded(check: Callable[..., Any]) -> Callable[..., Any]:
    """Return the check under a bound of its own."""

    @functools.wraps(check)
    def under_its_bound(*args: Any, **named: Any) -> Any:
        bound = Bound()
        _current.append(bound)
        try:
            return bound.run(check, *args, **named)
        finally:
            _current.remove(bound)

    return under_its_bound
