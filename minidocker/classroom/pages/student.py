"""A student's page: what passed, what the kernel showed, and the next step."""

from __future__ import annotations

import datetime as dt
from typing import Any

from minidocker.classroom.classfile import Class
from minidocker.classroom.exports.cells import number
from minidocker.classroom.marks import EXCUSED, JUDGED, MISSING, UNJUDGED, LessonMark, Mark
from minidocker.classroom.pages.html import Markup, join, page, tag
from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson
from minidocker.course.printer import SHAPES, WORDS

COLOURS = {o.PASS: "pass", o.FAIL: "fail", o.BLOCKED: "wait", o.ERROR: "wait",
           o.NOT_STARTED: "dim"}  # fmt: skip
UNKNOWN = "what came of it is shown after the lesson is due"


def student_page(room: Class, mark: Mark, now: dt.datetime) -> str:
    """Return the page of one student, with what the class file shows at this moment."""
    name = mark.student.name or mark.student.login
    parts: list[object] = [
        tag("p", room.title, class_="dim"),
        tag("h1", name),
        tag("p", _sum(room, mark, now), class_="sum"),
    ]
    parts += [tag("p", note, class_="dim") for note in mark.notes]
    if mark.record and mark.record["remark"]:
        said = f"There is no verdict: {mark.record['remark']}. That is no zero."
        parts.append(tag("p", said, class_="wait"))
    if step := _next(room, mark, now):
        parts.append(step)
    reports = {one["id"]: one for one in mark.record["lessons"]} if mark.record else {}
    lessons = {lesson.id: lesson for lesson in room.lessons}
    for one in mark.lessons:
        parts.append(_lesson(room, lessons[one.lesson], one, reports.get(one.lesson), now))
    at = mark.record["at"][:16].replace("T", " ") if mark.record else ""
    parts.append(tag("p", f"Edition {room.edition}", f", judged {at}" if at else "", class_="dim"))
    return page(f"{name}: {room.title}", *parts)


def _sum(room: Class, mark: Mark, now: dt.datetime) -> str:
    if mark.excused:
        return "Excused"
    if hidden(room, mark, now):
        return "The mark is shown after the lessons are due."
    if mark.total is None:
        return "No mark yet"
    was = mark.before(100)
    old = "" if was is None else f"; it was {number(was)} when it was judged before"
    return f"{number(mark.score(100))} of 100{old}"


def hidden(room: Class, mark: Mark, now: dt.datetime) -> bool:
    """Say whether a sum would tell what is not to be shown of a check."""
    return any(
        room.shown(check["id"], report["id"], now) == "nothing"
        for report in (mark.record["lessons"] if mark.record else ()) for check in report["checks"]
    )  # fmt: skip


def _next(room: Class, mark: Mark, now: dt.datetime) -> Markup | None:
    """Return the next step: the first check that is open, its first hint, and the command."""
    lessons = {lesson.id: lesson for lesson in room.lessons}
    for report in mark.record["lessons"] if mark.record else ():
        lesson = lessons.get(report["id"])
        if lesson is None:
            continue
        if not report["handed_in"]:
            return tag("div", tag("strong", "Next: "), f"hand in {lesson.file}.", class_="next")
        for check in report["checks"]:
            if check["outcome"] not in (o.FAIL, o.NOT_STARTED):
                continue
            if room.shown(check["id"], lesson.id, now) == "nothing":
                continue
            hints = _hints(lesson, check)
            said = [tag("p", tag("strong", "Next: "), check["title"], ".")]
            if hints and room.shown(check["id"], lesson.id, now) == "message":
                said.append(tag("p", *(tag("code", part) if number % 2 else part
                                       for number, part in enumerate(hints[0].split("`")))))
            command = tag("code", f"minidocker grade {check['id']}")
            more = tag("code", f"minidocker hint {check['id']}")
            said.append(tag("p", "At home: ", command, ", then ", more, ".", class_="dim"))
            return tag("div", *said, class_="next")
    return None


def _hints(lesson: Lesson, check: dict[str, Any]) -> tuple[str, ...]:
    for one in lesson.checks:
        if one.id == check["id"]:
            return lesson.hints_for(one, check["code"])
    return ()


def _lesson(
    room: Class, lesson: Lesson, mark: LessonMark, report: dict[str, Any] | None, now: dt.datetime
) -> Markup:
    """Return one lesson's part of the page."""
    head = tag("h2", f"{lesson.number}  {lesson.title}")
    if mark.state == EXCUSED:
        return join([head, tag("p", "Excused: it does not count.")])
    if mark.state == MISSING or report is None:
        said = "Nothing was handed in." if mark.state == MISSING else "No verdict yet."
        return join([head, tag("p", said)])
    shown = {c["id"]: room.shown(c["id"], lesson.id, now) for c in report["checks"]}
    lines = []
    if "nothing" not in shown.values():
        said = f"{mark.earned} of {mark.judged} points"
        if mark.judged < mark.points:
            said += f"; {mark.points - mark.judged} more could not be judged, and count neither way"
        if mark.late_days:
            said += f"; {mark.late_days} days late"
        if mark.off:
            said += f", {number(mark.off)} % off"
        lines.append(tag("p", said + "."))
    if report["why"]:
        lines.append(tag("p", f"{lesson.file} was not read: {report['why']}.", class_="fail"))
    if report["borrowed"]:
        names = ", ".join(report["borrowed"])
        lines.append(tag("p", f"Borrowed, for 0 points: {names}.", class_="dim"))
    if mark.state in (JUDGED, UNJUDGED):
        checks = [_check(check, shown[check["id"]]) for check in report["checks"]]
        lines.append(tag("ul", *checks, class_="checks"))
    return join([head, *lines])


def _check(check: dict[str, Any], shown: str) -> Markup:
    """Return one check: its state by shape and word, and what the kernel showed."""
    if shown == "nothing":
        return tag("li", tag("span", "– not shown", class_="state dim"), check["title"], ". ",
                   tag("small", UNKNOWN))  # fmt: skip
    outcome = check["outcome"]
    given = ", as given" if check["code"] == o.AS_GIVEN else ""
    word = f"{SHAPES[outcome]} {WORDS[outcome]}{given}"
    state = tag("span", word, class_=f"state {COLOURS[outcome]}")
    parts: list[object] = [state, check["title"]]
    if outcome not in (o.BLOCKED, o.ERROR):
        parts.append(tag("small", f" ({check['earned']}/{check['points']})"))
    if check.get("kept"):
        parts.append(tag("small", " It passed before the check was repaired, and stays so."))
    if shown == "message" and check["message"] and outcome != o.NOT_STARTED:
        parts.append(tag("pre", f"{check['code']}  {check['message']}".strip()))
    return tag("li", *parts)
