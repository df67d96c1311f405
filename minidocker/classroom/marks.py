"""Marks from records: weights, late days, excuses, pairs. Nothing is stored: they are computed.

A lesson's mark is the part of its judged points that was earned; what could not be judged is in
neither number. A student of whom a lesson has no verdict has no total, which is not the same as 0.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from minidocker.classroom import records
from minidocker.classroom.classfile import Class, Part, Student
from minidocker.classroom.records import Record
from minidocker.course import outcomes as o

JUDGED, MISSING, EXCUSED, UNJUDGED = "judged", "missing", "excused", "no verdict"


@dataclass(frozen=True)
class LessonMark:
    """One lesson of one student: its state, points, days late, and percent taken off for these."""

    lesson: str
    state: str
    earned: int = 0
    judged: int = 0
    points: int = 0
    late_days: int = 0
    off: float = 0.0

    @property
    def part(self) -> float | None:
        """The mark as a number from 0 to 1; None when there is none."""
        if self.state in (EXCUSED, UNJUDGED):
            return None
        return self.earned / self.judged * (1 - self.off / 100) if self.judged else 0.0


@dataclass(frozen=True)
class Mark:
    """All of one student's marks; `record` is the submission that they come from.

    was: the total of the grading before, where that was another one; None where there is none.
    """

    student: Student
    lessons: tuple[LessonMark, ...]
    weights: tuple[float, ...]
    record: Record | None = None
    notes: tuple[str, ...] = field(default=())
    was: float | None = None

    @property
    def total(self) -> float | None:
        """The weighted mark from 0 to 1; None when a lesson has no verdict, or all are excused."""
        if any(one.state == UNJUDGED for one in self.lessons):
            return None
        pairs = [(one.part, weight) for one, weight in zip(self.lessons, self.weights, strict=True)
                 if one.part is not None]  # fmt: skip
        whole = sum(weight for _, weight in pairs)
        return sum(part * weight for part, weight in pairs) / whole if whole else None

    @property
    def excused(self) -> bool:
        """Whether every lesson is excused."""
        return all(one.state == EXCUSED for one in self.lessons)

    def score(self, scale: float) -> float | None:
        """Return the total on a scale, at two decimals as platforms compare it."""
        return None if self.total is None else round(self.total * scale, 2)

    def before(self, scale: float) -> float | None:
        """Return the mark before this one on a scale; None where there is none, or the same."""
        was = None if self.was is None else round(self.was * scale, 2)
        return None if was == self.score(scale) else was


def of_class(
    room: Class, found: Sequence[Record], only: Sequence[str] = (), unknown: bool = False
) -> list[Mark]:
    """Return everybody's marks, in the roster's order; of the lessons named, or of all.

    With an empty roster, or where `unknown`, submissions that belong to nobody have a mark too.
    """
    parts = [part.lesson.id for part in room.parts if not only or part.lesson.id in only]
    by_login = {record["login"]: record for record in found if record["login"]}
    shared: dict[str, list[Record]] = {}
    for record in found:
        for login in record.get("others", ()):  # a group of the platform's
            shared.setdefault(login, []).append(record)
    marks = []
    for student in room.students:
        mine = [by_login[one] for one in room.partners(student.login) if one in by_login]
        mine += shared.get(student.login, [])
        each: list[Record | None] = [*mine, *([together(mine)] if len(mine) > 1 else [])] or [None]
        marks.append(max(
            (_mark(room, student, parts, record) for record in each),
            key=lambda mark: -1.0 if mark.total is None else mark.total,
        ))  # fmt: skip
    known = {student.login for student in room.students}
    if unknown or not known:
        marks += [_mark(room, Student(one["name"]), parts, one) for one in found
                  if not known.intersection([one["login"], *one.get("others", ())])]  # fmt: skip
    return marks


def together(found: Sequence[Record]) -> Record:
    """Return one record of several of one student: of each lesson what earned most of its points.

    A platform hands out one assignment at a time, and each is a submission of its own.
    """
    best: dict[str, tuple[float, Record]] = {}
    for record in found:
        for report in record["lessons"]:
            earned, judged, _ = records.points({"lessons": [report]})
            worth = earned / judged if report["handed_in"] and judged else -1.0
            stamp = {word: record[word] for word in ("submitted", "late")}
            if report["id"] not in best or worth > best[report["id"]][0]:
                best[report["id"]] = worth, {**stamp, **report}
    return {**found[0], "lessons": [report for _, report in best.values()], "was": None}


def _mark(room: Class, student: Student, only: Sequence[str], record: Record | None) -> Mark:
    """Return a student's mark by one submission, of some lessons.

    Free days are spent on all of them in the order of their dates, whichever are asked for.
    """
    free = room.late_days if student.late_days is None else student.late_days
    reports = {one["id"]: one for one in record["lessons"]} if record else {}
    lessons, notes = [], []
    stamps = [{**record, **one} for one in [*record["lessons"], {}]] if record else []
    if any(one["late"] and not one["submitted"] for one in stamps):
        notes.append("late, and not said by how much: set `submitted` in the class file")
    if record and student.login != record["login"] and record["login"]:
        notes.append(f"handed in by {record['login']}")
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    for part in sorted(room.parts, key=lambda part: part.due or far):
        name = part.lesson.id
        if name in student.excused:
            lessons.append(LessonMark(name, EXCUSED, points=part.lesson.points))
            continue
        report = reports.get(name)
        if record and report is None:
            lessons.append(LessonMark(name, UNJUDGED, points=part.lesson.points))
            continue
        if record is None or report is None or not report["handed_in"]:
            judged = sum(c["points"] for c in report["checks"]) if report else part.lesson.points
            lessons.append(LessonMark(name, MISSING, 0, judged, part.lesson.points))
            continue
        days = late_days(student, part, {**record, **report})
        used = min(days, free)
        free -= used
        off = min(100.0, (days - used) * room.late_percent)
        earned, judged, points = records.points({"lessons": [report]})
        fault = any(check["outcome"] == o.ERROR for check in report["checks"])
        state = UNJUDGED if fault or not judged else JUDGED
        lessons.append(LessonMark(name, state, earned, judged, points, days, off))
    found = {one.lesson: one for one in lessons}
    weights = tuple(part.weight for part in room.parts if part.lesson.id in only)
    mark = Mark(student, tuple(found[name] for name in only), weights, record, tuple(notes))
    old = record.get("was") if record else None
    if record is None or not old or "lessons" not in old:
        return mark
    before = {**record, **old, "was": None}
    return replace(mark, was=_mark(room, student, only, before).total)


def late_days(student: Student, part: Part, record: Record) -> int:
    """Return how many days late a lesson was handed in, begun days counted; 0 when unknown.

    When clocks change, a day has 23 or 25 hours: hours and the clock on the wall are both looked
    at, and the better for the student counts.
    """
    due = student.extension.get(part.lesson.id, part.due)
    at = student.submitted.get(part.lesson.id) or moment(record["submitted"])
    if due is None or at is None or at <= due:
        return 0
    spans = [at - due]
    if due.astimezone().utcoffset() == due.utcoffset():  # in the teacher's own zone
        spans.append(at.astimezone().replace(tzinfo=None) - due.replace(tzinfo=None))
    return max(1, min(-(-span // dt.timedelta(days=1)) for span in spans))


def moment(text: str) -> dt.datetime | None:
    """Read a time as platforms write it; None when it says no zone or is none."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace(" UTC", " Z"))
    text = re.sub(r" (Z|[+-]\d\d:?\d\d)$", r"\1", text)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
