"""`minidocker grade --on vm --from DIR…`: many submissions, each in a pristine machine.

One line a submission while it goes on, then which checks failed most. With --csv the marks are
written after each one, so that a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson, Manifest, load
from minidocker.course.printer import WORDS, Printer
from minidocker.errors import MinidockerError, UsageError
from minidocker.vm import remote
from minidocker.vm.machine import Machine


@dataclass
class Mark:
    """What one submission earned. `digest` names its files, the lessons and the course's checks."""

    name: str
    digest: str
    earned: int = 0
    points: int = 0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)  # checks that did not pass
    remark: str = ""  # why there is no verdict, or what earned nothing

    def row(self) -> dict[str, object]:
        """Return the mark as a row of the CSV file."""
        return {**vars(self), "failed": " ".join(self.failed), "seconds": round(self.seconds, 1)}


COLUMNS = [one.name for one in fields(Mark)]


def grade(options: Namespace) -> int:
    """Judge every directory; 0 when all passed, 1 when something did not, 4 without a verdict."""
    wish, table = remote.wish_of(options), options.csv or ""
    directories = [Path(name) for name in options.directory]
    manifest = load()
    lessons = [manifest.lesson(name) for name in wish.words] or list(manifest.lessons)
    packed = [(path.resolve().name, remote.pack(path)) for path in directories]
    if len({name for name, _ in packed}) < len(packed):
        raise UsageError("two of the directories have one name", "give each its own")
    known = _read(table)
    printer, marks = Printer(quiet=wish.report == "-"), []
    machine, begun, judged = Machine("grading", shared=False), time.monotonic(), 0
    try:
        for number, (name, content) in enumerate(packed, 1):
            digest = _digest(manifest, lessons, content)
            mark = known.get(name)
            if mark is None or mark.digest != digest or mark.remark:
                mark = _judge(machine, Mark(name, digest), content, lessons)
                judged += 1
            marks.append(mark)
            left = (time.monotonic() - begun) / max(judged, 1) * (len(packed) - number)
            printer.line(_line(mark, number, len(packed), left if judged else 0.0))
            _write(table, marks)
    finally:
        machine.down()
    _histogram(printer, marks, lessons)
    if wish.report:
        text = json.dumps([mark.row() for mark in marks], indent=2, ensure_ascii=False) + "\n"
        remote.write(wish.report, text.encode())
    if any(mark.remark for mark in marks):
        return 4
    return 1 if any(mark.failed for mark in marks) else 0


def _digest(manifest: Manifest, lessons: Sequence[Lesson], content: bytes) -> str:
    """Name what a verdict depends on: the submission, the lessons and their checks."""
    total = hashlib.sha256(content)
    for lesson in lessons:
        for check in lesson.checks:
            total.update(f"{lesson.id} {check.id} {check.points}\n".encode())
    for path in sorted((manifest.root / "tests/stages").rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _judge(machine: Machine, mark: Mark, content: bytes, lessons: Sequence[Lesson]) -> Mark:
    """Judge one submission; whatever it does to its machine is a remark, and ends with it."""
    start = time.monotonic()
    words = [*(lesson.number for lesson in lessons), "--json", "-"]
    try:
        _, said = remote.judge(machine, content, words, merged=False)
        _count(mark, json.loads(remote.believe(said)), lessons)
    except MinidockerError as problem:
        mark.remark = f"no verdict: {remote.harmless(problem.message)}"
    mark.seconds = time.monotonic() - start
    return mark


def _count(mark: Mark, report: Any, lessons: Sequence[Lesson]) -> None:
    """Count by our own manifest: a report from there may say anything."""
    try:
        found = {
            (lesson["id"], check["id"]): (check["outcome"], check.get("code"))
            for lesson in report["lessons"] for check in lesson["checks"]
        }  # fmt: skip
    except (KeyError, TypeError, AttributeError):
        raise MinidockerError("the machine gave no report", "", 4) from None
    blocked = []
    for lesson in lessons:
        for check in lesson.checks:
            outcome, code = found.get((lesson.id, check.id), (None, None))
            mark.points += check.points
            if outcome == o.PASS and code == o.AS_GIVEN:
                mark.failed.append(check.id)
            elif outcome == o.PASS:
                mark.earned += check.points
            elif outcome in (o.BLOCKED, o.ERROR, None):
                blocked.append(f"{check.id} {WORDS.get(outcome or o.ERROR)}")
            else:
                mark.failed.append(check.id)
    mark.remark = f"no verdict on {', '.join(blocked)}" if blocked else ""


def _line(mark: Mark, number: int, count: int, left: float) -> str:
    """Return "[ 3/200] name  12/23  failed: …", with the minutes that are left."""
    said = mark.remark or (f"did not pass: {' '.join(mark.failed)}" if mark.failed else "all pass")
    rest = f"  ({left / 60:.0f} min left)" if left >= 60 else ""
    width = len(str(count))
    points = f"{mark.earned}/{mark.points}"
    return f"[{number:{width}}/{count}] {mark.name:<20} {points:>7}  {said}{rest}"


def _histogram(printer: Printer, marks: Sequence[Mark], lessons: Sequence[Lesson]) -> None:
    """Print which checks did not pass, the most frequent first."""
    counts = Counter(name for mark in marks for name in mark.failed)
    titles = {check.id: check.title for lesson in lessons for check in lesson.checks}
    verdicts = sum(not mark.remark for mark in marks)
    mean = sum(mark.earned for mark in marks if not mark.remark) / max(verdicts, 1)
    said = f"{len(marks)} submissions, {verdicts} with a verdict"
    printer.line(f"{said}; {mean:.1f} points on average.")
    for name, number in counts.most_common(10):
        bar = "#" * max(1, round(20 * number / len(marks)))
        printer.line(f"  {number:4} {bar:<20} {titles[name]}")


def _read(table: str) -> dict[str, Mark]:
    """Return the marks of an earlier run; none when there is no such file."""
    if not table or not Path(table).exists():
        return {}
    try:
        with open(table, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return {
            row["name"]: Mark(row["name"], row["digest"], int(row["earned"]), int(row["points"]),
                              float(row["seconds"]), row["failed"].split(), row["remark"])
            for row in rows
        }  # fmt: skip
    except (OSError, KeyError, ValueError, TypeError, AttributeError):
        raise UsageError(f"{table} holds no marks of ours", "name another file") from None


def _write(table: str, marks: Sequence[Mark]) -> None:
    """Write the marks so far, whole or not at all."""
    if not table:
        return
    device = os.path.exists(table) and not os.path.isfile(table)  # root would replace it
    part = table if device else f"{table}.part"
    try:
        with open(part, "w", newline="", encoding="utf-8") as stream:
            out = csv.DictWriter(stream, COLUMNS)
            out.writeheader()
            out.writerows(mark.row() for mark in marks)
        if not device:
            os.replace(part, table)
    except OSError as problem:
        raise UsageError(f"cannot write {table}: {problem.strerror}", "name another file") from None
