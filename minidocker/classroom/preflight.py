"""`minidocker class preflight`: who and what is not ready, on Friday and before a grading.

Of submissions, and of this machine, before.py tells. Of learners' machines the doctor, in a table:
each hands in what `minidocker doctor --json` prints there. It is their text: sizes and types are
checked, and what is shown is inert.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from minidocker.classroom import archives, before, incoming, platforms
from minidocker.classroom.archives import Damaged
from minidocker.classroom.classfile import Class
from minidocker.classroom.exporting import course, open_class
from minidocker.course import outcomes as o
from minidocker.errors import NotFound

MOST = 1 << 20  # bytes of one report


@dataclass(frozen=True)
class Ready:
    """One learner's machine: lessons that run, of how many; what is missing, and what mends it."""

    login: str
    runs: int
    of: int
    missing: tuple[str, ...] = ()
    fix: str = ""
    trouble: str = ""


def preflight(options: Namespace) -> int:
    """Print who or what is not ready, and what helps; 0 when there is nothing to mend."""
    room, _ = open_class(options.file)
    reports, others = [], []
    for path in map(Path, options.paths):
        if not os.path.lexists(path):
            raise NotFound(f"there is no {path}", "name folders, archives or files", 2)
        try:
            told = incoming.guarded(_reports, path)
        except Damaged as problem:
            told = {"reports": [[path.name, f"{problem}"]], "facts": {}, "no_json": True}
        whole = any(isinstance(one, dict) and "findings" in one for _, one in told["reports"])
        if whole or not told["no_json"]:
            reports.append(told)
        else:
            others.append(path)
    status = _table(room, reports) if reports else 0
    return max(status, before.look(room, course(), others)) if others or not reports else status


def _table(room: Class, reports: list[dict[str, Any]]) -> int:
    """Print whose machine is not ready, by their reports; 0 when all are."""
    found: dict[str, Ready] = {}
    for told in reports:
        for label, report in told["reports"]:
            who = platforms.who(label, told["facts"].get(label, {}), room)
            found[who.name] = read(who.name, report, room)
    rows = list(found.values())
    rows += [Ready(student.login, 0, len(room.lessons), trouble="no report yet")
             for student in room.students if student.login not in found]  # fmt: skip
    ready = [one for one in rows if not one.trouble and one.runs == one.of]
    print(f"{len(ready)} of {len(rows)} are ready for all {len(room.lessons)} lessons.")
    for one in sorted(rows, key=lambda one: (one.runs, one.login)):
        if one not in ready:
            print(o.inert(_line(one)))
    if not found:
        print("Each learner hands in:  minidocker doctor --json > doctor.json")
    return 0 if len(ready) == len(rows) else 1


def _line(one: Ready) -> str:
    if one.trouble:
        return f"  {one.login:<20} {one.trouble}"
    said = f"  {one.login:<20} {one.runs}/{one.of} lessons; missing: {', '.join(one.missing)}"
    return f"{said}\n  {'':<20} {one.fix}" if one.fix else said


def read(login: str, report: Any, room: Class) -> Ready:
    """Return what a report says of the class's lessons; one that is none is a trouble."""
    lessons = {lesson.id for lesson in room.lessons}
    try:
        if report["version"] != 1:
            raise ValueError
        mine = [one for one in report["lessons"] if one["id"] in lessons]
        gaps = [str(name) for one in mine if one["runs"] is not True for name in one["missing"]]
        fixes = {str(one["id"]): str(one["fix"]) for one in report["findings"] if one["fix"]}
        titles = {str(one["id"]): str(one["title"]) for one in report["findings"]}
    except (TypeError, KeyError, ValueError, AttributeError):
        said = report if isinstance(report, str) else "this is no report of `doctor --json`"
        return Ready(login, 0, len(lessons), trouble=said[:200])
    missing = list(dict.fromkeys(gaps))
    fix = next((fixes[name] for name in missing if name in fixes), "")
    runs = sum(one["runs"] is True for one in mine)
    named = tuple(titles.get(name, name)[:60] for name in missing[:5])
    return Ready(login, runs, len(lessons), named, fix.splitlines()[0][:200] if fix else "")


def _reports(path: Path) -> dict[str, Any]:
    """Return [label, report] of each JSON file in a folder or archive, and Gradescope's facts.

    no_json: there is none, or there is Python beside it: then these are submissions.
    """
    found: list[list[Any]] = []
    facts: dict[str, Any] = {}
    python = False
    for member in _members(path):
        name = PurePosixPath(member.name)
        if name.name == platforms.GRADESCOPE and not member.why:
            facts |= platforms.gradescope(member.take(8 << 20).decode("utf-8", "replace"))
        python = python or name.suffix.lower() == ".py"
        if name.suffix.lower() != ".json" or "__MACOSX" in name.parts:
            continue
        parts = [part for part in name.parts[:-1] if part not in (".", "..")]
        label = parts[-1] if parts else platforms.part_of(name.name)
        found.append([label if label != name.name else name.stem, _report(member)])
    return {"reports": found, "facts": facts, "no_json": python or not found}


def _members(path: Path) -> Iterator[archives.Member]:
    if path.is_dir():
        yield from archives.of_folder(path)
    elif archives.is_archive(path.name):
        with open(path, "rb") as file:
            yield from archives.of_archive(file, path.name)
    else:
        yield archives.of_file(path)


def _report(member: archives.Member) -> Any:
    if member.why:
        return member.why
    data = member.take(MOST + 1)
    try:
        return json.loads(data) if len(data) <= MOST else "it is larger than 1 MB"
    except (ValueError, RecursionError):
        return "it is no JSON"
