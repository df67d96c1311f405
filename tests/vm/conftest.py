"""The lab machines for tests: their own, made once; blocked, with the reason, where they cannot be.

In continuous integration (CI is set) a machine that cannot start is a failure. The tests take many
minutes, with a line of progress now and then; MINIDOCKER_VM_TESTS=0 leaves them out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs import CHECKS_NEWER, NEWER, SUITE, TIMES, Clock, Judge, checks_of

from minidocker.errors import Blocked, MinidockerError
from minidocker.vm.check_machine import VirtualMachine, keep_transcript
from minidocker.vm.machine import Machine
from minidocker.vm.ssh import Ssh

CI = bool(os.environ.get("CI"))
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


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def figure() -> Callable[[str], None]:
    """Keep a line for the end of the report."""
    return FIGURES.append


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config, clock: Clock) -> Iterator[Judge]:
    judge = Judge(pytestconfig, clock)
    yield judge
    judge.end()


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



@pytest.fixture(scope="session")
def newer(lab: Machine, judge: Judge, clock: Clock) -> Iterator[Machine]:
    """A second machine, the next Debian: it is made, and judges, while the first one is tried."""
    machine = Machine("test-newer", SUITE, shared=False)

    def way() -> Ssh:
        with clock(f"QEMU: build the box of Debian {SUITE} (0 when it is there), boot, snapshot"):
            return machine.up()

    judge.tests(CHECKS_NEWER, way, *checks_of(NEWER), "-k", "solutions")
    yield machine
    machine.down(everything=True)
