"""Fixtures for tests/stages: `subject`, `cell`, `machine`. Its conftest.py imports them.

Under the grader the plan says which file is judged by which checks; in an ordinary pytest run
each check judges the reference and the solution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minidocker.chamber import bare
from minidocker.chamber.client import Maker
from minidocker.course import exercise_file as subjects
from minidocker.course.exercise_file import Subject
from minidocker.course.manifest import Check, Lesson, Manifest, load
from minidocker.errors import LAB_MACHINE, Blocked
from minidocker.grader import bound
from minidocker.grader.bare_checks import CHECKS
from minidocker.grader.cell import Cell
from minidocker.grader.machine import Machine

WORKED = ("R1", "R2")
"""Worked examples and repairs are judged untouched, too: the message teaches."""
MakeCell = Callable[..., Cell]


def find_check(manifest: Manifest, item: str) -> tuple[Lesson, Check] | None:
    """Find the check that a pytest function belongs to: "test_01_pid.py::test_spawn_pid1"."""
    for lesson in manifest.lessons:
        for check in lesson.checks:
            if check.test == item:
                return lesson, check
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each check its subjects: the plan's, or reference and solution."""
    if "subject" not in metafunc.fixturenames:
        return
    plan = getattr(metafunc.config, "minidocker_plan", None)
    item = f"{Path(metafunc.module.__file__).name}::{metafunc.function.__name__}"
    if plan is not None:
        chosen = plan.subjects(item)
    else:
        manifest = load(Path(__file__).resolve().parents[2])
        found = find_check(manifest, item)
        chosen = [] if found is None else _ordinary(metafunc, manifest, found[0])
    metafunc.parametrize("subject", chosen, ids=[subject.name for subject in chosen])


def _ordinary(metafunc: pytest.Metafunc, manifest: Manifest, lesson: Lesson) -> list[Subject]:
    directory = metafunc.config.getoption("--subject-dir", default=None)
    if directory:
        return [subjects.of_directory(manifest, lesson, Path(directory), Path(directory).name)]
    solution = subjects.of_directory(manifest, lesson, manifest.root / "solutions", "solutions")
    return [subjects.reference(manifest, lesson), solution]


@pytest.fixture(scope="session")
def machine() -> Machine:
    """The machine that the check runs on."""
    return Machine()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Maker]:
    """The process that makes cells, one for a whole grading."""
    maker = Maker()
    yield maker
    maker.close()


@pytest.fixture
def cell(request: pytest.FixtureRequest, subject: Subject) -> Iterator[MakeCell]:
    """A function that makes a cell and plays a scene in it: cell("spawn", flags=…) → Cell.

    Before any cell is made: the file must be Python, and define what the check is about.
    """
    module = Path(request.path)
    scenes = module.with_name(module.name.replace("test_", "scenes_", 1))
    made: list[Cell] = []
    plan = getattr(request.config, "minidocker_plan", None)

    def make(scene: str, terminal: bool = False, **args: Any) -> Cell:
        maker = request.getfixturevalue("zygote")
        one = Cell(maker, subject, scenes, scene, args, terminal)
        made.append(one)
        return one

    def careful(scene: str, terminal: bool = False, **args: Any) -> Cell:
        try:
            return make(scene, terminal, **args)
        except Blocked as problem:
            if plan is not None:
                raise
            pytest.skip(f"blocked: {problem.message}; {problem.remedy}")

    yield careful
    for one in made:
        one.close()


@pytest.fixture
def blocked(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that ends the check: this machine cannot show it, and why."""
    plan = getattr(request.config, "minidocker_plan", None)

    def end(reason: str, remedy: str = LAB_MACHINE) -> None:
        if plan is not None:
            raise Blocked(reason, remedy)
        pytest.skip(f"blocked: {reason}; {remedy}")

    return end


@pytest.fixture(autouse=True)
def started(request: pytest.FixtureRequest) -> None:
    """Stop before the check when its functions are missing or not started."""
    if "subject" not in request.fixturenames:
        return
    subject = request.getfixturevalue("subject")
    plan = getattr(request.config, "minidocker_plan", None)
    manifest = plan.manifest if plan else load(Path(__file__).resolve().parents[2])
    name = request.function.__name__
    found = find_check(manifest, f"{Path(request.path).name}::{name}")
    if found is None:
        raise RuntimeError(f"{name} stands in no check of any lesson")
    if bare.wanted() and found[1].id not in CHECKS:  # whatever the file has: alike for everybody
        raise Blocked("this container has no namespaces, and the check needs some",
                      "a machine where you are root judges it")  # fmt: skip
    worked = [one.name for one in found[0].functions if one.rung in WORKED]
    subject.ready(found[1].functions, worked)
    request.node.obj = bound.bounded(request.node.obj)


__all__ = ["blocked", "cell", "machine", "pytest_generate_tests", "started", "zygote"]
