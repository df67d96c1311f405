"""The pytest side of grading: which items run, for whom, and what outcome each one has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from minidocker.chamber.cell_needs import PACKAGE, of_the_host
from minidocker.course import outcomes as o
from minidocker.course.exercise_file import Subject
from minidocker.course.manifest import Check, Lesson, Manifest
from minidocker.course.messages import sentence
from minidocker.errors import Blocked
from minidocker.grader import bound
from minidocker.grader.fixtures import find_check

CONTROL_SECONDS = 60.0
CONTROL = "control"
USER = "sudo minidocker grade, or the lab machine: minidocker vm up"


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
        self.controls: dict[str, bool] = {}
        self._begin = 0.0
        self._problem: BaseException | None = None
        self._passed: set[str | None] = set()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let the fixtures find the plan."""
        config.minidocker_plan = self.plan  # type: ignore[attr-defined]
        config.option.tbstyle = "native"  # nobody reads it: auto parses sources

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
        self._begin, self._problem, self._passed = time.monotonic(), None, set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what went well: a pass is what was reached, not what lacks a problem."""
        if report.passed:
            self._passed.add(report.when)

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        """Keep what ended the check; the first problem is the one that counts."""
        if self._problem is None and call.excinfo is not None:
            self._problem = call.excinfo.value

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Run an item, then make its Result; one that was interrupted has none."""
        outcome = yield
        if outcome.excinfo is not None:
            return
        subject = _subject(item)
        found = find_check(self.plan.manifest, _name(item))
        assert subject is not None
        assert found is not None
        problem = self._problem
        if problem is None and self._passed != {"setup", "call", "teardown"}:
            problem = RuntimeError("the check did not run to its end")
        problem = self.doubted(problem, subject, *found)
        result = _result(found[0], found[1], subject, problem)
        result.seconds = time.monotonic() - self._begin
        self.results.append(result)
        self.on_result(result)

    def doubted(
        self, problem: BaseException | None, subject: Subject, lesson: Lesson, check: Check
    ) -> BaseException | None:
        """Return what a problem is, when our own solution has been tried where it is in doubt."""
        user = not of_the_host()
        known = isinstance(problem, o.NotStarted | Blocked) or problem is None
        if known or subject.trusted or not (user or _strange(problem)):
            return problem
        if subject.refused or (isinstance(problem, o.Fail) and problem.code in o.OF_THE_FILE):
            return problem
        if subject.name == CONTROL:
            return problem
        if self.control(lesson, check):
            return o.Fail("MD9015", text=_told(problem)) if _strange(problem) else problem
        return Blocked("an ordinary user cannot show it here", USER) if user else problem

    def control(self, lesson: Lesson, check: Check) -> bool:
        """Say whether our own solution passes a check here: then what went wrong is the subject's.

        An unforeseen end of a check is either our fault or what the code did to it. Judging code
        that is known to be right tells which. A students' edition has no such code: there the
        manifest says what an ordinary user cannot be judged by.
        """
        if not (self.plan.manifest.root / "solutions" / lesson.file).is_file():
            return of_the_host() or check.user != "root"
        if check.id not in self.controls:
            self.controls[check.id] = solution_passes(self.plan.manifest, lesson, check)
        return self.controls[check.id]


def _subject(item: pytest.Item) -> Subject | None:
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("subject") if callspec else None
    return found if isinstance(found, Subject) else None  # pytest has a mark for "no subject"


def _name(item: pytest.Item) -> str:
    return f"{Path(item.path).name}::{getattr(item, 'originalname', item.name)}"


def _result(
    lesson: Lesson, check: Check, subject: Subject, problem: BaseException | None
) -> o.Result:
    """Say what an item's end means: only Fail is the learner's."""
    result = o.Result(subject.name, lesson.id, check.id, check.title, check.points, o.PASS)
    if problem is None and subject.as_given(check.functions):
        result.code, result.message = o.AS_GIVEN, sentence(o.AS_GIVEN)
    elif problem is None:
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
        result.message = sentence("MD9009", text=_told(problem))
    result.message = o.inert(result.message)
    return result


def _strange(problem: BaseException | None) -> bool:
    """Say whether a check ended in a way that it did not foresee."""
    return problem is not None and not isinstance(problem, o.Fail | o.NotStarted | Blocked)


def _told(problem: BaseException | None) -> str:
    return f"{type(problem).__name__}: {str(problem)[:500]}"


def solution_passes(manifest: Manifest, lesson: Lesson, check: Check) -> bool:
    """Judge the solution by one check, in a process of its own: the control of an experiment."""
    solution = manifest.root / "solutions" / lesson.file
    if not solution.is_file():
        return False
    text = solution.read_text(encoding="utf-8")
    entry = {"lesson": lesson.id, "name": CONTROL, "text": text, "checks": [check.id]}
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); "
    code += "from minidocker.grader.judge import main; sys.exit(main())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps([entry]), text=True,
            capture_output=True, timeout=CONTROL_SECONDS * bound.scale(),
            env={**os.environ, "MINIDOCKER_COURSE": str(manifest.root)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
