"""Work in lab machines that goes on while the tests do other things, and what it took."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from minidocker.course.manifest import Lesson, load
from minidocker.vm.ssh import Ssh

SUITE = "trixie"
# What a newer kernel may answer in other ways: cgroups, users, filters. The others are judged there
# in `make test-more`: emulation has its price.
NEWER = [one for one in load().lessons if one.number in ("05", "07", "11")]
CHECKS_NEWER = f"the checks of {len(NEWER)} lessons on Debian {SUITE}, over the solutions"
TIMES: dict[str, float] = {}


def checks_of(lessons: Sequence[Lesson]) -> list[str]:
    """The files of tests/stages that hold the checks of these lessons."""
    return [f"tests/stages/test_{lesson.id}.py" for lesson in lessons]


class Clock:
    """Times phases: `with clock("build"):`."""

    name = ""

    def __call__(self, name: str) -> Clock:
        clock = Clock()
        clock.name = name
        return clock

    def __enter__(self) -> None:
        self.began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        TIMES[self.name] = TIMES.get(self.name, 0.0) + time.monotonic() - self.began


class Job:
    """A program in a machine that goes on while others do; what it says is kept, and shown later."""

    def __init__(self, argv: Sequence[str], seconds: float) -> None:
        self.argv, self.seconds = list(argv), seconds
        self.said = tempfile.TemporaryFile()
        self.status: int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run it to its end; after so many seconds it is killed."""
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self.said, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            self.status = self.process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            self.status = -1
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and what it has started, if it runs."""
        if self.process and (self.status is None or self.status == -1):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def show(self, sent: int) -> int:
        """Write what it has said since then on our own output; return how much that is by now."""
        while piece := os.pread(self.said.fileno(), 65536, sent):
            os.write(1, piece)
            sent += len(piece)
        return sent

    def text(self) -> str:
        """Return all that it has said."""
        size = os.fstat(self.said.fileno()).st_size
        return os.pread(self.said.fileno(), size, 0).decode(errors="replace")


class Judge:
    """Runs tests in machines, two at a time: a machine under emulation has two processors, and a
    test keeps one of them busy. Who waits for a job sees what it says: nobody waits in the dark.
    """

    def __init__(self, config: pytest.Config, clock: Clock) -> None:
        self.capture = config.pluginmanager.getplugin("capturemanager")
        self.clock = clock
        self.workers = ThreadPoolExecutor(2)
        self.jobs: dict[str, tuple[Job, Future[None]]] = {}

    def begin(self, name: str, way: Callable[[], Ssh], words: Sequence[str]) -> None:
        """Put a program into the row; `way` says how its machine is reached when its turn comes."""
        job = Job([], 1800)

        def work() -> None:
            job.argv = way().argv(words)
            with self.clock(name):
                job.run()

        self.jobs[name] = (job, self.workers.submit(work))

    def tests(self, name: str, way: Callable[[], Ssh], *words: str) -> None:
        """The same for pytest in the machine."""
        pytest = ["python", "-m", "pytest", "-p", "no:cacheprovider", "--color=no"]
        self.begin(name, way, [*pytest, *words])

    def wait(self, name: str) -> tuple[int, str]:
        """Return a job's status and what it said, once it has ended."""
        job, future = self.jobs[name]
        with self.capture.global_and_fixture_disabled():
            os.write(1, f"\n{name}:\n".encode())
            sent = 0
            while not future.done():
                sent = job.show(sent)
                time.sleep(0.5)
            job.show(sent)
        future.result()
        assert job.status is not None
        return job.status, job.text()

    def passed(self, name: str, least: int) -> None:
        """Fail unless at least so many tests passed in a job, none failed and none is blocked."""
        status, said = self.wait(name)
        assert status == 0, said[-3000:]
        passed = re.search(r"(\d+) passed", said)
        assert passed and int(passed[1]) >= least, said[-300:]
        assert "skipped" not in said.splitlines()[-1], "something is blocked in the lab machine"

    def end(self) -> None:
        """Start nothing more, and end what still runs: after Ctrl-C nobody waits for it."""
        self.workers.shutdown(wait=False, cancel_futures=True)
        for job, _ in self.jobs.values():
            job.kill()
        self.workers.shutdown()
