"""What became of a process, and when a container starts again: the engine's own answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from minidocker.engine import backoff
from minidocker.proc import living


class Clock:
    """A clock that stands still until somebody waits."""

    def __init__(self, stopped: int = 0) -> None:
        self.time, self.waits, self.stopped = 0.0, [], stopped

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.time += seconds
        return len(self.waits) != self.stopped


ALWAYS = {"Name": "always", "MaximumRetryCount": 0}


def test_supervise_waits_longer_each_time_and_ends_when_it_is_stopped() -> None:
    clock, runs = Clock(), iter([1.0, 1.0, 1.0, 20.0, 1.0])

    def start() -> tuple[int, bool]:
        ran = next(runs, 0.0)
        clock.time += ran
        return 3, not ran

    assert backoff.supervise(start, ALWAYS, clock) == 3
    assert clock.waits == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_supervise_hears_that_it_is_stopped_while_it_waits() -> None:
    clock = Clock(stopped=2)
    assert backoff.supervise(lambda: (5, False), ALWAYS, clock) == 5
    assert len(clock.waits) == 2


@pytest.mark.parametrize("text", ["1 2", "", "x 1 boot", "² 1 boot", "-1 1 boot"])
def test_what_is_no_mark_is_nobody(text: str) -> None:
    assert living.alive(text) == 0


def test_status_of_knows_a_process_by_number_start_and_boot(tmp_path: Path) -> None:
    pid, start, boot = living.mark(os.getpid()).split()
    record = {"pid": int(pid), "start": int(start), "boot": boot}
    assert living.status_of(record) == "running"
    assert living.status_of({**record, "exit": 0}) == "exited"
    assert living.status_of({**record, "start": int(start) + 1}) == "crashed"
    assert living.status_of({**record, "boot": "another"}) == "crashed"
    assert living.status_of({"pid": int(pid)}) == "unknown"
    assert living.status_of(record, str(tmp_path)) == "crashed"
