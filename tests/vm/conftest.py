"""The lab machine for tests: one of their own, made once; blocked, with the reason, where it cannot be.

These tests take many minutes, so they run when MINIDOCKER_VM_TESTS is set. In continuous integration
(CI is set too) a machine that cannot start is then a failure.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from minidocker.errors import Blocked, MinidockerError
from minidocker.grader.machine_vm import VirtualMachine, keep_transcript
from minidocker.vm.lab import Lab

CI = bool(os.environ.get("CI"))
TIMES: dict[str, float] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a wish for it, no machine is built."""
    here = Path(__file__).parent
    if os.environ.get("MINIDOCKER_VM_TESTS"):
        return
    reason = "blocked: the lab machine takes minutes (MINIDOCKER_VM_TESTS=1 make test)"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each phase."""
    if TIMES:
        terminalreporter.section("the lab machine: seconds of each phase")
        for name, seconds in TIMES.items():
            terminalreporter.write_line(f"{seconds:7.1f}  {name}")


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


def or_blocked(problem: MinidockerError) -> None:
    """In CI raise; elsewhere a machine that this host cannot have is blocked."""
    if CI or not isinstance(problem, Blocked):
        raise problem
    pytest.skip(f"blocked: {problem.message} ({problem.remedy})")


@pytest.fixture(scope="session")
def lab(clock: Clock) -> Iterator[Lab]:
    """A machine under QEMU that is up, removed in the end. Its state is not the learner's."""
    machine = Lab("test", shared=False)
    try:
        with clock("QEMU: build the box (0 when it is there), boot, snapshot"):
            machine.up()
    except MinidockerError as problem:
        or_blocked(problem)
    yield machine
    machine.down(everything=True)


@pytest.fixture
def vm(lab: Lab, request: pytest.FixtureRequest) -> Iterator[VirtualMachine]:
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
