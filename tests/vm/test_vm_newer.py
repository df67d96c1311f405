"""A second machine: the next Debian, with a newer kernel and a newer Python."""

from __future__ import annotations

from typing import Any

import pytest
from jobs import CHECKS_NEWER, NEWER, SUITE, checks_of

from minidocker.course.manifest import load
from minidocker.vm import places
from minidocker.vm.machine import Machine


def number(release: str) -> list[int]:
    """The first two numbers of a kernel's release."""
    return [int(part) for part in release.split(".")[:2]]


def test_checks_over_the_solutions(newer: Machine, judge: Any) -> None:
    """Lesson 05's checks too: that kernel has cgroup version 2, and nothing may be blocked."""
    judge.passed(CHECKS_NEWER, least=sum(len(lesson.checks) for lesson in NEWER))


@pytest.mark.more
def test_all_other_checks_over_the_solutions(newer: Machine, judge: Any) -> None:
    others = [lesson for lesson in load().lessons if lesson not in NEWER]
    name = f"all other checks on Debian {SUITE}, over the solutions"
    judge.tests(name, newer.up, *checks_of(others), "-k", "solutions")
    judge.passed(name, least=sum(len(lesson.checks) for lesson in others))


def test_the_kernel_and_the_python_are_newer(lab: Machine, newer: Machine) -> None:
    way = newer.up()
    python = way.shell("/opt/minidocker/bin/python -c 'import sys; print(*sys.version_info[:2])'")
    assert ".".join(python.split()) == places.SUITES[SUITE] != places.SUITES["bookworm"]
    box = lab.box()
    assert box is not None
    release = way.shell("uname -r")
    assert number(release) > number(box.kernel_version)
