"""Whose submission is it? The names that platforms give to what they hand out.

    Canvas      lovelaceada_LATE_4711_99_01_pid.py     name, number of the user, of the file
    Moodle      Ada Lovelace_4711_assignsubmission_file_/01_pid.py
    Blackboard  Lab 1_ada_attempt_2026-11-20-13-45-12_01_pid.py     of several attempts the last
    Gradescope  submission_4711/01_pid.py, and submission_metadata.yml says whose
    else        the name of the folder or the archive is the login, the name or the e-mail
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minidocker.classroom import archives
from minidocker.classroom.classfile import Class, Student, plain
from minidocker.classroom.filenames import owner

GRADESCOPE = "submission_metadata.yml"
CANVAS = re.compile(r"(?P<who>[^_/]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)")
MOODLE = re.compile(r"(?P<who>.+?)_(?P<number>\d+)_assignsubmission_(?P<rest>.*)")
BLACKBOARD = re.compile(r"(?P<who>.+_attempt_)(?P<at>\d{4}(?:-\d\d){5})(?:_.+|\.txt)")
ATTEMPT = "_attempt_"
JOINED = re.compile(r"[+,;&_-]| and ")


@dataclass(frozen=True)
class Who:
    """A submission's name, whose it is ("" when nobody of the roster has that name), and when.

    label: its name where the roster does not help. others: who else hands it in, says the platform.
    """

    name: str
    login: str
    submitted: str = ""
    late: bool = False
    label: str = ""
    others: tuple[str, ...] = ()


def flat(name: str) -> bool:
    """Say whether a name carries its owner, as the files of Canvas, Moodle and Blackboard do."""
    return any(one.fullmatch(name) for one in (BLACKBOARD, CANVAS, MOODLE))


def attempt(name: str) -> str:
    """Return when an attempt of Blackboard's was made, as its name says; "" of other names."""
    found = BLACKBOARD.fullmatch(name)
    return found["at"] if found else ""


def attempts(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return part → when its last attempt was made, in the zone of this machine."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            at = dt.datetime.strptime(attempt(name), "%Y-%m-%d-%H-%M-%S").astimezone().isoformat()
        except ValueError:
            continue
        one = found.setdefault(part_of(name), {"created_at": at})
        one["created_at"] = max(one["created_at"], at)
    return found


def part_of(name: str) -> str:
    """Return what the names of one person's files have in common."""
    if found := BLACKBOARD.fullmatch(name):
        return found["who"]  # all attempts are one submission
    if found := CANVAS.fullmatch(name):
        return f"{found['who']}_{found['late'] or ''}{found['number']}_"
    if found := MOODLE.fullmatch(name):
        return name.removesuffix(found["rest"])  # files and an online text are one submission
    return name


def who(label: str, facts: dict[str, Any], room: Class) -> Who:
    """Return whose submission a label means; with no roster every label is a login."""
    texts, late = [label], False
    if label.endswith(ATTEMPT):  # a login may have a "_" in it, and so may an assignment
        words = label.removesuffix(ATTEMPT).split("_")
        ends = ["_".join(words[at:]) for at in range(len(words))]
        texts = [words[-1], *ends] if not room.students else ends
    elif found := re.fullmatch(r"(?P<who>[^_/]+)_(?P<late>LATE_)?(?P<number>\d+)_", label):
        texts, late = [found["number"], found["who"]], bool(found["late"])
    elif found := MOODLE.fullmatch(label):
        texts = [found["number"], f"Participant {found['number']}", found["who"]]
    else:
        own = owner(label, room.lessons)
        texts = [archives.stem(label), label, *([own] if own else [])]
    named = facts.get("names", [])
    shown = _inert(_meant(label if named else texts[0]))
    texts = [*named, *texts]
    at = str(facts.get("created_at", ""))
    known = index(room.students)
    logins: list[str] = []
    for text in map(_meant, texts):
        owners = known.get(plain(text)) or known.get(_squeezed(text)) or set()
        if len(owners) == 1:
            logins += owners
    pair = [] if logins else together(texts, known)
    logins = logins or pair
    if logins:
        others = dict.fromkeys(logins if named or pair else ())
        others.pop(logins[0], None)
        return Who(logins[0], logins[0], at, late, shown, tuple(others))
    return Who(shown, "" if room.students else shown, at, late, shown)


def together(texts: Iterable[str], known: dict[str, set[str]]) -> list[str]:
    """Return the logins of a name that is made of several, and of nothing else: "ada+bob"."""
    for text in map(_meant, texts):
        words = [known.get(plain(word), set()) for word in JOINED.split(text) if word.strip()]
        logins = list(dict.fromkeys(next(iter(one)) for one in words if len(one) == 1))
        if len(words) > 1 and len(logins) == len(words):
            return logins
    return []


def _meant(text: str) -> str:
    """Return a name as it was meant: older systems write names in another code than UTF-8."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeDecodeError:
        return os.fsencode(text).decode("cp1252", "replace")
    except UnicodeEncodeError:
        return text


@functools.lru_cache(maxsize=4)
def index(students: tuple[Student, ...]) -> dict[str, set[str]]:
    """Return every text that means a student → the logins that it can mean.

    Canvas squeezes "Lovelace, Ada" to lovelaceada; such a key has a mark that no name begins with.
    """
    found: dict[str, set[str]] = {}
    for student in students:
        words = student.name.split()
        # Where the last name begins, a name without a comma does not say: van Gogh, García Márquez.
        starts = range(len(words)) if "," not in student.name else range(min(len(words), 1))
        squeezed = {_squeezed("".join([*words[at:], *words[:at]])) for at in starts}
        for name in student.names() | squeezed:
            found.setdefault(name, set()).add(student.login)
    return found


def _squeezed(text: str) -> str:
    parts = unicodedata.normalize("NFKC", text).casefold()
    return "\n" + "".join(one for one in parts if one.isalnum())


def _inert(text: str) -> str:
    """Return a label that is a name: one line, no control characters, not too long."""
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return shown[:100] or "?"


def gradescope(text: str) -> dict[str, dict[str, Any]]:
    """Read submission_metadata.yml: folder → its submitters' names, and when it came.

    It is YAML of Ruby's; the few words that count stand on lines of their own.
    """
    found: dict[str, dict[str, Any]] = {}
    one: dict[str, Any] = {}
    for line in text.splitlines():
        if head := re.fullmatch(r"(\S[^:]*):", line):
            one = found.setdefault(head[1], {"names": []})
        elif word := re.match(r"[\s-]*:(email|sid|name): (.+)", line):
            one.setdefault("names", []).append(word[2].strip().strip("'\""))
        elif word := re.match(r"  :created_at: (.+)", line):
            one["created_at"] = word[1].strip().strip("'\"")
    for fact in found.values():  # an e-mail says more than a name that two may have
        fact["names"].sort(key=lambda name: "@" not in name)
    return found
