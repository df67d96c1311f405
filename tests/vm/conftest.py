"""The lab machines for tests: their own, made once; blocked, with the reason, where they cannot be.

In continuous integration (CI is set) a machine that cannot start is a failure. The tests take many
minutes, with a line of progress now and then; MINIDOCKER_VM_TESTS=0 leaves them out.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from minidocker.errors import Blocked, MinidockerError
from minidocker.vm.check_machine import VirtualMachine, keep_transcript
from minidocker.vm.machine import Machine
from minidocker.vm.ssh import Ssh

CI = bool(os.environ.get("CI"))
TIMES: dict[str, float] = {}
FIGURES: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the machines out where that is wished."""
    here = Path(__file__).parent
    if os.environ.get("MINIDOCKER_VM_TESTS") != "0":
        return
    reason = "blocked: MINIDOCKER_VM_TESTS=0 leaves the lab machines out (make test)"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each phase."""
    if TIMES:
        terminalreporter.section("the lab machine: seconds of each phase")
        for name, seconds in TIMES.items():
            terminalreporter.write_line(f"{seconds:7.1f}  {name}")
    if FIGURES:
        terminalreporter.section("the lab machine: what was measured in it")
        for line in FIGURES:
            terminalreporter.write_line(line)


class Clock:
    """Times phases: `with clock("build"):`."""

    def __call__(self, name: str) -> Clock:
        self.name = name
        return self

    def __enter__(self) -> None:
        self.begin = time.monotonic()

    def __exit__(self, *_: object) -> None:
        TIMES[self.name] = TIMES.get(self.name, 0.0) + time.monotonic() - self.begin


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def figure() -> Callable[[str], None]:
    """Keep a line for the end of the report."""
    return FIGURES.append


class Judge:
    """Runs tests in a machine, and passes on what they say: nobody waits in the dark."""

    def __init__(self, config: pytest.Config) -> None:
        self.capture = config.pluginmanager.getplugin("capturemanager")

    def __call__(self, way: Ssh, *words: str, least: int) -> None:
        """Fail unless at least so many tests pass there, none fails and none is blocked."""
        argv = ["python", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *words]
        status, said = self.run(way, argv)
        assert status == 0, said[-3000:]
        passed = re.search(r"(\d+) passed", said)
        assert passed and int(passed[1]) >= least, said[-300:]
        assert "skipped" not in said.splitlines()[-1], "something is blocked in the lab machine"


    def run(self, way: Ssh, argv: Sequence[str]) -> tuple[int, str]:
        """Run a program there; return its status and what it said, here and there."""
        with self.capture.global_and_fixture_disabled():
            os.write(1, b"\n")
            return passed_on(way.argv(argv), 1800)


def passed_on(argv: Sequence[str], seconds: float) -> tuple[int, str]:
    """Run a program, its output on ours as it comes; kill it after so many seconds."""
    said = bytearray()
    process = subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    end = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    end.start()
    try:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 65536):
            said += piece
            os.write(1, piece)
        return process.wait(), said.decode(errors="replace")
    finally:
        end.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config) -> Judge:
    return Judge(pytestconfig)


def or_blocked(problem: MinidockerError) -> None:
    """In CI raise; elsewhere a machine that this host cannot have is blocked."""
    if CI or not isinstance(problem, Blocked):
        raise problem
    pytest.skip(f"blocked: {problem.message} ({problem.remedy})")


@pytest.fixture(scope="session")
def lab(clock: Clock) -> Iterator[Machine]:
    """A machine under QEMU that is up, removed in the end. Its state is not the learner's."""
    machine = Machine("test", shared=False)
    try:
        with clock("QEMU: build the box (0 when it is there), boot, snapshot"):
            machine.up()
    except MinidockerError as problem:
        or_blocked(problem)
    yield machine
    machine.down(everything=True)


@pytest.fixture
def vm(lab: Machine, request: pytest.FixtureRequest) -> Iterator[VirtualMachine]:
    """The machine for one check; the transcript is kept, and named, when the check fails."""
    directory = Path(os.environ.get("MINIDOCKER_TRANSCRIPTS", "build/transcripts"))
    path = directory / f"{request.node.name}.txt"
    failed = request.session.testsfailed
    with keep_transcript(path) as transcript:
        yield VirtualMachine(lab.ssh(), transcript)
    if request.session.testsfailed == failed:
        path.unlink()
    else:
        print(f"transcript: {path}")
