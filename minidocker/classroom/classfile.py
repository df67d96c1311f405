"""The class file: who is in a class, which lessons count, until when, and what is shown.

It is TOML, written by a teacher's hand and read strictly: a word that nobody reads would be a rule
that nobody keeps. Every error names the line, and what may stand there. `class new` writes one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidocker import __version__
from minidocker.course.manifest import Lesson, Manifest
from minidocker.errors import NotFound, UsageError

NAME = "class.toml"
SHOWN = ("message", "points", "nothing")
"""What a student sees of a check: all of it, pass or fail with its points, or not even that."""


@dataclass(frozen=True, eq=False)
class Student:
    """One row of the roster. also: other names that a platform has for them, such as its number.

    extension, excused, submitted: by the lesson's id; `submitted` is when it was handed in.
    """

    login: str
    name: str = ""
    email: str = ""
    also: tuple[str, ...] = ()
    extension: dict[str, dt.datetime] = field(default_factory=dict)
    submitted: dict[str, dt.datetime] = field(default_factory=dict)
    excused: tuple[str, ...] = ()
    late_days: int | None = None

    def names(self) -> set[str]:
        """Return every text that means this student, as `plain` writes it."""
        last, _, first = self.name.partition(",")  # "Lovelace, Ada" is Ada Lovelace
        turned = f"{first} {last}" if first else ""
        found = {plain(one) for one in (self.login, self.name, turned, self.email, *self.also)}
        return found - {""}


@dataclass(frozen=True)
class Part:
    """A lesson as this class takes it: how much it weighs, and until when it is due."""

    lesson: Lesson
    weight: float = 1.0
    due: dt.datetime | None = None


@dataclass(frozen=True)
class Class:
    """The whole file. `folder` holds it, and beside it the records.

    pairs: logins that hand in one submission. show: for a check, or "" for all others, what is
    shown (before, after) the lesson is due. salt: what a viva's questions and the variants are
    drawn from. variants: whether each login has names and numbers of its own (variants.py).
    """

    folder: Path
    title: str
    edition: str
    parts: tuple[Part, ...]
    students: tuple[Student, ...]
    pairs: tuple[tuple[str, ...], ...] = ()
    late_days: int = 0
    late_percent: float = 10.0
    show: dict[str, tuple[str, str]] = field(default_factory=lambda: {"": ("message", "message")})
    salt: str = ""
    variants: bool = False

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The lessons that count, in the file's order."""
        return tuple(part.lesson for part in self.parts)

    def student(self, login: str) -> Student:
        """Find a student by login; else NotFound. With no roster every name is a login."""
        if not self.students:
            return Student(login)
        for one in self.students:
            if one.login == login:
                return one
        raise NotFound(f"the class has nobody with the login {login}", f"see {NAME}", 2)

    def partners(self, login: str) -> tuple[str, ...]:
        """Return who shares a submission with a login, the login itself included."""
        return next((pair for pair in self.pairs if login in pair), (login,))

    def shown(self, check: str, lesson: str, now: dt.datetime) -> str:
        """Return what is shown of a check at a moment: one of SHOWN."""
        before, after = self.show.get(check, self.show[""])
        due = next((part.due for part in self.parts if part.lesson.id == lesson), None)
        return after if due is None or now > due else before


def plain(text: str) -> str:
    """Return a name as names are compared: NFKC, without case and outer space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def edition_of(lessons: Sequence[Lesson]) -> str:
    """Name an edition: the version, and a digest of which checks there are and what they give."""
    total = hashlib.sha256()
    for lesson in lessons:
        total.update("".join(f"{lesson.id} {c.id} {c.points}\n" for c in lesson.checks).encode())
    return f"{__version__}+{total.hexdigest()[:8]}"


def read(path: Path, manifest: Manifest) -> Class:
    """Read a class file; UsageError names the line that is wrong, and what it should be."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no {path}", f"minidocker class new {path.parent}", 2) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path}: {problem}", "a class file is text in UTF-8") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"{path}: {problem}", "https://toml.io shows how it is written") from None
    return Reader(path, text, manifest).whole(table)


class Reader:
    """Reads one file's table, and knows on which line each word of it stands."""

    def __init__(self, path: Path, text: str, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self.lines = _places(text)

    def wrong(self, where: tuple[str, int], word: str, message: str, remedy: str) -> UsageError:
        """Return the error for a word of a table; `where` is the table's name and its number."""
        line = self.lines.get((*where, word)) or self.lines.get((*where, "")) or 1
        return UsageError(f"{self.path}, line {line}: {message}", remedy)

    def whole(self, table: dict[str, Any]) -> Class:
        """Return the class that a file describes."""
        top = ("", 0)
        self.known(table, top, {"title": str, "edition": str, "lesson": list, "student": list,
                                "pair": list, "late": dict, "show": dict, "salt": str,
                                "variants": bool})  # fmt: skip
        if table.get("variants") and not table.get("salt"):
            raise self.wrong(top, "variants", "variants want a secret that they are drawn from",
                             f'salt = "{os.urandom(8).hex()}"')  # fmt: skip
        parts = [self.part(one, ("lesson", n)) for n, one in self.tables(table, "lesson")]
        if not parts:
            raise self.wrong(top, "lesson", "no lesson counts", '[[lesson]] with id = "01"')
        self.once(((p.lesson.id, ("lesson", n), "id") for n, p in enumerate(parts)), "lesson")
        lessons = {part.lesson.id for part in parts}
        students = [
            self.student(one, ("student", n), lessons) for n, one in self.tables(table, "student")
        ]
        self.once(((s.login, ("student", n), "login") for n, s in enumerate(students)), "login")
        self.once(((name, ("student", n), "login") for n, s in enumerate(students)
                   for name in {plain(one) for one in (s.login, s.email, *s.also)} - {""}),
                  "name of a student")  # fmt: skip
        late = table.get("late", {})
        self.known(late, ("late", 0), {"days": int, "percent": (int, float)})
        for word in ("days", "percent"):
            if not 0 <= late.get(word, 0) <= 100:
                raise self.wrong(("late", 0), word, f"{word} = {late[word]}", "0 to 100")
        edition = table.get("edition", "")
        now = edition_of([part.lesson for part in parts])
        if edition != now:
            said = f"this class is frozen at edition {edition or '(none)'}, and here is {now}"
            raise self.wrong(top, "edition", said, f'install that edition, or: edition = "{now}"')
        return Class(
            self.path.parent, table.get("title", "A class"), edition, tuple(parts),
            tuple(students), self.pairs(table, students), late.get("days", 0),
            float(late.get("percent", 10)), self.show(table.get("show", {}), parts),
            table.get("salt", ""), table.get("variants", False),
        )  # fmt: skip

    def part(self, table: dict[str, Any], where: tuple[str, int]) -> Part:
        """Return a [[lesson]]."""
        kinds = {"id": str, "weight": (int, float), "due": dt.datetime}
        self.known(table, where, kinds, "id")
        try:
            lesson = self.manifest.lesson(table["id"])
        except NotFound as problem:
            raise self.wrong(where, "id", problem.message, problem.remedy) from None
        if not 0 <= table.get("weight", 1) <= 1000:
            raise self.wrong(where, "weight", f"weight = {table['weight']}", "0 to 1000")
        return Part(lesson, float(table.get("weight", 1)), self.moment(table, where, "due"))

    def student(self, table: dict[str, Any], where: tuple[str, int], known: set[str]) -> Student:
        """Return a [[student]]."""
        kinds = {"login": str, "name": str, "email": str, "also": list, "extension": dict,
                 "submitted": dict, "excused": list, "late_days": int}  # fmt: skip
        self.known(table, where, kinds, "login")
        login = table["login"]
        if not re.fullmatch(r"[^\s/\\\x00-\x1f]{1,100}", login) or login.startswith((".", "-")):
            raise self.wrong(where, "login", f"login = {login!r}",
                             "1 to 100 signs, no space or slash, no . or - in front")  # fmt: skip
        if not 0 <= table.get("late_days", 0) <= 366:
            raise self.wrong(where, "late_days", f"late_days = {table['late_days']}", "0 to 366")
        for word in ("also", "excused"):
            if not all(isinstance(one, str) for one in table.get(word, [])):
                raise self.wrong(where, word, f"{word} holds more than texts", f'{word} = ["…"]')
        moments = {
            word: {
                self.lesson(name, where, word, known): self.moment(table[word], where, word, name)
                for name in table.get(word, {})
            }
            for word in ("extension", "submitted")
        }
        return Student(
            login, table.get("name", ""), table.get("email", ""), tuple(table.get("also", [])),
            moments["extension"], moments["submitted"],  # type: ignore[arg-type]
            tuple(self.lesson(n, where, "excused", known) for n in table.get("excused", [])),
            table.get("late_days"),
        )  # fmt: skip

    def lesson(self, name: str, where: tuple[str, int], word: str, known: set[str]) -> str:
        """Return the id of a lesson that counts in this class."""
        found = next((one for one in known if name in (one, one[:2])), "")
        if not found:
            said = f"{word} names {name!r}, which is no lesson of this class"
            raise self.wrong(where, word, said, "one of: " + ", ".join(sorted(known)))
        return found

    def moment(
        self, table: dict[str, Any], where: tuple[str, int], word: str, name: str = ""
    ) -> dt.datetime | None:
        """Return a date with its zone; a day alone is meant with its last minute."""
        value = table.get(name or word)
        if value is None:
            return None
        if type(value) is dt.date:
            value = dt.datetime.combine(value, dt.time.max)
        if not isinstance(value, dt.datetime):
            raise self.wrong(where, word, f"{name or word} is no date", "2026-12-24T18:00:00+01:00")
        if value.tzinfo:
            return value
        # In the teacher's own zone. When clocks are put back an hour is there twice, and when they
        # are put forward one is not there: what is better for the student is meant.
        return (min if word == "submitted" else max)(
            value.astimezone(), value.replace(fold=1).astimezone()
        )

    def pairs(self, table: dict[str, Any], students: list[Student]) -> tuple[tuple[str, ...], ...]:
        """Return the [[pair]]s: logins of the roster, each in one pair at most."""
        logins, found = {one.login for one in students}, []
        for n, one in self.tables(table, "pair"):
            self.known(one, ("pair", n), {"logins": list}, "logins")
            for login in one["logins"]:
                if login not in logins:
                    said = f"the roster has no login {login!r}"
                    raise self.wrong(("pair", n), "logins", said, "[[student]] above says who is")
            found.append(tuple(one["logins"]))
        members = ((one, ("pair", n), "logins") for n, pair in enumerate(found) for one in pair)
        self.once(members, "login of a pair")
        return tuple(found)

    def show(self, table: dict[str, Any], parts: list[Part]) -> dict[str, tuple[str, str]]:
        """Return what is shown, by check."""
        checks = {check.id for part in parts for check in part.lesson.checks}
        self.known(table, ("show", 0), {"before": str, "after": str, "check": dict})
        both = (table.get("before", "message"), table.get("after", "message"))
        found = {"": both}
        for name, one in table.get("check", {}).items():
            where = (f"show.check.{name}", 0)
            if name not in checks:
                said = f"no lesson of this class has a check {name!r}"
                raise self.wrong(where, "", said, "minidocker grade NN lists them")
            self.known(one, where, {"before": str, "after": str})
            found[name] = (one.get("before", both[0]), one.get("after", both[1]))
        for name, values in found.items():
            for word, value in zip(("before", "after"), values, strict=True):
                if value not in SHOWN:
                    where = (f"show.check.{name}" if name else "show", 0)
                    said = f"{word} = {value!r}"
                    raise self.wrong(where, word, said, "one of: " + ", ".join(SHOWN))
        return found

    def tables(self, table: dict[str, Any], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
        """Return the tables of a [[name]], numbered."""
        for number, one in enumerate(table.get(name, [])):
            if not isinstance(one, dict):
                raise self.wrong(("", 0), name, f"{name} is no table", f"write [[{name}]]")
            yield number, one

    def known(
        self, table: dict[str, Any], where: tuple[str, int], kinds: dict[str, Any], must: str = ""
    ) -> None:
        """Refuse a word that nobody reads, a value of another kind, and what is missing."""
        named = f"[{where[0]}]" if where[0] else "a class file"
        for word, value in table.items():
            if word not in kinds:
                raise self.wrong(where, word, f"{named} has no word {word!r}",
                                 "one of: " + ", ".join(kinds))  # fmt: skip
            kind = kinds[word]
            right = isinstance(value, dt.date) if kind is dt.datetime else isinstance(value, kind)
            if not right or (isinstance(value, bool) and kind is not bool):
                kind = kind[-1] if isinstance(kind, tuple) else kind
                raise self.wrong(where, word, f"{word} = {value!r} is of another kind",
                                 f"a {_KINDS.get(kind, kind.__name__)}")  # fmt: skip
        if must and must not in table:
            raise self.wrong(where, "", f"{named} lacks {must}", f'{must} = "…"')

    def once(self, entries: Iterable[tuple[str, tuple[str, int], str]], what: str) -> None:
        """Refuse what stands there twice."""
        seen: set[str] = set()
        for name, where, word in entries:
            if name in seen:
                raise self.wrong(where, word, f"{what} {name!r} stands there twice", "leave one")
            seen.add(name)


_KINDS = {str: 'text: "…"', list: "list: […]", dict: "table", bool: "true or false",
          int: "whole number", float: "number", dt.datetime: "date"}  # fmt: skip


def _places(text: str) -> dict[tuple[str, int, str], int]:
    """Return (table, its number, word) → line, and for the table's own head the word ""."""
    found: dict[tuple[str, int, str], int] = {}
    table, counts = ("", 0), dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]", line):
            name, *below = head[1].split(".")
            if line.lstrip().startswith("[["):
                counts[head[1]] = counts.get(head[1], -1) + 1
            # [student.extension] belongs to the last [[student]]
            table = (name, counts[name]) if below and name in counts else (
                head[1].replace('"', ""), counts.get(head[1], 0))  # fmt: skip
            found.setdefault((*table, below[0] if below and name in counts else ""), number)
        elif word := re.match(r'\s*"?([\w.-]+)"?\s*=', line):
            found.setdefault((*table, word[1]), number)
    return found
