"""hole_table: what came out of bundles when they ran, beside what somebody said of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WORDS = {"found": "came out, and was said", "missed": "came out, and was not said",
         "feared": "was said, and nothing came out", "shut": "nothing came out"}  # fmt: skip
SHAPES = {"found": ("diamond", "green"), "missed": ("cross", "orange"),
          "feared": ("triangle", "purple"), "shut": ("ring", "grey")}  # fmt: skip
LEFT, TOP, ROW, STEP = 200, 70, 26, 74


def hole_table(
    names: Sequence[str], holes: Sequence[str],
    came_out: Sequence[Collection[str]], said: Sequence[Collection[str]] | None = None,
) -> Picture:  # fmt: skip
    """Draw a line for each bundle and a column for each hole: what came out, and what was said.

    came_out, said: for each bundle a set of holes; without `said` it is what came out alone.
    ValueError when their lengths differ.
    """
    told = came_out if said is None else said
    if not len(names) == len(came_out) == len(told):
        raise ValueError(f"{len(names)} names, {len(came_out)} and {len(told)} sets of holes")
    kinds = [[kind(hole, out, word) for hole in holes]
             for out, word in zip(came_out, told, strict=True)]  # fmt: skip
    canvas, title = Canvas(), "What came out of the bundles"
    canvas.text(20, 30, title, "bold", 15)
    for at, hole in enumerate(holes):
        canvas.fitted(LEFT + STEP * at, TOP - 14, hole, STEP - 6, "mono", 12, text_anchor="middle")
    for line, name in enumerate(names):
        y = TOP + ROW * line + 12
        canvas.fitted(20, y + 4, name, LEFT - 56, "", 12.5)
        for at, what in enumerate(kinds[line]):
            shape, accent = look(what, said is None)
            canvas.shape(shape, LEFT + STEP * at, y, accent, 4 if what == "shut" else 6)
    used = [what for what in SHAPES if any(what in row for row in kinds)]
    y = TOP + ROW * len(names) + 24
    x = 26.0
    for what in used:
        shape, accent = look(what, said is None)
        canvas.shape(shape, x, y - 4, accent, 5)
        x += 36 + canvas.fitted(x + 12, y, words(what, said is None), 220, "soft", 11)
    rows = [[name, *(words(what, said is None) for what in row)]
            for name, row in zip(names, kinds, strict=True)]  # fmt: skip
    size = (max(LEFT + STEP * len(holes), 700.0), y + 18.0)
    return Picture(title, sentence(kinds), ["bundle", *holes], rows, canvas, size)


def kind(hole: str, out: Collection[str], said: Collection[str]) -> str:
    """Return one of WORDS."""
    if hole in out:
        return "found" if hole in said else "missed"
    return "feared" if hole in said else "shut"


def look(what: str, alone: bool) -> tuple[str, str]:
    """Return its shape and its colour; a hole that nobody was asked about is no success."""
    return ("diamond", "orange") if alone and what == "found" else SHAPES[what]


def words(what: str, alone: bool) -> str:
    """Say it in words; `alone`: nobody has said anything."""
    return "came out" if alone and what == "found" else WORDS[what]


def sentence(kinds: Sequence[Sequence[str]]) -> str:
    """Count what is drawn."""
    every = [what for row in kinds for what in row]
    count = {what: every.count(what) for what in WORDS}
    return (
        f"{count['found'] + count['missed']} holes let something out of {len(kinds)} bundles; "
        f"{count['missed']} of them were not said, and {count['feared']} were said wrongly."
    )
