"""peer_groups: the same places in several mount tables, and what goes from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, fit
from minidocker.proc import mounts, processes

LEFT, BOX, HEIGHT, STEP, GAP, TOP = 20.0, 232.0, 46.0, 66.0, 200.0, 78.0
ACCENTS = ("orange", "blue", "green", "purple")  # one a group; the number says it, too
MOST = 12


def peer_groups(
    pids: Sequence[processes.Pid], labels: Sequence[str] = (), below: str = "/",
    root: processes.Root = "/proc", title: str = "Peer groups: who hears of a new mount",
) -> Picture:  # fmt: skip
    """Draw the mounts at `below` and below it, a column for each table, with the ways between.

    A line joins two mounts of one peer group: what is mounted below one appears below both. An
    arrow goes from a group to its slave. Where mounts lie upon each other, the topmost is drawn.
    LookupError: no such process, or nothing is mounted there. mount_namespaces(7)
    """
    names = list(labels) or [f"process {pid}" for pid in pids]
    if len(names) != len(pids):
        raise ValueError(f"{len(pids)} pids and {len(labels)} labels: give one label for each pid")
    tables = [_table(pid, below, root) for pid in pids]
    points = sorted({point for table in tables for point in table})
    if not points:
        raise LookupError(f"nothing is mounted at {below} or below it")
    groups = sorted({group for table in tables for item in table.values() for group in _of(item)})
    accents = {group: ACCENTS[at % len(ACCENTS)] for at, group in enumerate(groups)}
    canvas = Canvas()
    canvas.text(LEFT, 30, title, "bold", 15)
    for at, name in enumerate(names):
        canvas.fitted(LEFT + (BOX + GAP) * at, 60, name, BOX, "bold", 12)
    rows = []
    for line, point in enumerate(points):
        items = [table.get(point) for table in tables]
        ways = [_way(*pair) for pair in pairwise(items)]
        rows.append([point, *map(_told, items), "; ".join(words for words, _ in ways)])
        if line < MOST:
            _row(canvas, TOP + STEP * line, point, items, ways, accents)
    y = TOP + STEP * min(len(points), MOST)
    if len(points) > MOST:
        canvas.text(LEFT, y + 6, f"… and {len(points) - MOST} more: see the table", "soft", 12)
        y += 20
    desc = "; ".join(f"{row[0]}: {row[-1] or row[1]}" for row in rows[:MOST]) + "."
    width = max(LEFT * 2 + (BOX + GAP) * len(names) - GAP, 460)
    return Picture(title, desc, ["mount", *names, "between"], rows, canvas, (width, y))


def _table(pid: processes.Pid, below: str, root: processes.Root) -> dict[str, mounts.Mount]:
    """Return the mounts of a process by their place, as it reaches them: what is hidden is not."""
    inside = below.rstrip("/") + "/"
    found = mounts.mounts(pid, root)
    points = {item.point for item in found if f"{item.point}/".startswith(inside)}
    reached = {point: mounts.covering(found, point) for point in points}
    return {point: item for point, item in reached.items() if item.point == point}


def _of(item: mounts.Mount) -> dict[str, str]:
    """Return which groups a mount is in, and how: member, slave, or both."""
    tags = [tag.partition(":") for tag in item.optional]
    return {group: word for word, _, group in tags if word in ("shared", "master")}


def _told(item: mounts.Mount | None) -> str:
    if item is None:
        return "not mounted here"
    words = {"shared": "in group {}", "master": "slave of group {}"}
    told = [words[how].format(group) for group, how in _of(item).items()]
    return ", ".join(told) or item.propagation


def _way(one: mounts.Mount | None, other: mounts.Mount | None) -> tuple[str, str]:
    """Return what a new mount below two mounts does, and the kind of line between them."""
    if one is None or other is None:
        return "", ""
    mine, its = _of(one), _of(other)
    if any(how == its.get(group) == "shared" for group, how in mine.items()):
        return "both ways", "both"
    if any(mine.get(group) == "shared" for group, how in its.items() if how == "master"):
        return "one way", "right"
    if any(its.get(group) == "shared" for group, how in mine.items() if how == "master"):
        return "one way, to the left", "left"
    return "nothing goes over", "wall"


def _row(
    canvas: Canvas, y: float, point: str, items: Sequence[mounts.Mount | None],
    ways: Sequence[tuple[str, str]], accents: dict[str, str],
) -> None:  # fmt: skip
    for at, item in enumerate(items):
        x = LEFT + (BOX + GAP) * at
        group = next(iter(_of(item)), "") if item else ""
        canvas.box(x, y, BOX, HEIGHT, accents.get(group, ""), dashed=item is None)
        canvas.fitted(x + 12, y + 20, point, BOX - 24, "mono bold" if item else "mono soft", 12)
        canvas.fitted(x + 12, y + 37, _told(item), BOX - 24, "soft", 11.5)
    for at, (words, kind) in enumerate(ways):
        start = LEFT + BOX + (BOX + GAP) * at
        item = items[at + 1 if kind == "right" else at]
        group = next(iter(_of(item)), "") if item else ""
        _between(canvas, start, y + HEIGHT / 2, words, kind, accents.get(group, "grey"))


def _between(canvas: Canvas, start: float, y: float, words: str, kind: str, accent: str) -> None:
    """Draw the way from one column to the next: a line with its arrows, or a wall."""
    end, middle = start + GAP, start + GAP / 2
    if kind == "wall":
        for x in (middle - 3, middle + 3):
            canvas.line([(x, y - 20), (x, y + 8)])
        canvas.line([(start + 8, y - 6), (middle - 12, y - 6)], "grey", "2 5")
        canvas.line([(middle + 12, y - 6), (end - 8, y - 6)], "grey", "2 5")
    elif kind:
        canvas.line([(start + 8, y - 6), (end - 8, y - 6)], accent)
        if kind in ("both", "right"):
            canvas.shape("arrow", end - 8, y - 6, accent, 6)
        if kind in ("both", "left"):
            canvas.shape("arrow", start + 8, y - 6, accent, -6)
    words = fit(words, GAP - 20, 11.5)
    canvas.text(middle, y + 20, words, "soft", 11.5, text_anchor="middle")
