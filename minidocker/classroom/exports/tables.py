"""Our own tables: CSV and JSON; nbgrader's CSV; JUnit's XML."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from minidocker.classroom.classfile import Class
from minidocker.classroom.exports.cells import number, written
from minidocker.classroom.marks import EXCUSED, MISSING, UNJUDGED, Mark
from minidocker.course import outcomes as o

GENERAL = "MD90"
"""Codes of what may happen in each lesson."""
NBGRADER = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
            "raw_score", "late_submission_penalty", "score", "max_score")  # fmt: skip


def table(room: Class, marks: Sequence[Mark], scale: float) -> str:
    """Return students × lessons as CSV: an empty cell is no verdict, which is not 0."""
    lessons = [one.lesson for one in marks[0].lessons] if marks else []
    head = ["login", "name", *lessons, "score", "was", "late_days", "remark"]
    rows = []
    for mark in marks:
        cells = [{EXCUSED: "excused", UNJUDGED: ""}.get(one.state, one.earned)
                 for one in mark.lessons]  # fmt: skip
        remark = "; ".join([*([mark.record["remark"]] if mark.record else ["nothing handed in"]),
                            *mark.notes]).strip("; ")  # fmt: skip
        late = sum(one.late_days for one in mark.lessons)
        rows.append([mark.student.login, mark.student.name, *cells, number(mark.score(scale)),
                     number(mark.before(scale)), late, remark])  # fmt: skip
    return written(head, rows)


def as_json(room: Class, marks: Sequence[Mark], scale: float) -> str:
    """Return all that is known of each, for programs."""
    said = [
        {
            "login": mark.student.login, "name": mark.student.name, "score": mark.score(scale),
            "was": mark.before(scale), "scale": scale, "notes": list(mark.notes),
            "remark": mark.record["remark"] if mark.record else "nothing handed in",
            "lessons": [{**vars(one), "part": one.part} for one in mark.lessons],
            "checks": mark.record["lessons"] if mark.record else [],
        }
        for mark in marks
    ]  # fmt: skip
    whole = {"class": room.title, "edition": room.edition, "students": said}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def nbgrader(room: Class, marks: Sequence[Mark], scale: float) -> str:
    """Return what `nbgrader export` writes (0.9, plugins/export.py): a row a student and lesson."""
    due = {part.lesson.id: part.due for part in room.parts}
    rows = []
    for mark in marks:
        last, _, first = mark.student.name.partition(", ")
        if not first:
            first, _, last = mark.student.name.rpartition(" ")
        for one in mark.lessons:
            if one.state in (EXCUSED, UNJUDGED):
                continue
            score, until = (one.part or 0.0) * one.judged, due[one.lesson]
            rows.append([
                one.lesson, until.isoformat() if until else "",
                mark.record["submitted"] if mark.record else "", mark.student.login, last, first,
                mark.student.email, float(one.earned), round(one.earned - score, 2),
                round(score, 2), float(one.judged),
            ])  # fmt: skip
    return written(NBGRADER, rows)


def junit(room: Class, marks: Sequence[Mark], scale: float) -> str:
    """Return a JUnit report: a suite a student, a case a check; blocked is skipped, not failed."""
    said = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for mark in marks:
        checks: list[dict[str, Any]] = [
            {**check, "lesson": report["id"]}
            for report in (mark.record["lessons"] if mark.record else ())
            for check in report["checks"]
        ]
        kinds = {"failures": (o.FAIL, o.NOT_STARTED), "errors": (o.ERROR,), "skipped": (o.BLOCKED,)}
        counts = {kind: sum(c["outcome"] in which for c in checks) for kind, which in kinds.items()}
        none = not checks  # nothing handed in, or no verdict on all of it
        counts["errors" if mark.record else "skipped"] += none
        numbers = " ".join(f'{kind}="{count}"' for kind, count in counts.items())
        total = len(checks) + none
        time = mark.record["seconds"] if mark.record else 0
        said.append(f'<testsuite name={_quoted(mark.student.login)} tests="{total}" {numbers} '
                    f'time="{time}">')  # fmt: skip
        if none:
            why = mark.record["remark"] if mark.record else "nothing handed in"
            kind = "error" if mark.record else "skipped"
            said.append(f'<testcase classname="submission" name="submission" time="0">'
                        f"<{kind} message={_quoted(why)}/></testcase>")  # fmt: skip
        said += [_case(check) for check in checks]
        said.append("</testsuite>")
    return "\n".join([*said, "</testsuites>"]) + "\n"


def _case(check: dict[str, Any]) -> str:
    head = (f"<testcase classname={_quoted(check['lesson'])} name={_quoted(check['id'])} "
            f'time="{check["seconds"]}"')  # fmt: skip
    if check["outcome"] == o.PASS:
        return f"{head}/>"
    kind = {o.BLOCKED: "skipped", o.ERROR: "error"}.get(check["outcome"], "failure")
    first, _, rest = check["message"].partition("\n")
    if kind == "skipped":
        return f"{head}><skipped message={_quoted(first)}/></testcase>"
    return f"{head}><{kind} message={_quoted(first)}>{escape(_xml(rest))}</{kind}></testcase>"


def _quoted(text: str) -> str:
    return quoteattr(_xml(text))


def _xml(text: str) -> str:
    """Return a text that XML 1.0 can hold: control characters and surrogates have no escape."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def feedback(mark: Mark, hidden: Collection[str] = ()) -> str:
    """Return a student's result in a few words, for a platform's field of comments.

    hidden: checks of which nothing is shown now.
    """
    if mark.record is None:
        return "Nothing was handed in."
    lines = []
    for one in mark.lessons:
        state = f": {one.state}" if one.state in (EXCUSED, UNJUDGED, MISSING) else ""
        off = f", {number(one.off)} % off for {one.late_days} days" if one.off else ""
        lines.append(f"{one.lesson}{state or f' {one.earned}/{one.judged}'}{off}")
    failed = [c for le in mark.record["lessons"] for c in le["checks"]
              if c["outcome"] == o.FAIL and c["id"] not in hidden]  # fmt: skip
    # Of a file that no check could try, or of a loop, the message says more than a title.
    if failed and (failed[0]["code"] in o.OF_THE_FILE or failed[0]["code"].startswith(GENERAL)):
        lines.append(failed[0]["message"].partition("\n")[0])
    elif failed:
        lines.append(f"Look next at: {failed[0]['title']}.")
    return ". ".join(lines)
