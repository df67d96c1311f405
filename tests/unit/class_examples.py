"""A class of five with every kind of result, made by hand: what tables and pages are tested with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from minidocker.classroom import records
from minidocker.classroom.classfile import Class, Part, Student
from minidocker.course import outcomes as o
from minidocker.course.manifest import Check, Function, Lesson


def lesson(name: str, checks: dict[str, int]) -> Lesson:
    """Return a lesson of one function a check: the course may change, and golden files need not."""
    return Lesson(
        name, name[3:].title(), "?", f"notebooks/{name}.ipynb", 30,
        functions=tuple(Function(one, f"do {one}") for one in checks),
        checks=tuple(Check(one, f"{one} does what it should", points, (one,), "", ("look `there`",))
                     for one, points in checks.items()),
    )  # fmt: skip


FIRST, SECOND = "00_names", "01_pid"
LESSONS = (lesson(FIRST, {"hostname": 2, "walls": 3}), lesson(SECOND, {"order": 1, "spawn": 4, "init": 2}))
ENEMY = '=cmd|\' /C calc\'!A0<script>alert(1)</script>"&\u202e'
DUE = dt.datetime(2026, 12, 1, 18, tzinfo=dt.UTC)

ROOM = Class(
    Path("."), "Systems, <b>autumn</b>", "0.1.0+test",
    (Part(LESSONS[0], 1.0), Part(LESSONS[1], 3.0, DUE)),
    (
        Student("ada", "Lovelace, Ada", "ada@x.org", ("4711",)),
        Student("bob", "Bob Bobson", "bob@x.org", ("4712",), excused=(FIRST,)),
        Student("eve", ENEMY, "eve@x.org", ("4713",)),
        Student("zoë", "Zoë Ångström", "zoe@x.org", ("4714",), excused=(FIRST, SECOND)),
        Student("nil", "Nobody", "nil@x.org", ("4715",)),
        Student("ups", "Unlucky, Una", "ups@x.org", ("4716",)),
    ),
    pairs=(("ada", "nil"),), late_days=1, late_percent=10.0,
    show={"": ("message", "message"), "spawn": ("nothing", "points")},
)  # fmt: skip


def record(name: str, outcomes: tuple[str, ...], submitted: str = "", message: str = "said") -> Any:
    """Return a record in which the checks' outcomes follow each other in turn."""
    lessons, number = [], 0
    for lesson in LESSONS:
        checks = []
        for check in lesson.checks:
            outcome = outcomes[number % len(outcomes)]
            number += 1
            passed = outcome == o.PASS
            text = "" if passed else f"{message}\n  expected  1\n  seen      2"
            checks.append({"id": check.id, "title": check.title, "outcome": outcome,
                           "points": check.points, "earned": check.points if passed else 0,
                           "message": text, "code": "" if passed else "MD0001", "seconds": 0.5})  # fmt: skip
        lessons.append({"id": lesson.id, "handed_in": True, "why": "", "ours": [], "borrowed": [],
                        "checks": checks})  # fmt: skip
    files = {lesson.id: {"text": "x = 1\n", "why": "", "name": lesson.file} for lesson in LESSONS}
    return {"schema": records.SCHEMA, "name": name, "login": name, "content": "c", "course": "k",
            "at": "2026-12-02T10:00:00+00:00", "submitted": submitted, "late": False,
            "journal": [], "seconds": 11.0, "remark": "", "files": files, "lessons": lessons}  # fmt: skip


RECORDS = [
    record("ada", (o.PASS,)),
    record("bob", (o.PASS, o.FAIL), "2026-12-03 19:00:00.000000000 Z"),
    record("eve", (o.FAIL, o.NOT_STARTED, o.BLOCKED), message=ENEMY),
    {**record("ups", (o.PASS,)), "lessons": [], "remark": "ups.zip cannot be read: damaged"},
    {**record("stranger", (o.PASS,)), "login": ""},
]
