"""After the hints: lines in mixed order, and two functions compared call by call."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course import exercise_file as subjects
from minidocker.course.manifest import Function, Lesson, Manifest, load
from minidocker.grader import after_hints, compare_calls

COURSE = load(Path(__file__).resolve().parents[2])
PAIRS = [(lesson, function) for lesson in COURSE.lessons for function in lesson.functions]
WITH_EXAMPLE = [(lesson, function) for lesson, function in PAIRS if function.example]
SAME = ["Call by call, yours is ours: the difference is in what it does besides the calls."]
in_cells = pytest.mark.needs("root", "pidns")


def solution(lesson: Lesson) -> str:
    return (COURSE.root / "solutions" / lesson.file).read_text()


def compared(name: str, change: tuple[str, str]) -> list[str]:
    """Compare the solution with one change with the solution."""
    lesson, function = COURSE.function(name)
    text = solution(lesson)
    assert change[0] in text
    mine = subjects.of_text(COURSE, lesson, text.replace(*change), "mine")
    return compare_calls.compare(function, mine, subjects.of_text(COURSE, lesson, text, "ours"))


@pytest.mark.parametrize(("lesson", "function"), PAIRS, ids=lambda one: getattr(one, "name", ""))
def test_mixed_lines_are_the_lines_of_the_solution(lesson: Lesson, function: Function) -> None:
    mixed = after_hints.mixed_lines(solution(lesson), function.name)
    assert mixed == after_hints.mixed_lines(solution(lesson), function.name)
    assert bool(mixed) != function.name.isupper()  # a value has no lines
    assert not any(line.startswith(('"', "'", "#", " ")) for line in mixed)


def test_the_order_is_another_one() -> None:
    text = 'def f():\n    """Doc."""\n    a = 1  # why\n    if a:\n        b(\n          a)\n    c()\n'
    lines = ["a = 1", "if a:", "b(a)", "c()"]
    assert sorted(after_hints.mixed_lines(text, "f")) == sorted(lines) != after_hints.mixed_lines(text, "f")
    assert after_hints.mixed_lines(text, "f") != lines
    assert after_hints.mixed_lines("ORDER = [1]\n", "ORDER") == []


@in_cells
@pytest.mark.parametrize(
    ("lesson", "function"), WITH_EXAMPLE, ids=[one.name for _, one in WITH_EXAMPLE]
)
def test_the_solution_is_the_same_as_itself_and_the_starter_is_not(
    lesson: Lesson, function: Function
) -> None:
    ours = subjects.of_text(COURSE, lesson, solution(lesson), "ours")
    assert compare_calls.compare(function, ours, ours) == SAME
    begin = subjects.of_text(COURSE, lesson, subjects.starter(COURSE, lesson), "begin")
    assert compare_calls.compare(function, begin, ours) != SAME


@in_cells
@pytest.mark.parametrize(
    ("name", "change", "last"),
    [
        ("pivot", ('    kernel.chdir("/")\n', ""),
         "yours ends after 4 calls; ours makes 5, next chdir."),
        ("pivot", ("MNT_DETACH)", "0)"), "your call 4 of 5 differs: it has another flags."),
        ("pivot", ("    kernel.chdir(new_root)\n", ""),
         "your call 2 of 4 differs: ours is chdir."),
        ("make_private", ("MS_REC | MS_PRIVATE)", 'MS_REC | MS_PRIVATE)\n    kernel.chdir("/")'),
         "your call 2 of 2 is one that ours does not make: ours ends before it."),
        ("mount_proc", ('"proc", f"{root}/proc"', '"none", f"{root}"'),
         "your call 1 of 1 differs: it has another source and another target."),
        ("place", ("str(pid)", "pid.nothing"), "ends with AttributeError: 'int' object"),
        ("spawn", ("        child()", "        pass"),
         "in the child of the fork: yours ends after 2 calls; ours makes 3, next child."),
        ("spawn", ("    return pid\n", "    return pid + 1\n"),
         "the calls are the same; yours returns 4243, and ours does not."),
        ("pivot", ("    kernel.chdir(new_root)\n",
                   "    while True:\n        kernel.chdir(new_root)\n"),
         "your call 3 of 200 differs: ours is pivot_root."),
        ("place", ('    kernel.write(f"{path}/{file}"', '    while True: pass\n    kernel.write(f"{path}/{file}"'),
         "Your code loops"),
    ],
    ids=["fewer", "flags", "left out", "more", "arguments", "raises", "child", "result",
         "calls without end", "no end"],
)  # fmt: skip
def test_the_first_difference_is_told(name: str, change: tuple[str, str], last: str) -> None:
    told = compared(name, change)
    assert last in "\n".join(told), told


@in_cells
def test_what_is_the_same_stands_before_it() -> None:
    told = compared("pivot", ("MNT_DETACH)", "0)"))
    assert told[:2] == [
        '  1  mount("/box", "/box", "", MS_BIND|MS_REC, "")   the same',
        '  2  chdir("/box")   the same',
    ]
    assert told[3] == '  4  umount2(".", 0)   ← here'
    assert "MNT_DETACH" not in "\n".join(told)  # what is right is for the learner to find


def test_every_help_can_be_listed() -> None:
    """No lesson's check points to a function that the helps do not know."""
    course: Manifest = COURSE
    for lesson in course.lessons:
        for check in lesson.checks:
            for title, _ in after_hints.helps(course, lesson, check):
                assert check.functions[0] in title
