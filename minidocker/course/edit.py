"""Change a learner's file: put a borrowed function in. Never without a copy of what was there."""

from __future__ import annotations

import ast

from minidocker.course.exercise_file import items, parse
from minidocker.errors import UsageError

MARK = "# borrowed: {name} is the course's own, for 0 points. Write your own, and it counts."


def source_of(text: str, name: str) -> str:
    """Return the lines of a function, or of an assignment, as they stand in a text."""
    first, last = _place(text, name)
    return "\n".join(text.splitlines()[first:last])


def borrow(text: str, solution: str, name: str) -> str:
    """Return the learner's text with the solution's `name` in place of their own.

    A file that is no Python gives UsageError: where would it go?
    """
    new = [MARK.format(name=name), *source_of(solution, name).splitlines()]
    lines = text.splitlines()
    try:
        first, last = _place(text, name)
    except KeyError:
        return "\n".join([*lines, "", "", *new]) + "\n"
    except SyntaxError as problem:
        raise UsageError(
            f"your file is not valid Python: line {problem.lineno}: {problem.msg}",
            "repair that line, or begin again: minidocker reset LESSON",
        ) from None
    if first and lines[first - 1] == new[0]:
        first -= 1
    return "\n".join([*lines[:first], *new, *lines[last:]]) + "\n"


def same(text: str, solution: str, name: str) -> bool:
    """Say whether a name has the solution's code, comments and layout left out."""
    try:
        mine, theirs = items(parse(text)).get(name), items(parse(solution)).get(name)
    except SyntaxError:
        return False
    return mine is not None and theirs is not None and ast.dump(mine) == ast.dump(theirs)


def _place(text: str, name: str) -> tuple[int, int]:
    """Return the first line of an item and the line after it, counted from 0; KeyError if none."""
    node = items(parse(text))[name]
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first - 1, node.end_lineno or node.lineno
