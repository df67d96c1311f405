"""What a class says of lesson 00's sayings, before the course and after it: sums, and no names.

The answers lie in the journals that come with submissions. Nobody is marked by them, so they are
counted over the class only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minidocker.classroom.pages.html import Markup, bar, tag
from minidocker.classroom.records import Record
from minidocker.course.manifest import OWN_COURSE
from minidocker.lab import sayings


@dataclass
class Saying:
    """One saying: what the course shows of it, and how many saw it so, of how many, each time."""

    lesson: str
    text: str
    shown: str
    right: tuple[int, int]
    of: tuple[int, int]


def of_class(found: Sequence[Record], tree: str = str(OWN_COURSE)) -> list[Saying]:
    """Count the answers of a class; [] when no journal has any."""
    said = [one["sayings"] for one in found if one.get("sayings")]
    if not any(answers for one in said for answers in one.values()):
        return []
    rows = []
    for lesson, text in sayings.SAYINGS:
        shown = sayings.verdict(tree, lesson, text)
        each = [[one[when][text] for one in said if text in one[when]] for when in WHEN]
        rows.append(Saying(lesson, text, shown, (each[0].count(shown), each[1].count(shown)),
                           (len(each[0]), len(each[1]))))  # fmt: skip
    return rows


WHEN = ("before", "after")


def both(found: Sequence[Record], rows: Sequence[Saying]) -> tuple[int, float, float]:
    """Return how many answered both times, and their mean of right answers before and after."""
    shown = {row.text: row.shown for row in rows}
    pairs = [
        [sum(shown.get(text) == answer for text, answer in one["sayings"][when].items())
         for when in WHEN]
        for one in found if one.get("sayings") and all(one["sayings"].values())
    ]  # fmt: skip
    count = max(len(pairs), 1)
    return len(pairs), sum(one[0] for one in pairs) / count, sum(one[1] for one in pairs) / count


def section(found: Sequence[Record]) -> list[Markup]:
    """Return the page's part about the sayings; nothing when no journal has answers."""
    rows = of_class(found)
    if not rows:
        return []
    count, before, after = both(found, rows)
    said = "Nobody has answered both times yet."
    if count:
        said = (f"Of {count} who answered both times: {before:.1f} of {len(rows)} as it was shown "
                f"before, {after:.1f} after.")  # fmt: skip
        if before < len(rows):
            gain = (after - before) / (len(rows) - before)
            said += f" That is {gain:.0%} of what there was to gain."
    lines = [
        tag("tr", tag("td", row.lesson), tag("th", row.text, scope="row"), tag("td", row.shown),
            *(_part(row.right[n], row.of[n]) for n in (0, 1)))
        for row in rows
    ]  # fmt: skip
    head = tag("thead", tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in (
        ("", None), ("what people say", None), ("shown", None), ("before", "n"), ("after", "n"))
    )))  # fmt: skip
    table = tag("table", head, tag("tbody", *lines))
    return [
        tag("h2", "What the class says of Docker"), tag("p", said),
        tag("div", table, class_="wide", tabindex="0", role="region", aria_label="Sayings"),
    ]  # fmt: skip


def _part(right: int, of: int) -> Markup:
    """Return how many of those who answered were right."""
    if not of:
        return tag("td", "–", class_="n")
    return tag("td", bar(right / of, f"{right / of:.0%} right"), f" {right}/{of}", class_="n")
