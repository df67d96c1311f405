"""How long a lesson takes, roughly: a smoke alarm, not a watch.

    .venv/bin/python tests/course/minutes.py     the core path of every lesson

It counts what a learner reads, runs, answers and types on the core path: what stands under a heading
that begins with *More*, and a function that the manifest calls more, is left out. The weights
are guesses that walks with a watch shall correct; an alarm at 45 says: cut, or walk it.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minidocker.course.manifest import Function, Lesson

ROOT = Path(__file__).resolve().parents[2]
MOST = 45  # minutes: an evening
WORDS, LINES = 150, 12  # of prose read, of code read, in a minute
CELL, PREDICTION = 0.25, 0.5  # minutes: to run one, to answer one
TYPED = {"R1": 1, "R2": 1, "R4": 1, "R5": 2, "R6": 2}  # minutes a line, by rung
BESIDE = {"R2": 1, "R3": 3}  # minutes: to find the mistake, to find the order


def core(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells that are not under a heading which begins with *More*."""
    found, above = [], 0  # the level of the More that we are under
    for cell in cells:
        head = re.search(r"^(#+) (.*)$", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] == "markdown" and head:
            if above and len(head[1]) <= above:
                above = 0
            if head[2].startswith("More"):
                above = len(head[1])
        if not above:
            found.append(cell)
    return found


def reading(cells: list[dict[str, Any]]) -> float:
    """Return the minutes to read and run cells."""
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    words = sum(len(text.split()) for text in prose)
    lines = sum(len(list(filter(str.strip, text.splitlines()))) for text in code)
    asked = sum(text.startswith("%%predict") for text in code)
    return words / WORDS + lines / LINES + CELL * len(code) + PREDICTION * asked


def typing(function: Function, given: str, wanted: str) -> float:
    """Return the minutes to write a function: the lines that the solution has and the file lacks.

    A line that is only moved to the right is not typed.
    """
    before, after = ([line.strip() for line in text.splitlines()] for text in (given, wanted))
    new = [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    count = sum(bool(line) and not line.startswith("#") for line in new)
    return TYPED.get(function.rung, 0) * count + BESIDE.get(function.rung, 0)


def minutes(lesson: Lesson, root: Path = ROOT) -> float:
    """Return the minutes of a lesson's core path."""
    from minidocker.course import edit, starters

    solution = (root / "solutions" / lesson.file).read_text(encoding="utf-8")
    exercise = starters.derive(solution, lesson.functions)
    cells = json.loads((root / lesson.notebook).read_text(encoding="utf-8"))["cells"]
    return reading(core(cells)) + sum(
        typing(one, edit.source_of(exercise, one.name), edit.source_of(solution, one.name))
        for one in lesson.functions
        if not one.more
    )


def main() -> None:
    """Print the minutes of every lesson."""
    from minidocker.course import manifest

    for lesson in manifest.load(ROOT).lessons:
        print(f"{lesson.number}  {minutes(lesson):4.1f}  (says {lesson.minutes})  {lesson.title}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
