"""One old question at the beginning of a lesson: what is asked again later is kept longer.

The questions are the predictions of earlier notebooks, with the answers that these show: nothing is
written twice. They come from the lesson before, the third and the seventh before; those answered
wrong come first, and of those the ones that somebody was sure of.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from minidocker.lab.predict import Predictions, Question, parse

BACK = (1, 3, 7)
_SHOW = re.compile(r"^%predict --show (\S+) ([a-z])$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Old:
    """A question of an earlier lesson, and the letter of what happened there."""

    lesson: str
    question: Question
    right: str

    def ask(self) -> str:
        """Return the question with its choices, and how to answer."""
        lines = [f"From lesson {self.lesson}, do you remember? {self.question.text}"]
        lines += [f"  {letter}) {words}" for letter, words in self.question.choices.items()]
        how = f"%recall {self.question.name} {next(iter(self.question.choices))}"
        return "\n".join([*lines, f"Answer in this cell, with your letter, such as: {how}"])

    def answered(self, letter: str) -> str:
        """Return what was said beside what is so, and where it was shown."""
        if letter == self.right:
            return f"✓ {self.question.say(letter)}: so it was in lesson {self.lesson}."
        said, so = self.question.say(letter), self.question.say(self.right)
        return f"≠ you said {said}; it was {so}. Lesson {self.lesson} shows it."


def old_question(tree: str, number: str, predictions: Predictions) -> Old | None:
    """Return the question to ask in lesson `number`; None where no earlier lesson has one."""
    return min(
        near(tree, number), key=lambda old: _urgency(old, predictions), default=None
    )


def near(tree: str, number: str) -> list[Old]:
    """Return the questions that lesson `number` may ask."""
    return [
        old for back in BACK if int(number) >= back
        for old in questions(tree, f"{int(number) - back:02}")
    ]  # fmt: skip


def _urgency(old: Old, predictions: Predictions) -> int:
    """Return 0 for wrong and sure, 1 for wrong, 3 for right, 2 for no answer or no evidence."""
    name = old.question.name
    said = predictions.recalled.get(name) or predictions.answers.get(name, "")
    if not said or (name in predictions.unjudged and name not in predictions.recalled):
        return 2
    if said == old.right:
        return 3
    return 0 if predictions.how.get(name) == "sure" else 1


def questions(tree: str, number: str) -> Iterator[Old]:
    """Yield the predictions of a lesson's notebook that have choices and an answer."""
    from minidocker.course import manifest

    lesson = next((one for one in manifest.load(tree).lessons if one.number == number), None)
    if lesson is None:
        return
    try:
        with open(os.path.join(tree, lesson.notebook), encoding="utf-8") as file:
            cells = json.load(file)["cells"]
    except (OSError, ValueError, KeyError):
        return  # a notebook that is away, or saved in halves: no question from it
    texts = ["".join(cell.get("source", "")) for cell in cells]
    right = {found[1]: found[2] for text in texts for found in _SHOW.finditer(text)}
    for text in texts:
        head, _, body = text.partition("\n")
        if head.startswith("%%predict ") and (name := head.split()[1]) in right:
            asked = re.sub(r"^answer:.*$", "answer:", body, flags=re.MULTILINE)
            yield Old(number, parse(name, asked)[0], right[name])
