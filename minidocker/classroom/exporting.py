"""`minidocker class export`: the records in the form that a platform reads, whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from minidocker.chamber.cell_needs import PACKAGE
from minidocker.classroom import marks as m
from minidocker.classroom.classfile import Class, read
from minidocker.classroom.exports import autograders, gradebooks, tables
from minidocker.classroom.marks import Mark
from minidocker.classroom.records import Records, give_back
from minidocker.course.manifest import Manifest, load
from minidocker.errors import NotFound, UsageError

OWN: dict[str, Callable[[Class, Sequence[Mark], float], str]] = {
    "csv": tables.table, "json": tables.as_json, "junit": tables.junit,
    "nbgrader": tables.nbgrader,
}  # fmt: skip
FORMATS = (*OWN, "canvas", "moodle", "gradescope", "autograder", "classroom50")
UNKNOWN_TOO = ("csv", "json", "junit")
"""Formats that show submissions of nobody on the roster: what a teacher reads alone."""


def open_class(file: str) -> tuple[Class, Records]:
    """Return a class and its records."""
    room = read(Path(file), course())
    return room, Records(room.folder)


def course() -> Manifest:
    """Return the course that a class takes: the package's own, or a teacher's private set."""
    return load() if os.environ.get("MINIDOCKER_COURSE") else load(PACKAGE.parent)


def export(options: Namespace) -> int:
    """Write one format; who has no verdict is said, and their cell is left alone."""
    room, store = open_class(options.file)
    only = [lesson.id for name in options.lesson or ()
            for lesson in room.lessons if name in (lesson.id, lesson.number)]  # fmt: skip
    if len(only) < len(options.lesson or ()):
        raise NotFound(f"a lesson of {options.lesson} is not of this class", "see its file", 2)
    found = store.all()
    if not found:
        raise NotFound("nothing is judged yet", "minidocker class grade SUBMISSIONS", 2)
    marks = m.of_class(room, found, only, unknown=options.format in UNKNOWN_TOO)
    content = _content(room, marks, options)
    if isinstance(content, dict):
        for name, data in content.items():
            path = Path(options.out or options.format) / name
            folder(path.parent)
            write(str(path), data)
    else:
        write(options.out or "-", content)
    without = [mark.student.login for mark in marks if mark.total is None and not mark.excused]
    if without:
        print(f"no verdict, so no mark: {' '.join(without)}", file=sys.stderr)
    return 0


def _content(room: Class, marks: Sequence[Mark], options: Namespace) -> bytes | dict[str, bytes]:
    """Return the file's content, or the files' of a folder."""
    if options.format in OWN:
        return OWN[options.format](room, marks, options.scale or 100.0).encode()
    now = dt.datetime.now().astimezone()
    if options.format == "classroom50":
        at = now.isoformat(timespec="seconds")
        return {f"{_file(mark)}/result.json": autograders.classroom50(room, mark, at).encode()
                for mark in marks}  # fmt: skip
    if options.format == "gradescope":
        files = {"autograder.zip": autograders.gradescope_zip(room, marks, now)}
        for mark in marks:
            said = json.dumps(autograders.gradescope(room, mark, now), ensure_ascii=False, indent=1)
            files[f"{_file(mark)}/results.json"] = said.encode() + b"\n"
        return files
    if not options.table:
        raise UsageError(f"{options.format} needs your own export of it", "--table FILE.csv")
    try:
        data = Path(options.table).read_bytes()
    except OSError as problem:
        said = f"cannot read {options.table}: {problem.strerror}"
        raise UsageError(said, "--table FILE.csv") from None
    name = Path(options.table).name
    if options.format == "canvas":
        if not options.column:
            raise UsageError("canvas needs the assignment's column", '--column "Title (1234)"')
        return gradebooks.canvas(marks, name, data, options.column, options.scale)
    hidden = {check.id for part in room.parts for check in part.lesson.checks
              if room.shown(check.id, part.lesson.id, now) == "nothing"}  # fmt: skip
    return gradebooks.moodle(marks, name, data, options.column or "", options.scale,
                             lambda mark: tables.feedback(mark, hidden))  # fmt: skip


def folder(path: Path) -> None:
    """Make a folder, and give each that is new to the owner of the one above."""
    if not path.exists():
        folder(path.absolute().parent)
        path.mkdir(exist_ok=True)
        give_back(path.absolute())


def _file(mark: Mark) -> str:
    """Return a login as a folder's name: what the roster holds has no slash."""
    return mark.student.login


def write(file: str, data: bytes) -> None:
    """Write a file, whole or not at all; - is standard output."""
    if file == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    new = Path(f"{file}.{os.getpid()}.new")
    try:
        if Path(file).exists() and not Path(file).is_file():  # a device: root would replace it
            Path(file).write_bytes(data)
            return
        new.write_bytes(data)
        give_back(new)
        os.replace(new, file)
    except OSError as problem:
        new.unlink(missing_ok=True)
        raise UsageError(f"cannot write {file}: {problem.strerror}", "name another file") from None
