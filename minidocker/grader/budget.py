"""How long one answer may take; the whole check has its own bound (bound.py)."""

from __future__ import annotations

import os
import time
from typing import Protocol

from minidocker.course.outcomes import Fail
from minidocker.grader import bound
from minidocker.grader.probe import Proc

TICK = os.sysconf("SC_CLK_TCK")
QUIET_SECONDS = 2.0
"""So long may everything in a cell sleep, when an answer is expected."""
CPU_SECONDS = 1.5
"""So much processor time may a cell use for one answer."""
GLANCE_SECONDS = 0.2
"""For so long does one look vouch: where the grader itself waits for the processor, the cell may
have worked meanwhile, and sleep at the moment of the look only."""


class Working(Protocol):
    """Whatever says what it is doing: a cell."""

    doing: str


class Budget:
    """How long an answer may take: processor time for a loop, quiet time for a sleep.

    Time in which the cell wants the processor and does not get it counts for neither. The whole
    check has its own bound (bound.py), which no answer renews.
    """

    def __init__(self, proc: Proc) -> None:
        self.proc = proc
        self.last = time.monotonic()
        self.ticks = proc.load()[1]
        self.slept = 0.0

    def check(self, cell: Working) -> None:
        """Raise Fail when the learner's code loops or sleeps for too long."""
        now = time.monotonic()
        wants, ticks = self.proc.load()
        self.slept = 0.0 if wants else self.slept + min(now - self.last, GLANCE_SECONDS)
        self.last = now
        if (ticks - self.ticks) / TICK > CPU_SECONDS * bound.scale():
            raise Fail("MD9006", step=cell.doing, seconds=CPU_SECONDS * bound.scale())
        if self.slept > QUIET_SECONDS * bound.scale():
            raise Fail("MD9007", step=cell.doing, seconds=QUIET_SECONDS * bound.scale())
