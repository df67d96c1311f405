"""The pytest side of grading: which items run, for whom, and what outcome each one has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from minidocker.course import outcomes as o
from minidocker.course.exercise_file import Subject
from minidocker.course.manifest import Check, Lesson, Manifest
from minidocker.course.messages import sentence
from minidocker.errors import Blocked
from minidocker.grader.fixtures import find_check


@dataclass(frozen=True, slots=True)
class Task:
    """One subject, and the ids of the checks that judge it."""

    lesson: Lesson
    subject: Subject
    checks: tuple[str, ...]


class Plan:
    """What is judged: read by fixtures.pytest_generate_tests."""

    def __init__(self, manifest: Manifest, tasks: Sequence[Task]) -> None:
        self.manifest = manifest
        self.tasks = tasks

    def subjects(self, item: str) -> list[Subject]:
        """Return the subjects that the check behind a pytest function has to judge."""
        found = find_check(self.manifest, item)
        if found is None:
            return []
        lesson, check = found
        return [t.subject for t in self.tasks if t.lesson is lesson and check.id in t.checks]


class Grading:
    """A pytest plugin that turns each item into a Result and hands it on as it ends."""

    def __init__(self, plan: Plan, on_result: Callable[[o.Result], None]) -> None:
        self.plan = plan
        self.on_result = on_result
        self.results: list[o.Result] = []
        self.problems: list[str] = []
        self._begin = 0.0
        self._problem: BaseException | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let the fixtures find the plan."""
        config.minidocker_plan = self.plan  # type: ignore[attr-defined]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the items into the manifest's order, subject by subject."""
        places = {
            check.test: number
            for number, check in enumerate(
                check for lesson in self.plan.manifest.lessons for check in lesson.checks
            )
        }
        items[:] = [item for item in items if _subject(item) is not None]
        items.sort(key=lambda item: places[_name(item)])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test file that cannot be imported is the grader's own fault."""
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_runtest_logstart(self) -> None:
        """Start the clock."""
        self._begin, self._problem = time.monotonic(), None

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        """Keep what ended the check; the first problem is the one that counts."""
        if self._problem is None and call.excinfo is not None:
            self._problem = call.excinfo.value

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run an item, then make its Result."""
        yield
        subject = _subject(item)
        found = find_check(self.plan.manifest, _name(item))
        assert subject is not None
        assert found is not None
        result = _result(found[0], found[1], subject, self._problem)
        result.seconds = time.monotonic() - self._begin
        self.results.append(result)
        self.on_result(result)


def _subject(item: pytest.Item) -> Subject | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("subject") if callspec else None


def _name(item: pytest.Item) -> str:
    return f"{Path(item.path).name}::{getattr(item, 'originalname', item.name)}"


def _result(
    lesson: Lesson, check: Check, subject: Subject, problem: BaseException | None
) -> o.Result:
    """Say what an item's end means: only Fail is the learner's."""
    result = o.Result(subject.name, lesson.id, check.id, check.title, check.points, o.PASS)
    if problem is None:
        result.earned = check.points
    elif isinstance(problem, o.Fail):
        result.outcome, result.message, result.code = o.FAIL, problem.text, problem.code
    elif isinstance(problem, o.NotStarted):
        result.outcome, result.message, result.code = o.NOT_STARTED, str(problem), problem.code
    elif isinstance(problem, Blocked):
        result.outcome, result.code = o.BLOCKED, "MD9011"
        result.message = f"{problem.message}: {problem.remedy}"
    else:
        result.outcome, result.code = o.ERROR, "MD9009"
        result.message = sentence("MD9009", text=f"{type(problem).__name__}: {problem}")
    return result
