"""The course's manifest: one file a lesson with its functions, checks, messages and hints.

They lie in minidocker/course/lessons. course.toml beside them holds what belongs to no lesson
alone, and says what each word means. `load()` returns a `Manifest` of small frozen records. Nothing
is repeated elsewhere: the grader, `--mine`, the doctor and the map read this.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from minidocker.errors import NotFound, UsageError

T = TypeVar("T")

FOLDER = "minidocker/course/lessons"
RECORDS = ("function", "check", "hints", "needs", "page")
"""The words of a lesson's file that are more than a text or a number."""
COMMON = "course.toml"
OWN_COURSE = Path(__file__).resolve().parents[2]
"""The course that this package belongs to."""


@dataclass(frozen=True, slots=True)
class Function:
    """A name that the learner's file must define; `stage` is "" when no stage has it as a part.

    serves: words of the command line that call it with --mine, where no stage does.
    example: the arguments of a call, as Python: `hint` compares what it asks of the kernel.
    starter, holes: what the exercise has in place of the solution's code; see starters.py.
    more: it can wait: the lesson is finished without it.
    """

    name: str
    summary: str
    stage: str = ""
    serves: tuple[str, ...] = ()
    rung: str = ""
    example: str = ""
    starter: str = ""
    holes: tuple[tuple[str, str], ...] = ()
    more: bool = False


USERS = ("one id", "ids", "cgroups", "root")
"""Its own id; subordinate ids; a cgroup of version 2; what only the host's root has."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the learner's file; `test` is the pytest item in tests/stages/.

    user: what an ordinary user must have to be judged by it: one of USERS.
    """

    id: str
    title: str
    points: int
    functions: tuple[str, ...]
    test: str
    hints: tuple[str, ...] = ()
    user: str = "one id"


@dataclass(frozen=True, slots=True)
class Idea:
    """A lesson's one idea, drawn on its page (docs/pages): a wall, and both of its sides.

    idea: a sentence. wall: what is asked of the kernel, in lines. outside, inside: pairs of a thing
    and how it looks there. sides: what the two are called.
    """

    idea: str
    wall: tuple[str, ...]
    outside: tuple[tuple[str, str], ...]
    inside: tuple[tuple[str, str], ...]
    sides: tuple[str, str] = ("outside, on the host", "inside, in the container")


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson; paths are relative to the course's root, minutes are a learner's time.

    why: a question to explain after a pass, and because: a model answer.
    was: the id of the lesson that this one was a part of, under the course's first numbers.
    """

    id: str
    title: str
    question: str
    notebook: str
    minutes: int
    needs: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()
    checks: tuple[Check, ...] = ()
    hints: dict[str, tuple[str, ...]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    was: str = ""
    why: str = ""
    because: str = ""
    page: Idea | None = None

    @property
    def number(self) -> str:
        """Two digits, by which lessons are called and put into order."""
        return self.id[:2]

    @property
    def file(self) -> str:
        """The name of the exercise file: the same in exercises/ and solutions/."""
        return f"{self.id}.py"

    @property
    def exercise(self) -> str:
        """The path of the learner's file."""
        return f"exercises/{self.file}"

    @property
    def points(self) -> int:
        """The sum of the points of all checks."""
        return sum(check.points for check in self.checks)

    def core(self) -> set[str]:
        """The ids of the checks without which a lesson is not finished."""
        more = {function.name for function in self.functions if function.more}
        return {check.id for check in self.checks if not more.intersection(check.functions)}

    def hints_for(self, check: Check, code: str) -> tuple[str, ...]:
        """The three hints for a failure: those of its message's code, else the check's own."""
        return self.hints.get(code) or check.hints


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole course; `root` is the directory that exercises/ and the package lie in.

    common: the messages that every lesson's checks can say; `messages` are all.
    """

    root: Path
    lessons: tuple[Lesson, ...]
    common: dict[str, str] = field(default_factory=dict)

    def checks_for(self, *users: str) -> int:
        """Count the checks that an ordinary user has who has these of USERS."""
        return sum(check.user in users for lesson in self.lessons for check in lesson.checks)

    @property
    def messages(self) -> dict[str, str]:
        """Every sentence that a check can say: code → template."""
        found = dict(self.common)
        for lesson in self.lessons:
            found |= lesson.messages
        return found

    def lesson(self, name: str) -> Lesson:
        """Find a lesson by "01", "1", "01_pid" or its file name; else NotFound."""
        word = os.path.basename(name).removesuffix(".py").removesuffix(".ipynb")
        for lesson in self.lessons:
            if word in (lesson.id, lesson.number) or (
                word.isdecimal() and int(word) == int(lesson.number)
            ):
                return lesson
        known = ", ".join(lesson.id for lesson in self.lessons)
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
        lesson = self.lesson_meant(name)
        return lesson, lesson.checks

    def lesson_meant(self, name: str) -> Lesson:
        """Find a lesson where a function, a check or a code may be named, too; else NotFound."""
        try:
            return self.lesson(name)
        except NotFound:
            if name[:2].strip("_").isdecimal():  # it can be a lesson only, or was meant so
                raise
            import difflib  # where a run does not read it

            words = {word for one in self.lessons for check in one.checks
                     for word in (check.id, *check.functions)}  # fmt: skip
            near = difflib.get_close_matches(name, [*words, *self.messages], 3)
            text = f"there is no lesson, function, check or code {name!r}"
            remedy = f"is it {' or '.join(near)}?" if near else "minidocker grade names them all"
            raise NotFound(text, remedy, 2) from None

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
        if not _is_course(Path(named)):
            raise NotFound(
                f"MINIDOCKER_COURSE is {named}, and no {FOLDER} is there",
                "set it to the directory of the course, which holds exercises/",
                2,
            )
        return Path(named).resolve()
    here = Path.cwd()
    for place in (here, *here.parents, OWN_COURSE):
        if _is_course(place):
            return place
    raise NotFound("there is no course here", "go to the directory that holds exercises/", 2)


def _is_course(place: Path) -> bool:
    """Say whether a directory is a course; where the package is installed alone, it is none."""
    return (place / FOLDER / COMMON).is_file() and (place / "exercises").is_dir()


def load(root: str | os.PathLike[str] | None = None) -> Manifest:
    """Read the manifest of the course in `root`, or of the one that `find_root` finds."""
    place = Path(root) if root is not None else find_root()
    folder = place / FOLDER
    if not (folder / COMMON).is_file():
        raise NotFound(f"there is no {FOLDER} in {place}", "name the course's directory", 2)
    common = _read(folder / COMMON)
    files = sorted(folder.glob("[0-9][0-9]_*.toml"))
    hints = common.get("hints", {})
    lessons = tuple(_checked(_lesson, path, _whole(path, hints)) for path in files)
    return Manifest(place, lessons, common.get("messages", {}))


def _read(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path}: {problem}", f"repair it: git checkout {path}", 2) from None


def _whole(path: Path, hints: dict[str, Any]) -> dict[str, Any]:
    """Return a lesson's table, with the hints that belong to every lesson."""
    table = _read(path)
    return {**table, "id": path.stem, "hints": {**hints, **table.get("hints", {})}}


def _checked(make: Callable[[dict[str, Any]], T], path: Path, entry: dict[str, Any]) -> T:
    """Make a record of a table; a table that lacks a word, or has one too many, is UsageError."""
    try:
        return make(entry)
    except (KeyError, TypeError) as problem:
        raise UsageError(f"{path}: {problem}", f"repair it: git checkout {path}", 2) from None


def _lesson(entry: dict[str, Any]) -> Lesson:
    """Make a Lesson of a file; lists become tuples."""
    rest = {k: v for k, v in entry.items() if k not in RECORDS}
    return Lesson(
        **rest,
        needs=tuple(entry.get("needs", ())),
        functions=tuple(Function(**_tuples(one)) for one in entry.get("function", [])),
        checks=tuple(_check(entry["id"], one) for one in entry.get("check", [])),
        hints={code: tuple(steps) for code, steps in entry.get("hints", {}).items()},
        page=Idea(**_tuples(entry["page"])) if "page" in entry else None,
    )


def _check(lesson: str, entry: dict[str, Any]) -> Check:
    check = Check(**{**_tuples(entry), "test": f"test_{lesson}.py::{entry['test']}"})
    if check.user not in USERS:
        raise TypeError(f"user = {check.user!r} of the check {check.id} is none of {USERS}")
    return check


def _tuples(value: Any) -> Any:
    """Return a value of TOML with tuples in the place of lists."""
    if isinstance(value, dict):
        return {name: _tuples(one) for name, one in value.items()}
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
