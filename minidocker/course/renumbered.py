"""A record of the course's first numbers, read as one of today's sixteen.

Three lessons became two each. A check and a function have kept their names, so the lesson of an
entry follows from what it is about. A reset names the old lesson, and `was` in the manifests says
what that became. A message's code carries its lesson's number: MOVED. No code has two meanings.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minidocker.course import manifest
from minidocker.course.outcomes import FAIL, PASS
from minidocker.errors import MinidockerError

NUMBERS = 16
"""So many lessons the course has; it stands in each entry that is written today."""
# The new lesson, the first and the last of its codes under the old numbers, what the first is now.
MOVED = (
    ("09", 805, 805, 925), ("09", 814, 822, 934), ("10", 901, 909, 1001), ("10", 917, 920, 1017),
    ("11", 910, 916, 1110), ("12", 407, 426, 1207),
)  # fmt: skip


def read(root: Path, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries as the course of today would have written them."""
    found: list[dict[str, Any]] = []
    lent: set[str] = set()
    for entry in entries:
        if entry.get("numbers") == NUMBERS or (course := _course(root)) is None:
            found.append(entry)
            continue
        if entry["do"] == "borrow":
            lent.add(entry["function"])
        found += _today(course, entry, lent)
    return found


@functools.cache
def _course(root: Path) -> manifest.Manifest | None:
    """Return the course of a learner's tree; without one, the package's own, if it has any."""
    for place in (root, manifest.OWN_COURSE):
        try:
            return manifest.load(place)
        except MinidockerError:
            continue
    return None


def _today(
    course: manifest.Manifest, entry: dict[str, Any], lent: set[str]
) -> list[dict[str, Any]]:
    """Return what one old entry is today: one entry, or one for each half of its lesson."""
    if entry["do"] == "grade":
        return _grades(course, entry, lent)
    if entry["do"] == "hint":
        lesson = _home(course, entry["check"], entry.get("lesson", ""))
        names = {"check": _code(lesson, entry["check"]), "code": _code(lesson, entry["code"])}
        return [{**entry, "lesson": lesson, **names}]
    if entry["do"] == "borrow":
        name = entry["function"]
        homes = [one.id for one in course.lessons if name in {f.name for f in one.functions}]
        return [{**entry, "lesson": one} for one in homes or [entry["lesson"]]]
    if entry["do"] == "reset":
        halves = [one.id for one in course.lessons if one.was and one.was == entry["lesson"]]
        return [{**entry, "lesson": one} for one in halves or [entry["lesson"]]]
    return [entry]


def _home(course: manifest.Manifest, check: str, otherwise: str) -> str:
    """Return the id of the lesson that has a check, or hints for a message of the old numbers."""
    for lesson in course.lessons:
        if any(one.id == check for one in lesson.checks) or _code(lesson.id, check) in lesson.hints:
            return lesson.id
    return otherwise


def _code(lesson: str, code: str) -> str:
    """Return the code that a message of a lesson has today."""
    for number, first, last, now in MOVED:
        if lesson.startswith(number) and _number(code) in range(first, last + 1):
            return f"MD{now + _number(code) - first:04}"
    return code


def _number(code: str) -> int:
    """Return the digits of a code; 0 for what is no code."""
    return int(code[2:]) if code.startswith("MD") and code[2:].isdecimal() else 0


def _grades(
    course: manifest.Manifest, entry: dict[str, Any], lent: set[str]
) -> list[dict[str, Any]]:
    """Return a grading as one for each lesson that has some of its checks today."""
    parts: dict[str, dict[str, list[str]]] = {}
    for check, (outcome, code) in entry["checks"].items():
        lesson = _home(course, check, entry["lesson"])
        if any(lesson == one.id for one in course.lessons):  # else the check is no more
            parts.setdefault(lesson, {})[check] = [outcome, _code(lesson, code)]
    if list(parts) == [entry["lesson"]] or not entry["checks"]:
        return [entry]
    known = {check.id: check for lesson in course.lessons for check in lesson.checks}
    passed = [known[name] for part in parts.values() for name, (outcome, _) in part.items()
              if outcome == PASS and name in known]  # fmt: skip
    # What was borrowed has earned nothing; a name that its owner has written since has.
    less = lent if sum(check.points for check in passed) > entry["earned"] else set()
    paid = {check.id: check.points for check in passed if check.functions[0] not in less}
    failed = next((name for name, (outcome, _) in entry["checks"].items() if outcome == FAIL), "")
    found = []
    for lesson, part in parts.items():
        first = next((name for name, (outcome, _) in part.items() if outcome == FAIL), "")
        message = entry["message"] if first == failed else known[first].title if first else ""
        points = sum(known[name].points for name in part if name in known)
        earned = sum(paid.get(name, 0) for name in part)
        found.append({**entry, "lesson": lesson, "checks": part, "earned": earned,
                      "points": points, "message": message})  # fmt: skip
    # What failed first is what was judged last: there `hint` goes on.
    return sorted(found, key=lambda one: failed in one["checks"])
