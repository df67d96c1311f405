"""Sayings: ten sentences about Docker, judged before the course and after it.

    %%sayings                                   in lesson 00, and again in lesson 15
    A container is a special process: half      true, half, false or outdated; a letter will do
    …
    Docker is: a program that …                 in three sentences, on one line

    %sayings                                    what was said, both times, beside what was shown

What is so stands once: in the headings of the notebooks, where each saying is put to the test.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from minidocker.course.journal import Journal

SAYINGS = (
    ("00", "A container is a special process"),
    ("00", "The engine stands only beside the container"),
    ("01", "The namespaces are pid, mount, uts, ipc, network and user"),
    ("02", "The container's file system is made by the mount namespace"),
    ("03", "The mounted file system is the image"),
    ("04", "Changing a file of a read-only layer makes a whiteout"),
    ("10", "Namespaces, cgroups, a change of root: that is all Docker is"),
    ("11", "Isolation is incomplete: many resources have no namespace"),
    ("15", "Docker runs containers"),
    ("15", "A container needs an image"),
)
VERDICTS = ("true", "half true", "false", "outdated")
OWN = "Docker is"
BEFORE = "00"


class NotWhole(ValueError):
    """A line cannot be read; the message says which, and what may be written."""


def read(body: str) -> tuple[dict[str, str], str]:
    """Read a %%sayings cell: what is said of each saying, and the learner's own sentences."""
    answers, own = {}, ""
    for line in filter(str.strip, body.splitlines()):
        text = next((one for _, one in SAYINGS if line.startswith(f"{one}:")), "")
        if line.startswith(f"{OWN}:"):
            own = line.removeprefix(f"{OWN}:").strip()
        elif not text:
            raise NotWhole(f"this is none of the sayings: {line[:60]}")
        elif word := line.removeprefix(f"{text}:").strip().lower():
            found = [one for one in VERDICTS if one.startswith(word)]
            if len(found) != 1:
                raise NotWhole(f"{text}: {word!r} is none of {', '.join(VERDICTS)}")
            answers[text] = found[0]
    return answers, own


def keep(journal: Journal, lesson: str, body: str) -> str:
    """Keep what a cell says; return a sentence about it."""
    answers, own = read(body)
    if not answers and not own:
        return "nothing is kept yet: write a word after the colons, and run this cell again"
    journal.add("sayings", lesson=lesson, answers=answers, own=own)
    left = len(SAYINGS) - len(answers)
    more = f"; {left} have no answer, and that stops nothing" if left else ""
    return f"kept: {len(answers)} of {len(SAYINGS)} sayings{more}"


def verdict(tree: str, lesson: str, text: str) -> str:
    """Return what a lesson's notebook has shown of a saying; "" where it does not say."""
    folder = os.path.join(tree, "notebooks")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.startswith(f"{lesson}_") and name.endswith(".ipynb"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                cells = json.load(file)["cells"]
            head = re.compile(rf'^### (?:More: )?"{re.escape(text)}": \*\*(.+)\*\*$', re.MULTILINE)
            for cell in cells:
                if found := head.search("".join(cell["source"])):
                    return found[1]
    return ""


def magic(magics: Any) -> Callable[..., Compared | None]:
    """Return the magic of a kernel: `magics` knows the learner's tree and the lesson."""

    def sayings(line: str, cell: str | None = None) -> Compared | None:
        """Say what you believe of ten sentences about Docker; see it beside what was shown.

            %%sayings         in lesson 00, and in lesson 15: after each colon true, half, false or
                              outdated; and at the end three sentences of your own
            %sayings          what you said, both times, beside what the lessons have shown

        It is kept in .minidocker/progress.jsonl, in your own copy of the course. Nobody grades it.
        """
        journal = Journal(Path(magics.tree))
        if cell is None:
            return Compared(magics.tree, journal.entries())
        try:
            print(keep(journal, magics.number or BEFORE, cell))
        except NotWhole as problem:
            print(problem)
        return None

    return sayings


class Compared:
    """What was said of each saying before the course and after it, beside what was shown."""

    def __init__(self, tree: str, entries: list[dict[str, Any]]) -> None:
        said = [one for one in entries if one["do"] == "sayings"]
        before = [one for one in said if one["lesson"] == BEFORE][-1:]
        after = [one for one in said if one["lesson"] != BEFORE][-1:]
        answers = [part[0]["answers"] if part else {} for part in (before, after)]
        self.own = [part[0]["own"] if part else "" for part in (before, after)]
        self.rows = [
            [text, *(part.get(text, "–") for part in answers), verdict(tree, lesson, text), lesson]
            for lesson, text in SAYINGS
        ]

    @property
    def right(self) -> list[int]:
        """How many were right, before and after."""
        return [sum(row[column] == row[3] for row in self.rows) for column in (1, 2)]

    def sentence(self) -> str:
        """Say it in a line."""
        before, after = self.right
        return f"As it was shown: {before} of {len(self.rows)} before, {after} after."

    def __repr__(self) -> str:
        lines = [f"{text}\n    before: {before} · after: {after} · shown in {lesson}: {so}"
                 for text, before, after, so, lesson in self.rows]  # fmt: skip
        lines += [f"{OWN}, {when}: {words or '–'}"
                  for when, words in zip(("before", "after"), self.own, strict=True)]  # fmt: skip
        return "\n".join([*lines, self.sentence()])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left">{word}</th>' for word in
                       ("what people say", "you, before", "you, now", "what was shown", "lesson"))
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row)
            + "</tr>" for row in self.rows
        )
        own = "".join(f"<p><b>{OWN}, {when}:</b> {escape(words or '–')}</p>"
                      for when, words in zip(("before", "now"), self.own, strict=True))  # fmt: skip
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{own}" \
               f"<p>{self.sentence()}</p>"  # fmt: skip
