"""The exercise of a lesson, derived from its solution and its manifest.

Signatures, docstrings and all that is given stand once, in solutions/NN_name.py. What a learner
gets instead of a body stands beside the function's hints, in the lesson's manifest:

    starter   another body, or for a constant another value
    holes     pairs: a piece of the solution's body, and what stands there instead
    neither   the function raises NotImplementedError
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable

from minidocker.course.manifest import Function
from minidocker.errors import MinidockerError


def derive(solution: str, functions: Iterable[Function]) -> str:
    """Return the text of the exercise file; "" when there is no solution.

    MinidockerError when a function of the manifest is not in the solution, or a hole not in it.
    """
    if not solution:
        return ""
    lines = solution.splitlines(keepends=True)
    nodes = _named(ast.parse(solution))
    wanted = {function.name: function for function in functions}
    if lost := sorted(set(wanted) - set(nodes)):
        raise MinidockerError(f"the solution has no {lost[0]}", "the manifest asks for it")
    # From the end to the beginning: so the numbers of the lines that are still to come stay.
    for name in sorted(wanted, key=lambda name: nodes[name].lineno, reverse=True):
        first, last, text = _place(nodes[name], lines)
        lines[first:last] = _instead(wanted[name], nodes[name], text)
    return "".join(lines)


def _named(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.Assign]:
    found: dict[str, ast.FunctionDef | ast.Assign] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
    return found


def _place(node: ast.FunctionDef | ast.Assign, lines: list[str]) -> tuple[int, int, str]:
    """Return where a body lies, without its docstring: first line, the line after it, the text."""
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    if isinstance(node, ast.FunctionDef):
        begin = node.body[0]
        documented = ast.get_docstring(node, clean=False) is not None
        first = (begin.end_lineno or begin.lineno) if documented else begin.lineno - 1
    return first, last, "".join(lines[first:last])


def _instead(function: Function, node: ast.FunctionDef | ast.Assign, text: str) -> list[str]:
    """Return the lines that the learner gets in place of a body, or of an assignment."""
    if isinstance(node, ast.Assign):
        return [f"{function.name} = {function.starter}\n"]
    for piece, hole in function.holes:
        if text.count(piece) != 1:
            message = f"{function.name}: the solution has {text.count(piece)} times: {piece}"
            raise MinidockerError(message, "a hole replaces what is there once")
        text = text.replace(piece, hole)
    if not function.holes:
        nothing = f'raise NotImplementedError("{function.name} is yours to write")'
        body = function.starter.strip("\n") or nothing
        text = textwrap.indent(body, "    ") + "\n"
    return text.splitlines(keepends=True)
