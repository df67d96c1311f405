"""call_chain: who starts whom, from an engine to the command, as boxes with arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDE, HIGH, GAP, LEFT, TOP, MOST = 150.0, 46.0, 34.0, 24.0, 58.0, 4


def call_chain(steps: Sequence[str], told: Mapping[str, str], lit: str = "") -> Picture:
    """Draw programs in the order in which they were started.

    told: what each one is there for, in few words. `lit` is the one to look at.
    ValueError when nothing was started.
    """
    if not steps:
        raise ValueError("no program was started")
    canvas, title = Canvas(), "Who was started, one after the other"
    canvas.text(LEFT, 32, title, "bold", 15)
    for at, name in enumerate(steps):
        line, column = divmod(at, MOST)
        x, y = LEFT + (WIDE + GAP) * column, TOP + (HIGH + 30) * line
        canvas.box(x, y, WIDE, HIGH, "green" if name == lit else "blue", strong=name == lit)
        canvas.fitted(x + 12, y + 19, f"{at + 1}  {name}", WIDE - 20, "mono bold", 13)
        canvas.fitted(x + 12, y + 36, told.get(name, ""), WIDE - 20, "soft", 11)
        if column < MOST - 1 and at < len(steps) - 1:
            canvas.arrow((x + WIDE + 3, y + HIGH / 2), (x + WIDE + GAP - 3, y + HIGH / 2), "grey")
    lines = (len(steps) + MOST - 1) // MOST
    rows = [(str(at + 1), name, told.get(name, "")) for at, name in enumerate(steps)]
    said = f"Started, in this order: {', '.join(steps)}."
    size = (LEFT + (WIDE + GAP) * MOST, TOP + (HIGH + 30) * lines)
    return Picture(title, said, ("", "program", "what for"), rows, canvas, size)
