"""family: who is whose parent among some processes, at one moment and at the next.

A moment is taken by `relatives`, from /proc; the picture puts moments side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, measure
from minidocker.proc import processes

WIDTH, ROW, TOP = 800.0, 34.0, 92.0
ACCENTS = {"keeper": "blue", "standby": "purple", "PID 1": "orange"}  # others are green


@dataclass(frozen=True, slots=True)
class Relative:
    """A process at one moment: its role, its parent, and the parent's name; `lives` or not."""

    pid: int
    role: str
    lives: bool
    parent: int = 0
    parent_name: str = ""


def relatives(roles: Mapping[int, str], root: processes.Root = "/proc") -> list[Relative]:
    """Return each process of `roles` (pid → role) as it is now; a zombie lives no more."""
    found = []
    for pid, role in roles.items():
        try:
            item = processes.process(pid, root)
        except LookupError:
            found.append(Relative(pid, role, False))
            continue
        if item.zombie:
            found.append(Relative(pid, role, False))
            continue
        try:
            name = processes.process(item.ppid, root).name
        except LookupError:
            name = "nobody here"
        found.append(Relative(pid, role, True, item.ppid, name))
    return found


def family(
    moments: Sequence[tuple[str, Sequence[Relative]]], title: str = "Who is whose parent"
) -> Picture:
    """Draw moments side by side, each (heading, relatives): parents above, their children below.

    A process that is gone since an earlier moment is crossed out. Two or three moments fit.
    """
    canvas = Canvas()
    canvas.text(20, 30, title, "bold", 15)
    wide = (WIDTH - 40) / max(1, len(moments))
    rows, height = [], 0.0
    for column, (head, people) in enumerate(moments):
        x = 20 + wide * column
        lines = list(_lines(people))
        gap = 12 if column < len(moments) - 1 else 0
        canvas.box(x, 44, wide - gap, TOP + ROW * len(lines) - 58, "", tint=0)
        canvas.fitted(x + 10, 66, head, wide - 32, "bold", 13)
        for number, (depth, one) in enumerate(lines):
            above = next((n for n in range(number - 1, -1, -1) if lines[n][0] <= depth), number)
            sibling = lines[above][0] == depth
            up = ROW * (number - above) - (4 if sibling else 10)
            _draw(canvas, (x + 10, TOP + ROW * number), (depth, up), one, wide - 32)
            rows.append(_cells(head, one))
        height = max(height, TOP + ROW * len(lines))
    gone = sum(not one.lives and one.pid > 0 for _, people in moments for one in people)
    desc = f"{len(moments)} moments of the same processes; {gone} times one of them is gone."
    columns = ("moment", "role", "pid", "parent")
    return Picture(title, desc, columns, rows, canvas, (WIDTH, height + 6))


def _lines(people: Sequence[Relative]) -> Iterator[tuple[int, Relative]]:
    """Order them as a tree, with how deep each stands; above a family stands who started it."""
    alive = {one.pid: one for one in people if one.lives}
    shown: set[int] = set()
    for one in alive.values():
        if one.parent not in alive:
            if one.parent not in shown:
                yield 0, Relative(one.parent, one.parent_name, True, -1)
                shown.add(one.parent)
            yield from _below(one, alive, 1)
    yield from ((0, one) for one in people if not one.lives)


def _below(
    one: Relative, alive: Mapping[int, Relative], depth: int
) -> Iterator[tuple[int, Relative]]:
    yield depth, one
    for child in alive.values():
        if child.parent == one.pid and depth < 9:
            yield from _below(child, alive, depth + 1)


def _draw(
    canvas: Canvas, place: tuple[float, float], stem: tuple[int, float], one: Relative, width: float
) -> None:
    """Draw one process: its number in a box, and its role; stem: how deep, how far up its line."""
    (x, y), (depth, up) = place, stem
    left = x + 18 * depth
    if depth:
        canvas.line([(left - 11, y - up), (left - 11, y - 4), (left - 2, y - 4)])
    accent = "grey" if one.parent == -1 or not one.lives else ACCENTS.get(one.role, "green")
    number = str(one.pid)
    box = max(34.0, measure(number, 12, True) + 12)
    canvas.box(left, y - 16, box, 22, accent, strong=one.role == "PID 1" and one.lives,
               dashed=not one.lives)  # fmt: skip
    canvas.text(left + box / 2, y - 1, number, "mono", 12, text_anchor="middle")
    words = one.role if one.lives else f"{one.role}: gone"
    if not one.lives:
        canvas.shape("cross", left + box + 12, y - 5, "grey", 5)
        left += 16
    canvas.fitted(left + box + 8, y - 1, words, width - (left - x) - box - 8,
                  "soft" if one.parent == -1 else "", 12.5)  # fmt: skip


def _cells(head: str, one: Relative) -> list[str]:
    if one.parent == -1:
        return [head, one.role, str(one.pid), "(not of this family)"]
    parent = f"{one.parent} {one.parent_name}" if one.lives else "gone"
    return [head, one.role, str(one.pid), parent]
