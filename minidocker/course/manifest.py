"""course.toml, the one manifest: lessons, functions, checks, points and hints.

`load()` finds the course and returns a `Manifest` of small frozen records. Nothing is
repeated elsewhere: the grader, progress, `--mine` and the notebooks' map read this.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidocker.errors import NotFound, UsageError

FILE = "course.toml"


@dataclass(frozen=True, slots=True)
class Function:
    """A name that the learner's file must define; `stage` is "" when no stage has it as a part.

    example: the arguments of a call, as Python: `hint` compares what it asks of the kernel.
    """

    name: str
    summary: str
    stage: str = ""
    rung: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the learner's file; `test` is the pytest item in tests/stages/."""

    id: str
    title: str
    points: int
    functions: tuple[str, ...]
    test: str
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson; paths are relative to the course's root, minutes are a learner's time."""

    id: str
    number: str
    title: str
    question: str
    notebook: str
    exercise: str
    minutes: int
    needs: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()
    checks: tuple[Check, ...] = ()
    hints: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """The sum of the points of all checks."""
        return sum(check.points for check in self.checks)

    @property
    def file(self) -> str:
        """The name of the exercise file: the same in exercises/ and solutions/."""
        return os.path.basename(self.exercise)

    def hints_for(self, check: Check, code: str) -> tuple[str, ...]:
        """The three hints for a failure: those of its message's code, else the check's own."""
        return self.hints.get(code) or check.hints


@dataclass(frozen=True, slots=True)
class Coming:
    """A lesson that is not written yet: it has a place on the map."""

    id: str
    number: str
    title: str
    question: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole course; `root` is the directory that course.toml lies in."""

    root: Path
    lessons: tuple[Lesson, ...]
    coming: tuple[Coming, ...]

    def lesson(self, name: str) -> Lesson:
        """Find a lesson by "01", "1", "01_pid" or its file name; else NotFound."""
        word = os.path.basename(name).removesuffix(".py").removesuffix(".ipynb")
        for lesson in self.lessons:
            if word in (lesson.id, lesson.number) or (
                word.isdecimal() and int(word) == int(lesson.number)
            ):
                return lesson
        known = ", ".join(lesson.id for lesson in self.lessons)
        later = [item for item in self.coming if word.zfill(2) in (item.id, item.number)]
        if later:
            raise NotFound(f"lesson {later[0].id} is not written yet", f"one of: {known}", 2)
        raise NotFound(f"there is no lesson {name!r}", f"one of: {known}", 2)

    def check(self, name: str) -> tuple[Lesson, Check]:
        """Find a check by its id; else NotFound."""
        for lesson in self.lessons:
            for check in lesson.checks:
                if check.id == name:
                    return lesson, check
        raise NotFound(f"there is no check {name!r}", "minidocker grade lists them", 2)

    def named(self, name: str) -> tuple[Lesson, tuple[Check, ...]]:
        """Find a lesson, a function or a check by name: the lesson, and the checks meant."""
        for lesson in self.lessons:
            checks = tuple(c for c in lesson.checks if name == c.id or name in c.functions)
            if checks:
                return lesson, checks
        lesson = self.lesson(name)
        return lesson, lesson.checks

    def function(self, name: str) -> tuple[Lesson, Function]:
        """Find a function that a lesson asks for; else NotFound."""
        for lesson in self.lessons:
            for function in lesson.functions:
                if function.name == name:
                    return lesson, function
        known = ", ".join(f.name for lesson in self.lessons for f in lesson.functions)
        raise NotFound(f"no lesson asks for a function {name!r}", f"one of: {known}", 2)


def find_root() -> Path:
    """Find the course: MINIDOCKER_COURSE, else upward from here, else beside the package."""
    named = os.environ.get("MINIDOCKER_COURSE")
    if named:
        if not os.path.isfile(os.path.join(named, FILE)):
            raise NotFound(
                f"MINIDOCKER_COURSE is {named}, and no {FILE} is there",
                "set it to the directory that holds course.toml",
                2,
            )
        return Path(named).resolve()
    here = Path.cwd()
    package = Path(__file__).resolve().parents[2]
    for place in (here, *here.parents, package):
        if (place / FILE).is_file():
            return place
    raise NotFound("there is no course here", f"go to the directory that holds {FILE}", 2)


def load(root: str | os.PathLike[str] | None = None) -> Manifest:
    """Read course.toml of `root` (or of the course that `find_root` finds)."""
    place = Path(root) if root is not None else find_root()
    try:
        with open(place / FILE, "rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        raise NotFound(f"there is no {FILE} in {place}", "name the course's directory", 2) from None
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"{place / FILE}: {problem}", "repair the file", 2) from None
    try:
        return Manifest(
            place,
            tuple(_lesson(entry) for entry in table.get("lesson", [])),
            tuple(Coming(**entry) for entry in table.get("coming", [])),
        )
    except (KeyError, TypeError) as problem:
        raise UsageError(f"{place / FILE}: {problem}", "repair the file", 2) from None


def _lesson(entry: dict[str, Any]) -> Lesson:
    """Make a Lesson of a [[lesson]] table; lists become tuples."""
    rest = {k: v for k, v in entry.items() if k not in ("function", "check", "hints", "needs")}
    return Lesson(
        **rest,
        needs=tuple(entry.get("needs", ())),
        functions=tuple(Function(**function) for function in entry.get("function", [])),
        checks=tuple(_check(check) for check in entry.get("check", [])),
        hints={code: tuple(steps) for code, steps in entry.get("hints", {}).items()},
    )


def _check(entry: dict[str, Any]) -> Check:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Check(**values)
