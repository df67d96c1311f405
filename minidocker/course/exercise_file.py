"""Whose file is judged: a learner's, a solution, the reference, or a mistake in a solution."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidocker.course.manifest import Lesson, Manifest
from minidocker.course.outcomes import Fail, NotStarted

STARTERS = "exercises/.starters"


@dataclass(frozen=True, slots=True)
class Subject:
    """One exercise file as text; `file` is the name that messages use for it.

    trusted: the reference's own code, which may import the stages.
    hidden: directories that the cell does not show.
    broken: how its import ended, when that was a loop or an exit.
    """

    name: str
    file: str
    source: str
    starter: str = ""
    trusted: bool = False
    hidden: tuple[Path, ...] = ()
    broken: list[Fail] = field(default_factory=list, compare=False, repr=False)
    _trees: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def ready(self, names: tuple[str, ...]) -> None:
        """Raise when there is nothing to run: no Python, a name missing, or one not started."""
        try:
            items = self._items("source")
        except SyntaxError as problem:
            raise Fail("MD9002", file=self.file, line=problem.lineno or 0,
                       what=problem.msg, trace=(problem.text or "").rstrip()) from None  # fmt: skip
        begin = self._items("starter") if self.starter else {}
        for name in names:
            if name in items and name in begin and items[name] == begin[name]:
                raise NotStarted(name)
        for name in names:
            if name not in items and not _binds(self._trees["source"], name):
                raise Fail("MD9001", name=name, file=self.file)

    def _items(self, which: str) -> dict[str, str]:
        """Return name → the shape of its code, comments and layout left out."""
        if which not in self._trees:
            self._trees[which] = parse(getattr(self, which))
        return {name: ast.dump(node) for name, node in items(self._trees[which]).items()}


def parse(text: str) -> ast.Module:
    """Parse a file's text; whatever keeps Python from reading it becomes SyntaxError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise SyntaxError(str(problem) or "nested too deeply") from None


def items(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return the functions and single-name assignments of a module, the last of each name."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def _binds(tree: ast.Module, name: str) -> bool:
    """Say whether a module may bind a name in some other way: an import, a tuple, a star."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
    return False


def read(path: Path) -> str:
    """Return a file's text; "" when there is none; bytes that are not UTF-8 become marks."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def of_directory(manifest: Manifest, lesson: Lesson, directory: Path, name: str) -> Subject:
    """Return the subject whose exercise files lie in `directory`."""
    return Subject(
        name, lesson.exercise, read(directory / lesson.file), starter(manifest, lesson),
        hidden=hidden(manifest),
    )  # fmt: skip


def changed(manifest: Manifest, lesson: Lesson, directory: Path) -> set[str]:
    """Return the names in a learner's file whose code is no longer the starter's.

    A file that does not parse counts as changed in everything: whoever loads it will say why.
    """
    source, begin = read(directory / lesson.file), starter(manifest, lesson)
    before = {name: ast.dump(node) for name, node in items(ast.parse(begin)).items()}
    try:
        now = {name: ast.dump(node) for name, node in items(ast.parse(source)).items()}
    except SyntaxError:
        return set(before)
    return {name for name, code in now.items() if before.get(name) != code}


def of_text(manifest: Manifest, lesson: Lesson, text: str, name: str) -> Subject:
    """Return a subject from text: for mistakes laid over a solution."""
    return Subject(
        name, lesson.exercise, text, starter(manifest, lesson), hidden=hidden(manifest)
    )


def reference(manifest: Manifest, lesson: Lesson) -> Subject:
    """Return the runtime's own parts, laid over the solution for what is no stage's part."""
    adapter = manifest.root / "tests/stages/reference" / lesson.file
    text = read(manifest.root / "solutions" / lesson.file) + "\n" + read(adapter)
    return Subject("reference", lesson.exercise, text, trusted=True)


def starter(manifest: Manifest, lesson: Lesson) -> str:
    """Return the exercise file as the course gives it."""
    return read(manifest.root / STARTERS / lesson.file)


def hidden(manifest: Manifest) -> tuple[Path, ...]:
    """Return what a cell must not show: solutions, tests, starters' twins."""
    return (manifest.root / "solutions", manifest.root / "tests")
