"""A second machine: the next Debian, with a newer kernel and a newer Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from minidocker.course.manifest import load
from minidocker.vm import places
from minidocker.vm.machine import Machine

SUITE = "trixie"


@pytest.fixture(scope="module")
def newer(lab: Machine, clock: Any) -> Iterator[Machine]:
    """The machine; the other one is taken down first, for two cores carry one emulation well."""
    lab.down()
    machine = Machine("test-newer", SUITE, shared=False)
    with clock(f"QEMU: build the box of Debian {SUITE} (0 when it is there), boot, snapshot"):
        machine.up()
    yield machine
    machine.down(everything=True)


def number(release: str) -> list[int]:
    """The first two numbers of a kernel's release."""
    return [int(part) for part in release.split(".")[:2]]


def test_the_kernel_and_the_python_are_newer(lab: Machine, newer: Machine) -> None:
    way = newer.ssh()
    python = way.shell("/opt/minidocker/bin/python -c 'import sys; print(*sys.version_info[:2])'")
    assert ".".join(python.split()) == places.SUITES[SUITE] != places.SUITES["bookworm"]
    box = lab.box()
    assert box is not None
    release = way.shell("uname -r")
    assert number(release) > number(box.kernel_version)


def test_every_check_over_the_solutions(newer: Machine, judge: Any, clock: Any) -> None:
    """Lesson 05's checks too: that kernel has cgroup version 2, and nothing may be blocked."""
    count = sum(len(lesson.checks) for lesson in load().lessons)
    with clock(f"every stage check on Debian {SUITE}, over the solutions"):
        judge(newer.ssh(), "tests/stages", "-k", "solutions", least=count)
