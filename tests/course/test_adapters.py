"""The checks judge the runtime, too: each part that a lesson teaches has its name there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from minidocker.course.manifest import Lesson, load

REFERENCE = Path(__file__).resolve().parents[1] / "stages" / "reference"


@pytest.mark.parametrize("lesson", load().lessons, ids=lambda lesson: lesson.id)
def test_a_function_that_is_a_part_has_its_adapter(lesson: Lesson) -> None:
    parts = {function.name for function in lesson.functions if function.stage}
    file = REFERENCE / lesson.file
    assert parts == set() or file.is_file(), f"{file} gives the parts {sorted(parts)}"
    if not parts:
        return
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    assert parts <= names
