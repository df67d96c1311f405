"""build_cache: which steps of a build were found in the cache, and which were done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

HIT, DONE, BASE, ABSENT = "hit", "done", "base", "not there"
SIGNS = {HIT: ("circle", "green"), DONE: ("triangle", "orange"), BASE: ("square", "grey")}
WIDTH, ROW, LEFT, STEP = 800.0, 42.0, 20.0, 350.0
TITLE = re.compile(r"#(\d+) \[(?:.* )?\d+/\d+\] (.*)")
END = re.compile(r"#(\d+) (CACHED|DONE ([\d.]+s))")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a build: its words, one of HIT, DONE and BASE, and how long it took."""

    words: str
    state: str
    took: str = ""


def read(text: str) -> list[Step]:
    """Return the steps of one build, from what `minidocker build` said."""
    titles: dict[str, str] = {}
    ends: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if found := TITLE.fullmatch(line.strip()):
            titles.setdefault(found[1], found[2])
        elif found := END.fullmatch(line.strip()):
            ends[found[1]] = (HIT, "") if found[2] == "CACHED" else (DONE, found[3])
    return [Step(words, *ends.get(number, (BASE, ""))) for number, words in titles.items()]


def build_cache(builds: Mapping[str, str]) -> Picture:
    """Draw builds side by side, step by step: `builds` is title → what `minidocker build` said.

    A step is looked for by its words; a build that has no such step shows nothing there.
    LookupError: no step can be read in any of them.
    """
    read_all = {title: {step.words: step for step in read(text)} for title, text in builds.items()}
    words = list(dict.fromkeys(word for steps in read_all.values() for word in steps))
    if not words:
        raise LookupError("no step of a build was said")
    canvas, head = Canvas(), "The cache of a build, step by step"
    canvas.text(LEFT, 30, head, "bold", 15)
    width = (WIDTH - 2 * LEFT - STEP) / len(builds)
    for column, title in enumerate(builds):
        canvas.fitted(LEFT + STEP + column * width, 58, title, width - 8, "bold", 12.5)
    rows = []
    for place, word in enumerate(words):
        y = 72 + ROW * place
        canvas.fitted(LEFT, y + 21, word, STEP - 14, "mono", 12)
        told = []
        for column, steps in enumerate(read_all.values()):
            step = steps.get(word, Step(word, ABSENT))
            told.append(f"{step.state} {step.took}".strip())
            _draw(canvas, LEFT + STEP + column * width, y, width - 8, step)
        rows.append((word, *told))
    size = (WIDTH, 72 + ROW * len(words) + 8)
    return Picture(head, sentence(read_all), ("step", *builds), rows, canvas, size)


def sentence(builds: Mapping[str, Mapping[str, Step]]) -> str:
    """Say for each build how many steps were found, and where the first was done."""
    said = []
    for title, steps in builds.items():
        done = [step.words for step in steps.values() if step.state == DONE]
        hits = sum(step.state == HIT for step in steps.values())
        first = f", done from: {done[0]}" if done else ", nothing was done"
        said.append(f"{title}: {hits} found{first}")
    return "; ".join(said) + "."


def _draw(canvas: Canvas, x: float, y: float, width: float, step: Step) -> None:
    if step.state == ABSENT:
        return
    sign, accent = SIGNS[step.state]
    canvas.box(x, y, width, ROW - 8, accent, strong=step.state == DONE, dashed=step.state == HIT,
               tint=0.14 if step.state == DONE else 0.05)  # fmt: skip
    canvas.shape(sign, x + 16, y + 17, accent, 6)
    words = {HIT: "hit: not done", DONE: f"done, {step.took}", BASE: "the base"}[step.state]
    canvas.fitted(x + 30, y + 21, words, width - 36, "", 12)
