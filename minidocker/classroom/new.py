"""`class new`: a class file to begin with, its roster taken from a platform's table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from minidocker.classroom.classfile import NAME, Student, edition_of
from minidocker.classroom.exports import cells
from minidocker.classroom.records import give_back
from minidocker.course.manifest import Lesson
from minidocker.errors import UsageError

MAIL = ("email address", "email", "e-mail", "e-mail-adresse")
LOGIN = ("login", "sis login id", "username", "user name", "student_id", "sid", *MAIL, "id")
NAMES = ("name", "student", "full name", "vollständiger name")
ALSO = ("id", "sid", "sis user id", "integration id", "identifier", "student id")
"""Heads of columns in tables of Canvas, Moodle, Gradescope and nbgrader, in small letters."""
NOBODY = ("points possible", "student, test")
"""Rows of Canvas' that are nobody: the scale, and the student that a teacher tries things as."""


def roster(path: Path) -> tuple[list[Student], list[str]]:
    """Read a roster: a table with a head, of which the columns that we know are taken.

    Return the students, and what a teacher should know of rows that are no student of their own.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem}", "a table in UTF-8") from None
    rows = [[cell[2].strip() for cell in row] for row in cells.read(path.name, data).rows]
    while rows and (not any(rows[0]) or rows[0][0].startswith("sep=")):  # Excel's own line
        del rows[0]
    head = [one.casefold() for one in rows[0]] if rows else []
    if not set(head).intersection(LOGIN):
        raise UsageError(f"{path}: no column is a login", f"one of: {', '.join(LOGIN)}")
    found: dict[str, Student] = {}
    notes = []
    for row in rows[1:]:
        said: dict[str, str] = {}
        for word, text in zip(head, row, strict=False):
            said[word] = said.get(word) or text
        login = _first(said, LOGIN)
        name = _first(said, NAMES) or " ".join(
            filter(None, (said.get(one) for one in ("first name", "last name",
                                                    "firstname", "lastname"))))  # fmt: skip
        if name.casefold() in NOBODY or not any(row):
            continue
        if not login and name:
            notes.append(f"{name} has no login there, and was left out")
        elif login in found:
            notes.append(f"{login} stands there twice; the first counts")
        elif login:
            also = {said[one] for one in ALSO if said.get(one)} - {login}
            found[login] = Student(login, name, _first(said, MAIL), tuple(sorted(also)))
    return list(found.values()), notes


def _first(said: Mapping[str, str], words: Sequence[str]) -> str:
    return next((said[one] for one in words if said.get(one)), "")


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
