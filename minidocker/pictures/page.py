"""One page of a lesson, to print and to keep: its idea drawn, its parts, and what stays of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, fit, wrap

WIDTH, HEIGHT, MARGIN = 794.0, 1123.0, 48.0  # A4 upright, in CSS pixels
INNER = WIDTH - 2 * MARGIN
BOLD = 0.88  # such letters are wider than `measure` says
GAP = 170.0  # between the two sides of the wall


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on a page; all of it is the manifest's and the notebook's.

    idea: one sentence. wall: what is asked of the kernel, in short lines.
    outside, inside: pairs of a thing and how it looks there, before the wall and behind it.
    sides: what the two are called.
    parts: pairs of a name that the learner writes, and what it does.
    """

    number: str
    title: str
    question: str
    idea: str
    wall: Sequence[str]
    outside: Sequence[Sequence[str]]
    inside: Sequence[Sequence[str]]
    sides: Sequence[str]
    parts: Sequence[tuple[str, str]]
    recap: Sequence[str]
    read_on: str
    why: str
    because: str


def lesson_page(page: Page) -> Picture:
    """Draw the page. Nothing of it is cut: a text that is too long makes the page longer."""
    canvas = Canvas()
    canvas.text(MARGIN, 58, f"minidocker · lesson {page.number}", "soft", 13)
    canvas.text(MARGIN, 88, page.title, "bold", 24)
    y = _paragraph(canvas, 114, page.question, 15, "soft")
    y = _paragraph(canvas, y + 18, page.idea, 17, "bold")
    y = _drawing(canvas, y + 8, page)
    y = _heading(canvas, y + 34, "What you write")
    for name, summary in page.parts:
        canvas.text(MARGIN, y, name, "mono", 12.5)
        y = _paragraph(canvas, y, summary, 13, x=MARGIN + 200)
    y = _heading(canvas, y + 18, "What stays")
    for index, sentence in enumerate(page.recap):
        canvas.text(MARGIN, y, f"{index + 1}.", "bold", 13.5)
        y = _paragraph(canvas, y, sentence, 13.5, x=MARGIN + 22)
    y = _heading(canvas, y + 18, page.why)
    y = _paragraph(canvas, y, page.because, 13.5)
    y = _paragraph(canvas, y + 16, page.read_on, 12.5, "soft")
    rows = [
        *[("outside", *pair) for pair in page.outside],
        *[("inside", *pair) for pair in page.inside],
        *[("part", *pair) for pair in page.parts],
        *[("stays", str(n + 1), sentence) for n, sentence in enumerate(page.recap)],
    ]
    title = f"Lesson {page.number}: {page.title}"
    return Picture(
        title, f"{page.question} {page.idea}", ("where", "what", "how it is"), rows, canvas,
        (WIDTH, max(HEIGHT, y + MARGIN)),
    )  # fmt: skip


def _drawing(canvas: Canvas, y: float, page: Page) -> float:
    """Draw both sides of the wall, and on the way between them what puts it up."""
    side = (INNER - GAP) / 2
    rows = max(len(page.outside), len(page.inside))
    height = 52 + 58.0 * rows
    right = MARGIN + side + GAP
    for x, name, things, accent in (
        (MARGIN, page.sides[0], page.outside, "grey"),
        (right, page.sides[1], page.inside, "blue"),
    ):
        inside = accent == "blue"
        canvas.box(x, y, side, height, accent, strong=inside, dashed=not inside)
        canvas.text(x + 14, y + 26, name, "bold", 13.5)
        for index, (what, how) in enumerate(things):
            top = y + 42 + 58 * index
            canvas.box(x + 12, top, side - 24, 50, tint=0)
            canvas.text(x + 22, top + 20, what, "soft", 12)
            canvas.fitted(x + 22, top + 39, how, side - 44, "mono", 12.5)
    middle = y + height / 2
    canvas.arrow((MARGIN + side + 8, middle), (right - 6, middle), "orange")
    for index, line in enumerate(reversed(page.wall)):
        line, place = fit(line, GAP - 10, 12, mono=True), middle - 12 - 16 * index
        canvas.text(WIDTH / 2, place, line, "mono bold", 12, text_anchor="middle")
    return y + height


def _heading(canvas: Canvas, y: float, words: str) -> float:
    lines = wrap(words, INNER * BOLD, 14, lines=3)
    for index, line in enumerate(lines):
        canvas.text(MARGIN, y + 19 * index, line, "bold", 14)
    bottom = y + 19 * (len(lines) - 1) + 7
    canvas.line([(MARGIN, bottom), (WIDTH - MARGIN, bottom)])
    return bottom + 20


def _paragraph(
    canvas: Canvas, y: float, words: str, size: float, kind: str = "", x: float = MARGIN
) -> float:
    """Write words in as many lines as they need; return where the next line begins."""
    width = (WIDTH - MARGIN - x) * (BOLD if "bold" in kind else 1)
    for line in wrap(words, width, size, lines=40):
        canvas.text(x, y, line, kind, size)
        y += size * 1.42
    return y


def recap_of(markdown: str) -> tuple[list[str], str]:
    """Return the numbered sentences of a recap, and its line "Read on", as plain text."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown).replace("`", "").replace("*", "")
    blocks = [" ".join(block.split()) for block in re.split(r"\n(?=\d\. )|\n\n", plain)]
    sentences = [block[3:] for block in blocks if re.match(r"\d\. ", block)]
    return sentences, next((block for block in blocks if block.startswith("Read on")), "")
