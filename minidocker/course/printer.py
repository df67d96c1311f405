"""Say what a grading found: a line for each check as it ends, a sum, and JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson

# state by word and shape, never by colour alone
SHAPES = {o.PASS: "✓", o.FAIL: "✗", o.BLOCKED: "■", o.ERROR: "!", o.NOT_STARTED: "○"}
WORDS = {o.PASS: "pass", o.FAIL: "fail", o.BLOCKED: "blocked", o.ERROR: "error",
         o.NOT_STARTED: "not started"}  # fmt: skip
STYLES = {o.PASS: "green", o.FAIL: "bold red", o.BLOCKED: "yellow", o.ERROR: "bold magenta",
          o.NOT_STARTED: "dim"}  # fmt: skip
# A notebook has shades of its own for the sixteen colours, and half are hard to read in its
# light or its dark theme. These have 4:1 and better on white and on #111.
EVERYWHERE = {"green": "#258a48", "red": "#d9453f", "yellow": "#9c7100", "magenta": "#b457bb"}


def place(path: Path) -> str:
    """Return a path as the learner would type it: relative, unless that leads far away."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative


IN_NOTEBOOK = "MINIDOCKER_NOTEBOOK"  # the magics set it


def typed(words: str) -> str:
    """Return a command as it is typed here: "%why 01" in a notebook, else "minidocker why 01".

    For the words that are magics of a notebook, too: grade, hint, why.
    """
    return f"%{words}" if IN_NOTEBOOK in os.environ else f"minidocker {words}"


WHOLE_FILE = ("MD9002", "MD9014", "MD9019")


class Printer:
    """Prints lines with a style: by rich on a terminal, as plain text elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.out = sys.stdout  # kept: while pytest runs, sys.stdout is turned away
        self.console: Any = None
        self.notebook = False
        self.said: tuple[str, str, str] | None = None
        self.shapes = (self.out.encoding or "").lower().replace("-", "") == "utf8"
        colour = bool(os.environ.get("FORCE_COLOR"))  # a notebook shows it, and is no terminal
        if (self.out.isatty() or colour) and not quiet:
            from rich.console import Console

            self.notebook = colour and not self.out.isatty()
            self.console = Console(file=self.out, highlight=False, soft_wrap=True, emoji=False,
                                   force_terminal=colour or None,
                                   color_system="truecolor" if self.notebook else "auto",
                                   no_color="NO_COLOR" in os.environ or None)  # fmt: skip

    def line(self, text: str = "", style: str = "") -> None:
        """Print one text."""
        if self.quiet:
            return
        text = o.inert(text)
        if self.console:
            if self.notebook:
                style = " ".join(EVERYWHERE.get(word, word) for word in style.split())
            self.console.print(text, style=style or None, markup=False)
        else:
            # A terminal that cannot show a sign gets a mark in its place, not a traceback.
            encoding = self.out.encoding or "utf-8"
            print(text.encode(encoding, "replace").decode(encoding), file=self.out, flush=True)

    def lesson(self, lesson: Lesson) -> None:
        """Print a lesson's head."""
        self.line(f"{lesson.id}  {lesson.title}", "bold")

    def result(self, result: o.Result, borrowed: bool = False) -> None:
        """Print one check, and under it what went wrong."""
        given = ", as given" if result.code == o.AS_GIVEN else ""
        word = WORDS[result.outcome] + (", borrowed" if borrowed else given)
        shape = SHAPES[result.outcome] + " " if self.shapes else ""
        points = f"{result.earned}/{result.points}"
        name = "" if result.outcome in (o.PASS, o.BLOCKED) else f"  [{result.check}]"
        self.line(f"  {shape}{word:<12} {points:>4}  {result.title}{name}", STYLES[result.outcome])
        said = (result.lesson, result.code, result.message)
        if result.code in WHOLE_FILE and said == self.said:
            return  # what is wrong with a file as a whole is said once
        self.said = said
        if result.message and result.outcome != o.NOT_STARTED:
            first, *rest = result.message.splitlines() or [""]
            self.line(f"      {result.code}  {first}")
            for line in rest:
                bad = line.split()[:1] in (["BAD"], ["MISSING"])
                self.line(f"      {line}", "red" if bad else "")

    def total(self, results: Sequence[o.Result]) -> None:
        """Print the sum: earned, possible here, in all."""
        counts = {word: sum(r.outcome == word for r in results) for word in o.OUTCOMES}
        said = ", ".join(f"{n} {WORDS[word]}" for word, n in counts.items() if n)
        earned, here, points = sums(results)
        self.line(f"{said}. Points: {earned} of {here} possible here, {points} in all.", "bold")
        if any(r.outcome == o.BLOCKED and "PATIENCE" not in r.message for r in results):
            self.line("The lab machine can judge what is blocked here: minidocker grade --on vm")


def sums(results: Iterable[o.Result]) -> tuple[int, int, int]:
    """Return the points: earned, possible on this machine, in all."""
    results = list(results)
    earned = sum(r.earned for r in results)
    here = sum(r.points for r in results if r.outcome != o.BLOCKED)
    return earned, here, sum(r.points for r in results)


def as_json(lessons: Sequence[Lesson], results: Sequence[o.Result]) -> dict[str, Any]:
    """Return the report of a grading, version 1."""
    earned, here, points = sums(results)
    return {
        "version": 1,
        "lessons": [
            {
                "id": lesson.id,
                "checks": [r.as_json() for r in results if r.lesson == lesson.id],
            }
            for lesson in lessons
        ],
        "earned": earned,
        "possible_here": here,
        "points": points,
    }
