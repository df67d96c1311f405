"""own_container: the walls of a run in their order, and which of their functions are yours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, TOP, LEFT = 800.0, 40.0, 48.0, 20.0
# how much of a wall is yours: (sign, accent)
LIT = {"yours": ("circle", "orange"), "partly": ("diamond", "blue"), "not yet": ("ring", "grey")}


@dataclass(frozen=True, slots=True)
class Part:
    """A function that a run calls: its stage, its name, the lesson that asks for it, and whose."""

    stage: str
    name: str
    lesson: str
    yours: bool


def own_container(parts: Sequence[Part], beside: Sequence[Part] = ()) -> Picture:
    """Draw the walls of a run, lit where their functions are yours; the text lists the functions.

    `parts` stand in the order in which a run calls them, and walls in that of their first part.
    `beside` are functions that other words call: their "stage" is the words, and they stand below.
    """
    walls = list(dict.fromkeys(part.stage for part in parts))
    states = {wall: state([part for part in parts if part.stage == wall]) for wall in walls}
    canvas, title = Canvas(), "Your container so far"
    canvas.text(LEFT, 30, title, "bold", 15)
    for index, wall in enumerate(walls):
        names = [called(part) for part in parts if part.stage == wall and part.yours]
        _draw(canvas, TOP + ROW * index, wall, states[wall], ", ".join(names))
    bottom = TOP + ROW * len(walls)
    canvas.box(LEFT + 12, bottom, WIDTH - 2 * LEFT - 12, 32, "green", strong=True)
    canvas.text(LEFT + 28, bottom + 21, "your shell", "bold", 13)
    rows = [(part.name, part.stage, part.lesson, whose(part)) for part in parts]
    columns = ("a run calls, in this order", "wall", "lesson", "whose")
    bottom, told = bottom + 46, sentence(parts, states)
    if beside:
        canvas.text(LEFT, bottom + 20, "And what makes it ready, with --mine", "bold", 13)
        words = list(dict.fromkeys(part.stage for part in beside))
        for index, word in enumerate(words):
            its = [part for part in beside if part.stage == word]
            names = [called(part) for part in its if part.yours]
            _draw(canvas, bottom + 32 + ROW * index, word, state(its), ", ".join(names))
        bottom += 38 + ROW * len(words)
        rows += [(part.name, f"({part.stage})", part.lesson, whose(part)) for part in beside]
        count = sum(part.yours for part in beside)
        told += f" Beside a run: {count} of {len(beside)} functions are yours."
    return Picture(title, told, columns, rows, canvas, (WIDTH, bottom))


def called(part: Part) -> str:
    """Spell a function as it is called; an order of steps is a list."""
    return part.name if part.name.isupper() else f"{part.name}()"


def state(parts: Sequence[Part]) -> str:
    """Say how much of a wall is yours: one of LIT."""
    count = sum(part.yours for part in parts)
    return "yours" if count == len(parts) else "partly" if count else "not yet"


def whose(part: Part) -> str:
    """Return "yours", or "the course's"."""
    return "yours" if part.yours else "the course's"


def sentence(parts: Sequence[Part], states: dict[str, str]) -> str:
    """Say in words what is lit."""
    said = f"{sum(part.yours for part in parts)} of {len(parts)} functions are yours"
    for how, words in (("yours", "walls that are yours"), ("partly", "partly yours")):
        if lit := [wall for wall, what in states.items() if what == how]:
            said += f"; {words}: {', '.join(lit)}"
    return said + "."


def _draw(canvas: Canvas, y: float, wall: str, how: str, names: str) -> None:
    sign, accent = LIT[how]
    lit = how != "not yet"
    canvas.box(LEFT, y, WIDTH - 2 * LEFT, ROW - 8, accent,
               strong=how == "yours", dashed=not lit, tint=0.14 if lit else 0.0)  # fmt: skip
    canvas.shape(sign, LEFT + 16, y + 16, accent, 6)
    canvas.fitted(LEFT + 32, y + 21, wall, 130, "mono bold" if lit else "mono", 13)
    canvas.fitted(LEFT + 170, y + 21, names or "the course's own", 460, "" if lit else "soft", 12.5)
    canvas.fitted(WIDTH - LEFT - 84, y + 21, how, 78, "soft", 11.5)
