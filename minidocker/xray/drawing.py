"""The drawing of an x-ray: walls at the left and right, the holes below, each with its lesson."""

from __future__ import annotations

from minidocker.pictures.svg import Canvas, measure, wrap
from minidocker.xray import report
from minidocker.xray.facts import Facts
from minidocker.xray.holes import Hole
from minidocker.xray.line import Line
from minidocker.xray.shared import SECTION

WIDTH, ROW = 800.0, 27.0
LEFT, MIDDLE, RIGHT = 20.0, 362.0, 780.0
# state: (shape, accent, word); the shape alone tells, the colour only helps.
SIGNS = {
    "own": ("diamond", "orange", "own"),
    "yours": ("ring", "grey", "yours"),
    "given": ("triangle", "purple", "given"),
    "closed": ("square", "blue", "closed"),
    "unknown": ("cross", "blue", "?"),
    "": ("circle", "grey", ""),
}
LEGEND = {
    "own": "own: a wall stands",
    "yours": "yours: shared with you",
    "closed": "closed: shared, but it may not",
    "unknown": "unknown: cannot be read",
}
_DRAWN = ("root", "mounts", "cgroup", "limits", "memory", "pids", "cpu", "capabilities", "seccomp",
          "no_new_privs", "label", "uid map")  # fmt: skip


def draw(canvas: Canvas, facts: Facts, lines: list[Line], holes: list[Hole]) -> tuple[float, float]:
    """Draw it all; return width and height."""
    title = f"X-ray of process {facts.process.pid}: {facts.process.label}"
    canvas.fitted(LEFT, 30, title, WIDTH - 40, "bold", 15)
    canvas.fitted(LEFT, 50, report.headline(facts), WIDTH - 40, "", 12.5)
    canvas.fitted(LEFT, 68, f"numbers: {report.pids(facts)}", WIDTH - 40, "soft", 11.5)
    left = [line for line in lines if line.section == "namespaces"]
    right = [line for line in lines if line.section not in ("namespaces", SECTION)]
    right = [line for line in right if line.what in _DRAWN]
    below = [line for line in lines if line.section == SECTION]
    bottom = _column(canvas, "Namespaces", left, LEFT, MIDDLE - 24)
    if below:
        bottom = _column(canvas, "What no namespace covers", below, LEFT, MIDDLE - 24, bottom + 24)
    bottom = max(bottom, _column(canvas, "Root, limits, power", right, MIDDLE, RIGHT))
    bottom = _legend(canvas, {line.state for line in [*left, *below, *right]}, bottom + 20)
    return WIDTH, _holes(canvas, holes, bottom + 14)


def _column(
    canvas: Canvas, head: str, lines: list[Line], x: float, end: float, top: float = 96
) -> float:
    """Draw a list of walls; return where it ends."""
    canvas.text(x, top, head, "bold", 13)
    top += 10
    for index, line in enumerate(lines):
        y = top + ROW * index
        canvas.line([(x, y), (end, y)])
        shape, accent, word = SIGNS[line.state]
        if line.state == "own":
            canvas.box(x + 92, y + 3, 66, ROW - 6, accent)
        canvas.fitted(x, y + 18, line.what, 88, "mono bold", 12)
        if word:
            canvas.shape(shape, x + 103, y + ROW / 2, accent, 5.5)
            canvas.text(x + 114, y + 18, word, "bold" if line.state == "own" else "", 12)
        canvas.fitted(x + 168, y + 18, line.seen.partition("   (")[0], end - x - 168, "soft", 11)
    return top + ROW * len(lines)


def _legend(canvas: Canvas, states: set[str], y: float) -> float:
    x = LEFT + 6
    for state, words in LEGEND.items():
        if state in states:
            shape, accent, _ = SIGNS[state]
            canvas.shape(shape, x, y - 4, accent, 5)
            canvas.text(x + 11, y, words, "soft", 11)
            x += measure(words, 11) + 34
    return y


def _holes(canvas: Canvas, holes: list[Hole], y: float) -> float:
    canvas.text(LEFT, y + 18, "Holes: what it still shares with you", "bold", 13)
    y += 28
    for hole in holes:
        told = wrap(hole.why, RIGHT - MIDDLE, 11.5, 2)
        titles = wrap(hole.title, 250, 12, 2)
        height = 12 + 15 * max(len(told), len(titles))
        canvas.line([(LEFT, y), (RIGHT, y)])
        canvas.box(LEFT, y + 4, 66, 20, "purple")
        canvas.text(LEFT + 33, y + 18, f"lesson {hole.lesson}", "", 11, text_anchor="middle")
        for index, line in enumerate(titles):
            canvas.text(LEFT + 80, y + 18 + 15 * index, line, "bold", 12)
        for index, line in enumerate(told):
            canvas.text(MIDDLE, y + 18 + 15 * index, line, "", 11.5)
        y += height
    return y + 10
