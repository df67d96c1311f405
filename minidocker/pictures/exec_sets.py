"""exec_sets: the five capability sets of a process before an exec and after it, and the rule."""

from __future__ import annotations

from minidocker.kernel.flags import CAPABILITIES
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

# The line in /proc/PID/status, the set, and what it is for.
SETS = (
    ("CapBnd", "bounding", "the most that an exec can give"),
    ("CapPrm", "permitted", "may be made effective"),
    ("CapEff", "effective", "what the kernel looks at"),
    ("CapInh", "inheritable", "handed on, if the file has it too"),
    ("CapAmb", "ambient", "handed on, whatever the file is"),
)
CELL, TICK, STEP, TOP, LEFT, MIDDLE = 7.0, 16.0, 66.0, 108.0, 20.0, 190.0
STRIP = CELL * len(CAPABILITIES)
# Where an exec takes a set from, by row: a program without capabilities of its own.
ROOT = ((0, 0), (0, 1), (1, 2), (3, 3), (4, 4))
USER = ((0, 0), (4, 1), (1, 2), (3, 3), (4, 4))


def exec_sets(before: str, after: str, title: str = "Five sets, through an exec") -> Picture:
    """Draw the sets of two texts of /proc/PID/status: before an exec, and after it.

    A mark is a capability. The arrows are the kernel's rule, for user 0 or for another user,
    and a program file without capabilities of its own. KeyError: not such a text. capabilities(7)
    """
    old, new = _fields(before), _fields(after)
    root = old["Uid"].split()[1] == "0"
    canvas = Canvas()
    canvas.text(LEFT, 30, title, "bold", 15)
    right = LEFT + STRIP + MIDDLE
    canvas.text(LEFT, 62, "before the exec", "bold", 13)
    canvas.text(right, 62, "after it", "bold", 13)
    who = "user 0" if root else "not user 0"
    canvas.text(LEFT + STRIP + MIDDLE / 2, 62, f"exec: {who}", "soft", 12, text_anchor="middle")
    rows = []
    for at, (key, name, words) in enumerate(SETS):
        y = TOP + STEP * at
        values = int(old[key], 16), int(new[key], 16)
        counts = [value.bit_count() for value in values]
        for x, value, count in zip((LEFT, right), values, counts, strict=True):
            canvas.text(x, y - 8, f"{name}: {count}", "bold", 12.5)
            _strip(canvas, x, y, value)
        canvas.text(LEFT, y + TICK + 13, words, "soft", 10.5)
        rows.append([name, *map(str, counts), words])
    for source, target in ROOT if root else USER:
        _arrow(canvas, source, target)
    y = TOP + STEP * len(SETS) + 6
    told = (
        "User 0: the new permitted set is the bounding set, and what was inheritable. "
        "The old permitted and effective sets count for nothing."
        if root
        else "Not user 0: the new permitted set is the ambient set. "
        "The old permitted and effective sets count for nothing."
    )
    for line, words in enumerate(told.split(". ")):
        canvas.text(LEFT, y + 18 * line, f"{words.rstrip('.')}.", "", 12)
    columns = ("set", "before", "after", "what it is")
    return Picture(title, told, columns, rows, canvas, (right + STRIP + LEFT, y + 34))


def _fields(text: str) -> dict[str, str]:
    return {
        key: value.strip() for key, _, value in (row.partition(":") for row in text.split("\n"))
    }


def _strip(canvas: Canvas, x: float, y: float, value: int) -> None:
    """Draw a mark for each capability of a set, and a small one for each that is not in it."""
    canvas.box(x - 3, y - 2, STRIP + 5, TICK + 4)
    for number in range(len(CAPABILITIES)):
        place = x + CELL * number + CELL / 2 - 0.5
        if value >> number & 1:
            canvas.line([(place, y + 1), (place, y + TICK - 1)], "orange")
        else:
            canvas.line([(place, y + TICK / 2 - 0.6), (place, y + TICK / 2 + 0.6)])


def _arrow(canvas: Canvas, source: int, target: int) -> None:
    """Draw a way of the rule; the one within the new sets goes down beside them."""
    start, end = (LEFT + STRIP + 8, LEFT + STRIP + MIDDLE - 10)
    ys = [TOP + STEP * row + TICK / 2 for row in (source, target)]
    if (source, target) == (1, 2):
        canvas.line(
            [(end, ys[0] + 8), (end - 16, ys[0] + 8), (end - 16, ys[1]), (end, ys[1])], "blue"
        )
    else:
        canvas.line([(start, ys[0]), (start + 40, ys[0]), (end - 40, ys[1]), (end, ys[1])], "blue")
    canvas.shape("arrow", end - 1, ys[1], "blue", 5)
