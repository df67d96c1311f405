"""Whose file is judged: a learner's, a solution, the reference, or a mistake in a solution."""

from __future__ import annotations

import ast
import codecs
import errno
import hashlib
import json
import os
import resource
import stat
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidocker.course import starters
from minidocker.course.manifest import FOLDER, OWN_COURSE, Lesson, Manifest
from minidocker.course.outcomes import Fail, NotStarted
from minidocker.forked import answer_of

MOST_BYTES = 256_000
PARSER_SECONDS = 60.0  # on a busy machine, for 10 s of the processor
STARTERS = "exercises/.starters"


@dataclass(frozen=True, slots=True)
class Subject:
    """One exercise file as text; `file` is the name that messages use for it.

    trusted: the reference's own code, which may import the stages.
    hidden: directories that the cell does not show.
    refused: why the file was not read at all.
    broken: how its import ended, when that was a loop or an exit.
    """

    name: str
    file: str
    source: str
    starter: str = ""
    trusted: bool = False
    hidden: tuple[Path, ...] = ()
    refused: str = ""
    broken: list[Fail] = field(default_factory=list, compare=False, repr=False)
    _shapes: dict[str, Shape] = field(default_factory=dict, compare=False, repr=False)

    def ready(self, names: tuple[str, ...], worked: Iterable[str] = ()) -> None:
        """Raise when there is nothing to run: no Python, a name missing, or one not started.

        worked: names that are judged even as the starter has them; their message teaches.
        """
        if self.refused:
            raise Fail("MD9014", file=self.file, why=self.refused)
        shape = self._shape("source")
        if shape.wrong:
            line, what, text = shape.wrong
            raise Fail("MD9002", file=self.file, line=line or "?", what=what, trace=text)
        begin = self._shape("starter").items if self.starter else {}
        for name in names:
            same = name in shape.items and shape.items[name] == begin.get(name)
            if same and name not in worked:
                raise NotStarted(name)
        for name in names:
            if name not in shape.items and name not in shape.bound and "*" not in shape.bound:
                raise Fail("MD9001", name=name, file=self.file)

    def as_given(self, names: Iterable[str]) -> bool:
        """Say whether one of these names is as the starter has it: an example is not scored."""
        begin = self._shape("starter").items if self.starter else {}
        now = self._shape("source").items
        return any(name in begin and now.get(name) == begin[name] for name in names)

    def _shape(self, which: str) -> Shape:
        """Return what a text defines; the learner's own is parsed where it can do no harm."""
        if which not in self._shapes:
            self._shapes[which] = shape_of(getattr(self, which))
        return self._shapes[which]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file defines: name → a digest of its code, comments and layout left out.

    bound: names that it binds in another way; "*" stands for any. wrong: (line, what, text) when
    it is not Python.
    """

    items: dict[str, str]
    bound: frozenset[str] = frozenset()
    wrong: tuple[int, str, str] | None = None


def shape_of(text: str) -> Shape:
    """Parse a text in a child with limits: a short text can take a parser a long time, or all."""

    def work() -> bytes:
        _limit_parser()
        return json.dumps(_parsed(text)).encode()

    data = answer_of(work, PARSER_SECONDS)
    if not data:
        return Shape({}, wrong=(0, "Python cannot read it within its limits", ""))
    told = json.loads(data)
    wrong = tuple(told["wrong"]) if told["wrong"] else None
    return Shape(told["items"], frozenset(told["bound"]), wrong)


def _limit_parser() -> None:
    """Give this process 10 s of processor time, and 1 GB more memory than it has."""
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    with open("/proc/self/statm", encoding="ascii") as file:
        most = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + (1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _parsed(text: str) -> dict[str, Any]:
    """Return the Shape of a text as plain data."""
    try:
        tree = parse(text)
        found = {name: _digest(ast.dump(node)) for name, node in items(tree).items()}
        return {"items": found, "bound": sorted(_bound(tree)), "wrong": None}
    except SyntaxError as problem:
        shown = (problem.text or "").rstrip()[:200]
        before, null, _ = text.partition("\0")  # Python names no line for it
        line = problem.lineno or (before.count("\n") + 1 if null else 0)
        return {"items": {}, "bound": [], "wrong": [line, problem.msg, shown]}
    except (RecursionError, MemoryError):
        return {"items": {}, "bound": [], "wrong": [0, "nested too deeply", ""]}


def _digest(text: str) -> str:
    """Return a short name for a text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


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


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a module may bind in some other way: an import, a tuple, a star."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def look(path: Path) -> tuple[str, str]:
    """Return (text, "") of a file that can be judged, else ("", why it cannot).

    A file that is not there has no text. Not followed: links; not waited for: pipes.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return "", ""
    except OSError as problem:
        link = problem.errno == errno.ELOOP
        return "", "it is a symbolic link" if link else f"it cannot be opened ({problem.strerror})"
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return "", "it is no regular file"
        data = b"".join(iter(lambda: os.read(fd, 1 << 16), b"")) if _small(fd) else None
    finally:
        os.close(fd)
    if data is None or len(data) > MOST_BYTES:
        return "", f"it is larger than {MOST_BYTES // 1000} kB"
    return decoded(data)


def decoded(data: bytes) -> tuple[str, str]:
    """Return (text, "") of a file's bytes as Python would read them, else ("", why it cannot)."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "", "it is in UTF-16, and not in UTF-8"
        line = data.count(b"\n", 0, problem.start) + 1
        return "", f"it is not in UTF-8 (line {line})"
    return text.replace("\r\n", "\n").replace("\r", "\n"), ""


def _small(fd: int) -> bool:
    return os.fstat(fd).st_size <= MOST_BYTES


def read(path: Path) -> str:
    """Return a file's text; "" when there is none that can be read."""
    return look(path)[0]


def of_directory(manifest: Manifest, lesson: Lesson, directory: Path, name: str) -> Subject:
    """Return the subject whose exercise files lie in `directory`."""
    text, why = look(directory / lesson.file)
    return Subject(
        name, lesson.exercise, text, starter(manifest, lesson), hidden=hidden(manifest),
        refused=why,
    )  # fmt: skip


def changed(manifest: Manifest, lesson: Lesson, directory: Path) -> set[str]:
    """Return the names in a learner's file whose code is no longer the starter's.

    A file that does not parse counts as changed in everything: whoever loads it will say why.
    """
    now = shape_of(read(directory / lesson.file))
    before = shape_of(starter(manifest, lesson)).items
    if now.wrong:
        return set(before)
    return {name for name, code in now.items.items() if before.get(name) != code}


def of_text(manifest: Manifest, lesson: Lesson, text: str, name: str) -> Subject:
    """Return a subject from text: for mistakes laid over a solution."""
    return Subject(name, lesson.exercise, text, starter(manifest, lesson), hidden=hidden(manifest))


def reference(manifest: Manifest, lesson: Lesson) -> Subject:
    """Return the runtime's own parts, laid over the solution for what is no stage's part."""
    adapter = manifest.root / "tests/stages/reference" / lesson.file
    text = read(manifest.root / "solutions" / lesson.file) + "\n" + read(adapter)
    return Subject("reference", lesson.exercise, text, trusted=True)


def starter(manifest: Manifest, lesson: Lesson) -> str:
    """Return the exercise file as the course gives it: derived from the solution.

    A students' edition has no solutions, and the derived files in STARTERS: classroom/pack.py.
    """
    solution = read(manifest.root / "solutions" / lesson.file)
    if not solution:
        return read(manifest.root / STARTERS / lesson.file)
    return starters.derive(solution, lesson.functions)


def hidden(manifest: Manifest) -> tuple[Path, ...]:
    """Return what a cell must not show: solutions, tests, and the manifests with their hints."""
    hints = {manifest.root / FOLDER, OWN_COURSE / FOLDER}
    return (manifest.root / "solutions", manifest.root / "tests", *sorted(hints))
