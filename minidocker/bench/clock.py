"""Measuring a command from outside: wall time, CPU time, and what it leaves running."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from minidocker.proc.lean import children


@dataclass
class Sample:
    """One run of a command; seconds. `cpu` counts every process that it started."""

    wall: float
    cpu: float
    status: int
    error: str = ""


@dataclass
class Program:
    """Something to be measured: `argv(i)` is the command line of its i-th run."""

    name: str
    argv: Callable[[int], Sequence[str]]
    env: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    problem: str = ""
    """Why it cannot be measured here; empty when it can."""


def used() -> float:
    """Return the CPU seconds of all children that were waited for, and of theirs (getrusage(2))."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Clock:
    """Runs commands and times them.

    The process must be a child subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)): a program such as
    Podman leaves a monitor behind, whose CPU time belongs to the run, and whose end must not
    fall into the next one.
    """

    def __init__(self, errors: str) -> None:
        self.errors = errors  # a file for standard error
        self.others: set[int] = set()  # children of ours that are no part of a run

    def spawn(self, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Start argv with nothing to read, and standard error in the file; return its pid."""
        writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, self.errors, writing, 0o600),
        ]
        return os.posix_spawnp(argv[0], list(argv), {**os.environ, **env}, file_actions=actions)

    def reap(self) -> None:
        """Wait for everything that a run left behind."""
        while left := set(children()) - self.others:
            for pid in left:
                os.waitpid(pid, 0)

    def measure(self, argv: Sequence[str], env: Mapping[str, str]) -> Sample:
        """Run argv once. Wall time ends with the command, CPU time with all that it started."""
        open(self.errors, "w").close()
        before = used()
        began = time.perf_counter()
        pid = self.spawn(argv, env)
        _, status = os.waitpid(pid, 0)
        wall = time.perf_counter() - began
        self.reap()
        return Sample(wall, used() - before, os.waitstatus_to_exitcode(status), self.last_error())

    def last_error(self) -> str:
        """Return the last line that the last command wrote to standard error."""
        with open(self.errors, encoding="utf-8", errors="replace") as text:
            lines = [line.strip() for line in text if line.strip()]
        return lines[-1] if lines else ""

    def interleaved(
        self, programs: Sequence[Program], rounds: int, tick: Callable[[str], None]
    ) -> dict[str, list[Sample]]:
        """Measure all programs in turn, `rounds` times, after one round that does not count.

        In turn, so that a slow moment of the machine falls on all of them alike. A program whose
        first run fails gets its `problem` and is left out.
        """
        samples: dict[str, list[Sample]] = {p.name: [] for p in programs}
        for number in range(rounds + 1):
            for program in programs:
                if program.problem:
                    continue
                tick(program.name)
                sample = self.measure(program.argv(number), program.env)
                if sample.status:
                    program.problem = sample.error or f"exit status {sample.status}"
                elif number:
                    samples[program.name].append(sample)
        return samples

    def together(self, program: Program, count: int) -> float:
        """Start `count` runs at once and wait for all; return seconds, or -1 if one fails."""
        open(self.errors, "w").close()
        began = time.perf_counter()
        pids = [self.spawn(program.argv(number), program.env) for number in range(count)]
        statuses = [os.waitpid(pid, 0)[1] for pid in pids]
        wall = time.perf_counter() - began
        self.reap()
        return -1.0 if any(statuses) else wall


def summary(samples: Sequence[Sample]) -> dict[str, float]:
    """Return medians in milliseconds: wall_ms, cpu_ms, and the 90th percentile p90_ms."""
    walls = sorted(sample.wall * 1e3 for sample in samples)
    return {
        "wall_ms": round(statistics.median(walls), 2),
        "p90_ms": round(walls[int(0.9 * (len(walls) - 1))], 2),
        "cpu_ms": round(statistics.median(sample.cpu * 1e3 for sample in samples), 2),
    }
