"""After the last hint: the function's lines in mixed order, then a comparison of the calls.

Offered when a check has failed with three different texts of the file. What comes after both
is `minidocker borrow`.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable

from minidocker.course import exercise_file as subjects
from minidocker.course.manifest import Check, Function, Lesson, Manifest

TRIES = 3
"""So many different texts of the file must have failed before there is more than hints."""
FEWEST = 3
"""Fewer lines than this in mixed order would be the answer."""


def helps(
    manifest: Manifest, lesson: Lesson, check: Check
) -> list[tuple[str, Callable[[], list[str]]]]:
    """Return what there is after the hints for a check's first function: (title, its lines).

    The lines are made when they are asked for. Blocked then, where no cell can be made.
    """
    function = next(one for one in lesson.functions if one.name == check.functions[0])
    ours = subjects.read(manifest.root / "solutions" / lesson.file)
    mixed = mixed_lines(ours, function.name)
    found: list[tuple[str, Callable[[], list[str]]]] = []
    if len(mixed) >= FEWEST:
        title = f"{function.name}: our lines in mixed order. Other lines can be right too."
        found.append((title, lambda: mixed))
    if function.example and ours:  # a students' edition has no solutions
        title = f"{function.name}({function.example}): what yours asks of the kernel, beside ours."
        found.append((title, lambda: _calls(manifest, lesson, function, ours)))
    return found


def mixed_lines(text: str, name: str) -> list[str]:
    """Return the lines of a function's body without indentation, in another order; [] for a value.

    The order is the same each time: who asks twice learns nothing from the difference.
    """
    node = subjects.items(subjects.parse(text)).get(name)
    if not isinstance(node, ast.FunctionDef):
        return []
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    lines = [line.strip() for part in body for line in ast.unparse(part).splitlines()]
    numbered = [f"{number} {line}" for number, line in enumerate(lines)]
    order = sorted(numbered, key=lambda line: hashlib.sha256(line.encode()).digest())
    if order == numbered:
        order.reverse()
    return [line.partition(" ")[2] for line in order]


def _calls(manifest: Manifest, lesson: Lesson, function: Function, ours: str) -> list[str]:
    """Compare what the learner's function and ours ask of the kernel."""
    from minidocker.grader import (
        compare_calls,  # it makes a cell, which a hint needs for nothing else
    )

    mine = subjects.of_directory(manifest, lesson, manifest.root / "exercises", "learner")
    return compare_calls.compare(function, mine, subjects.of_text(manifest, lesson, ours, "ours"))
