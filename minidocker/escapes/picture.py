"""The matrix: a row for each escape, a column for each stage, drawn from the findings.

A large sign was measured; a small one follows from its neighbours on both sides. "▶" is works,
"●" is stopped. No sign: the escape cannot be tried there.
"""

from __future__ import annotations

from collections.abc import Sequence

from minidocker.escapes.ladder import NONE, PODMAN, Finding, label, rungs
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

LEFT, TOP, ROW, STEP, RIGHT = 156.0, 128.0, 21.0, 25.0, 190.0


def matrix(findings: Sequence[Finding]) -> Picture:
    """Draw which escape works at which stage, where it is stopped, and what Podman does."""
    columns = [*rungs(), PODMAN]
    canvas, title = Canvas(), "Escapes, and the stage that stops each"
    end = LEFT + STEP * len(columns)
    size = (end + RIGHT, TOP + ROW * len(findings) + 34)
    canvas.text(20, 28, title, "bold", 15)
    for index, rung in enumerate(columns):
        x = LEFT + STEP * (index + 0.5) + (8 if rung == PODMAN else 0)
        turned = f"rotate(-60 {x + 3} {TOP - 10})"
        canvas.text(x + 3, TOP - 10, label(rung), "", 12, transform=turned)
    canvas.text(end + 20, TOP - 10, "verdict", "bold", 12)
    for line, found in enumerate(findings):
        y = TOP + ROW * line
        canvas.line([(16, y), (size[0] - 16, y)])
        canvas.fitted(20, y + 15, found.escape.name, LEFT - 26, "mono", 11.5)
        for index, rung in enumerate(columns):
            _sign(canvas, LEFT + STEP * (index + 0.5) + (8 if rung == PODMAN else 0), y + 11,
                  *found.at(rung))  # fmt: skip
        canvas.fitted(end + 20, y + 15, found.short(), RIGHT - 30, "", 12)
    canvas.text(20, size[1] - 12, "▶ works   ● stopped   small: follows from both neighbours",
                "soft", 11)  # fmt: skip
    return Picture(title, describe(findings), HEAD, rows(findings), canvas, size)


def _sign(canvas: Canvas, x: float, y: float, works: bool | None, measured: bool) -> None:
    if works is None:
        return
    size = 5.5 if measured else 2.4
    canvas.shape("arrow" if works else "circle", x, y, "orange" if works else "green", size)


HEAD = ("escape", "works up to", "stopped by", "runs", "Podman")


def rows(findings: Sequence[Finding]) -> list[tuple[str, str, str, str, str]]:
    """Return the matrix in words: one row for each escape."""
    return [
        (found.escape.name, last_open(found), found.short(), str(len(found.tried)),
         found.podman() or "not tried")
        for found in findings
    ]  # fmt: skip


def last_open(found: Finding) -> str:
    """Return the highest stage at which the escape was seen to work; "-" where it never did."""
    worked = [rung for rung in rungs() if found.tried.get(rung)]
    return label(worked[-1]) if worked else "-"


def describe(findings: Sequence[Finding]) -> str:
    """Say in a sentence how the escapes end."""
    ends: dict[str, int] = {}
    for found in findings:
        ends[found.verdict] = ends.get(found.verdict, 0) + 1
    told = ", ".join(f"{count} {word}" for word, count in ends.items())
    stated = sum(1 for found in findings if found.tried.get(NONE))
    return f"{len(findings)} escapes: {told}. {stated} were seen to work without a container."
