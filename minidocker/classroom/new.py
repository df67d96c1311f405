"""`class new`: a class file to begin with, its roster taken from a platform's table."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from minidocker.classroom.classfile import NAME, Student, edition_of
from minidocker.classroom.exports import cells
from minidocker.classroom.records import give_back
from minidocker.course.manifest import Lesson
from minidocker.errors import UsageError

LOGIN = ("login", "sis login id", "username", "user name", "student_id", "sid", "email address",
         "email")  # fmt: skip
NAMES = ("name", "student", "full name", "vollständiger name")
MAIL = ("email", "email address", "e-mail", "e-mail-adresse")
ALSO = ("id", "sid", "sis user id", "integration id", "identifier", "student id")
"""Heads of columns in tables of Canvas, Moodle, Gradescope and nbgrader, in small letters."""


def roster(path: Path) -> list[Student]:
    """Read a roster: CSV with a head, of which the columns that we know are taken."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem}", "a table in UTF-8") from None
    text = cells.decoded(path.name, data)[0].removeprefix(cells.BOM)
    first = text.split("\n", 1)[0]
    comma = max(",;\t", key=first.count)
    rows = list(csv.reader(io.StringIO(text), delimiter=comma))
    head = [one.strip().casefold() for one in rows[0]] if rows else []
    login = next((head.index(one) for one in LOGIN if one in head), None)
    if login is None:
        raise UsageError(f"{path}, line 1: no column is a login", f"one of: {', '.join(LOGIN)}")
    found: dict[str, Student] = {}
    for row in rows[1:]:
        said = dict(zip(head, (one.strip() for one in row), strict=False))
        if len(row) <= login or not row[login].strip():
            continue  # "Points Possible" and other rows that are nobody
        name = next((said[one] for one in NAMES if said.get(one)), "")
        name = name or " ".join(said.get(one, "") for one in ("first name", "last name")).strip()
        mail = next((said[one] for one in MAIL if said.get(one)), "")
        also = {said[one] for one in ALSO if said.get(one)} - {row[login].strip()}
        one = Student(row[login].strip(), name, mail, tuple(sorted(also)))
        found.setdefault(one.login, one)
    return list(found.values())


def write_new(
    folder: Path, title: str, lessons: Sequence[Lesson], roster: Sequence[Student]
) -> Path:
    """Write a class file for `class new`; one that is there already is never overwritten."""
    said = [
        "# A class of minidocker. docs/teaching.md says what each word means.", "",
        f"title = {quoted(title)}",
        "# Frozen for the term: another set of checks, or other points, is refused.",
        f"edition = {quoted(edition_of(lessons))}",
        "# Makes the questions of `class viva` and the variants this class's own: keep it secret.",
        f"salt = {quoted(os.urandom(8).hex())}",
        "# true: each login has names and numbers of its own; `class pack` writes variants/",
        "variants = false", "",
        "[late]", "days = 0        # free days for each student, over all lessons",
        "percent = 10    # off for each day after them", "",
        "[show]", "# what a student's page shows of a check: message, points or nothing",
        'before = "message"', 'after = "message"',
    ]  # fmt: skip
    for lesson in lessons:
        said += ["", "[[lesson]]", f"id = {quoted(lesson.id)}", "weight = 1",
                 "# due = 2026-12-24T18:00:00+01:00"]  # fmt: skip
    for one in roster:
        said += ["", "[[student]]", f"login = {quoted(one.login)}"]
        said += [f"{word} = {quoted(text)}" for word, text in
                 (("name", one.name), ("email", one.email)) if text]  # fmt: skip
        said += [f"also = [{', '.join(map(quoted, one.also))}]"] if one.also else []
    if not roster:
        said += ["", "# [[student]]", '# login = "ada"', '# name = "Ada Lovelace"',
                 '# also = ["4711"]                     # her number in Canvas or Moodle',
                 '# extension = { "01" = 2026-12-31 }', '# excused = ["02"]',
                 "", "# [[pair]]", '# logins = ["ada", "charles"]']  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write("\n".join(said) + "\n")
        give_back(folder.absolute())
        give_back(path)
    except FileExistsError:
        raise UsageError(f"{path} is there already", "edit it, or name another folder") from None
    return path


def quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    signs = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(
        signs.get(one) or (one if one.isprintable() else f"\\U{ord(one):08x}") for one in text
    ) + '"'  # fmt: skip
