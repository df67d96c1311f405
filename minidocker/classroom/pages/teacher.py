"""The teacher's page: students × lessons, what fails most, which checks tell, what to look at."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from minidocker.classroom import records
from minidocker.classroom.cards import card
from minidocker.classroom.classfile import Class
from minidocker.classroom.exports.cells import number
from minidocker.classroom.marks import EXCUSED, MISSING, UNJUDGED, LessonMark, Mark
from minidocker.classroom.pages import gain
from minidocker.classroom.pages.html import Markup, bar, page, tag
from minidocker.classroom.records import Record
from minidocker.course import outcomes as o
from minidocker.course.messages import every

MOST_ROWS = 100
"""So many rows has a table. A browser measures a longer one whole before it shows a line of it; of
several, all as wide as each other, it lays out those that are looked at (html.py: .rows)."""


@dataclass
class Item:
    """One check over the class: how many passed of how many, what they say, and how well it tells.

    tells: the correlation of passing it with all other points, from -1 to 1; None with too few.
    """

    lesson: str
    check: str
    title: str
    passed: int
    judged: int
    codes: Counter[str]
    tells: float | None


def teacher_page(room: Class, marks: Sequence[Mark], found: Sequence[Record]) -> str:
    """Return the page of a class; each student's row leads to their page."""
    totals = sorted(mark.total for mark in marks if mark.total is not None)
    without = [mark for mark in marks if mark.total is None and not mark.excused]
    said = f"{len(marks)} students, {len(found)} submissions, {len(totals)} marks"
    middle = ""
    if totals:
        middle = f"; the middle one is {number(totals[len(totals) // 2] * 100)} of 100"
    parts: list[object] = [
        tag("h1", room.title),
        tag("p", said + middle + ".", class_="sum"),
        tag("p", f"Edition {room.edition}", class_="dim"),
    ]
    if without:
        names = ", ".join(mark.student.login for mark in without)
        parts.append(tag("p", f"No verdict, which is no zero: {names}.", class_="wait"))
    parts += _by_hand(room, marks, found)
    items = analysis(room, [mark.record for mark in marks if mark.record])
    parts += [tag("h2", "Where the class is stuck"), *_stuck(room, items)]
    parts += [tag("h2", "Checks"), _items(items)]
    parts += gain.section(found)
    parts += [tag("h2", "Students"), _table(room, marks)]
    return page(room.title, *parts)


def file_of(login: str) -> str:
    """Return the name of a student's page: a login has no slash, but may have other signs."""
    return re.sub(r"[^\w@.+-]", lambda sign: f"~{ord(sign[0]):x}~", login) + ".html"


def analysis(room: Class, found: Sequence[Record]) -> list[Item]:
    """Return the items of a class: classical test theory, difficulty and discrimination."""
    unique = list({id(record): record for record in found}.values())  # a pair has one submission
    items = []
    for lesson in room.lessons:
        for check in lesson.checks:
            passes: list[float] = []
            others: list[float] = []
            codes: Counter[str] = Counter()
            for record in unique:
                one = _check(record, lesson.id, check.id)
                if one is None or one["outcome"] in (o.BLOCKED, o.ERROR):
                    continue
                passed = one["outcome"] == o.PASS and one["code"] != o.AS_GIVEN
                passes.append(float(passed))
                others.append(records.earned(record) - one["earned"])
                if not passed:
                    codes[one["code"] or one["outcome"]] += 1
            items.append(Item(lesson.id, check.id, check.title, int(sum(passes)), len(passes),
                              codes, correlation(passes, others)))  # fmt: skip
    return items


def _check(record: Record, lesson: str, check: str) -> dict[str, Any] | None:
    for report in record["lessons"]:
        if report["id"] == lesson and report["handed_in"]:
            for one in report["checks"]:
                if one["id"] == check:
                    found: dict[str, Any] = one
                    return found
    return None


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's r; None where fewer than five, or all alike, say nothing."""
    count = len(first)
    if count < 5:
        return None
    means = sum(first) / count, sum(second) / count
    pairs = list(zip(first, second, strict=True))
    both = sum((a - means[0]) * (b - means[1]) for a, b in pairs)
    spread = math.sqrt(sum((a - means[0]) ** 2 for a in first)
                       * sum((b - means[1]) ** 2 for b in second))  # fmt: skip
    return both / spread if spread else None


def _stuck(room: Class, items: Sequence[Item]) -> list[Markup]:
    """Name for each lesson the first check that less than half passed, and what to ask."""
    said = []
    for lesson in room.lessons:
        for item in items:
            if item.lesson == lesson.id and item.judged and 2 * item.passed < item.judged:
                code, _ = item.codes.most_common(1)[0]
                what = f": {item.title}. {item.passed} of {item.judged} pass; most see {code}."
                said.append(tag("li", tag("strong", lesson.id), what, *_ask(code)))
                break
    return [tag("ul", *said)] if said else [tag("p", "Nowhere: half or more pass each check.")]


def _ask(code: str) -> list[Markup]:
    """Return the questions of a message's card; none for what is no message."""
    message = every().get(code)
    if not message:
        return []
    return [tag("ul", *(tag("li", tag("em", question)) for question in card(message).questions))]


def _items(items: Sequence[Item]) -> Markup:
    rows = []
    for item in sorted(items, key=lambda one: one.passed / one.judged if one.judged else 2):
        part = item.passed / item.judged if item.judged else 0.0
        passed = [bar(part, f"{part:.0%} pass"), f" {item.passed}/{item.judged}"]
        tells = "" if item.tells is None else f"{item.tells:.2f}"
        odd = item.tells is not None and item.tells < 0.1
        said = ", ".join(f"{code} ×{times}" for code, times in item.codes.most_common(3))
        rows.append(tag(
            "tr", tag("td", item.lesson[:2]), tag("th", item.title, scope="row"),
            tag("td", *(passed if item.judged else ["not judged"]), class_="n"),
            tag("td", tells, " look" if odd else "", class_="n wait" if odd else "n"),
            tag("td", said),
        ))  # fmt: skip
    head = _head("", "check", ("passed", "n"), ("tells", "n"), "what the others see")
    note = ("Hardest first. “tells” is the correlation of passing with all other points: a check "
            "near 0 is missed by the good and passed by the weak, so look at it.")  # fmt: skip
    return _wide("Checks", tag("table", tag("caption", note), head, tag("tbody", *rows)))


def _table(room: Class, marks: Sequence[Mark]) -> Markup:
    rows = []
    for mark in marks:
        link = f"students/{quote(file_of(mark.student.login))}"
        was = mark.before(100)
        old = "" if was is None else f" (was {number(was)})"
        rows.append(tag(
            "tr", tag("th", tag("a", mark.student.login, href=link), scope="row"),
            tag("td", mark.student.name, class_="name"), *(_cell(one) for one in mark.lessons),
            tag("td", "excused" if mark.excused else number(mark.score(100)) or "–", old,
                class_="n"),
        ))  # fmt: skip
    head = _head("login", "name", *((lesson.number, "n") for lesson in room.lessons), ("mark", "n"))
    note = "Points of each lesson; – is no verdict, which is no zero. The mark is out of 100."
    if len(rows) <= MOST_ROWS:
        return _wide("Students", tag("table", tag("caption", note), head, tag("tbody", *rows)))
    widths = (10, 13, *(5.5 for _ in room.lessons), 6)
    columns = tag("colgroup", *(tag("col", style=f"width:{width}rem") for width in widths))
    parts = [
        tag("div", tag("table", columns, head, tag("tbody", *rows[at : at + MOST_ROWS]),
                       style=f"min-width:{sum(widths)}rem"), class_="rows")
        for at in range(0, len(rows), MOST_ROWS)
    ]  # fmt: skip
    return _wide("Students", tag("p", note, class_="dim"), *parts)


def _cell(one: LessonMark) -> Markup:
    said: str = {EXCUSED: "excused", MISSING: "none", UNJUDGED: "–"}.get(
        one.state, f"{one.earned}/{one.judged}"
    )
    late = tag("small", f" {one.late_days} d late") if one.late_days else ""
    return tag("td", said, late, class_="n")


def _head(*columns: str | tuple[str, str]) -> Markup:
    pairs = [(one, None) if isinstance(one, str) else one for one in columns]
    return tag("thead", tag("tr", *(tag("th", name, scope="col", class_=kind)
                                    for name, kind in pairs)))  # fmt: skip


def _wide(label: str, *tables: Markup) -> Markup:
    """Return a table that scrolls by itself, with the keyboard too."""
    return tag("div", *tables, class_="wide", tabindex="0", role="region", aria_label=label)


def _by_hand(room: Class, marks: Sequence[Mark], found: Sequence[Record]) -> list[Markup]:
    """List what no judge decides: who handed in under a strange name, and what looks borrowed."""
    said = []
    for record in found:
        name = record["name"]
        if record["remark"]:
            said.append((name, f"no verdict: {record['remark']}"))
        if not record["login"] and not record.get("others"):
            said.append((name, "nobody on the roster has this name: `also` in the class file, and "
                         "grade again: nothing is judged twice"))
        said += [(name, note) for note in record.get("notes", ())]
        for report in record["lessons"]:
            if report["why"]:
                said.append((name, f"{report['id']}: {report['why']}"))
            if report["borrowed"]:
                names = ", ".join(report["borrowed"])
                said.append((name, f"{report['id']}: borrowed, and said so: {names}"))
            if silent := [one for one in report["ours"] if one not in report["borrowed"]]:
                said.append((name, f"{report['id']}: as in our solution, word by word: "
                             + ", ".join(silent)))  # fmt: skip
    said += [(mark.student.login, note) for mark in marks for note in mark.notes]
    if not said:
        return []
    whose: dict[str, list[str]] = {}
    for name, what in said:
        whose.setdefault(what, []).append(name)
    lines = [tag("li", tag("strong", " ".join(names)), ": ", what)
             for what, names in list(whose.items())[:200]]  # fmt: skip
    more = [tag("p", f"… and {len(whose) - 200} more.")] if len(whose) > 200 else []
    return [tag("h2", "To look at by hand"), tag("ul", *lines), *more]
