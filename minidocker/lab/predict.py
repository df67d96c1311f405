"""Predictions: a question before the experiment, the answer kept, and shown beside what happened.

    %%predict getpid                      the question, its choices, and the learner's answer
    What does getpid() say now?
    a) 1
    b) the same as before
    answer: b sure                        or: b guess

    %predict --show getpid b              what was said, beside what happened

Answers are appended to .minidocker/predictions.jsonl in the learner's own tree, one JSON object a
line: name, answer, how (sure or guess), question, choices, time. An unanswered question never
stops a notebook.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from dataclasses import dataclass, field
from html import escape

NOTHING = "nothing yet: answer the question above, and run this cell again"
_CHOICE = re.compile(r"^\s*([a-z])\)\s+(.*)$")
HOW = ("sure", "guess")
_ANSWER = re.compile(r"^\s*answer:(.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: `choices` by letter, empty where the answer is free text."""

    name: str
    text: str
    choices: dict[str, str] = field(default_factory=dict)

    def say(self, answer: str) -> str:
        """Return an answer in words: "b) the same as before"; free text as it is."""
        return f"{answer}) {self.choices[answer]}" if answer in self.choices else answer

    @property
    def letters(self) -> str:
        """The letters to choose from: "a, b or c"."""
        *first, last = self.choices
        return f"{', '.join(first)} or {last}" if first else last


class BadAnswer(ValueError):
    """The answer is none of the choices; the message says what may be written."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prediction beside what happened; `said` is "" when there was none.

    Without `evidence` the experiment was blocked here: nothing is judged.
    """

    question: Question
    said: str
    happened: str
    how: str = ""
    evidence: bool = True

    @property
    def verdict(self) -> str:
        """One of "not answered yet", "as you predicted", "not as you predicted", or ""."""
        if not self.said:
            return "not answered yet"
        if not self.evidence:
            return "not judged: this machine could not show it"
        if not self.question.choices or not self.happened:
            return ""
        return "as you predicted" if self.said == self.happened else "not as you predicted"

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of the display as (name, text)."""
        rows = [("asked", self.question.text)]
        felt = f" ({self.how})" if self.how else ""
        rows.append(("you said", self.question.say(self.said) + felt if self.said else NOTHING))
        if self.happened:
            where = "it was" if self.evidence else "elsewhere"
            rows.append((where, self.question.say(self.happened)))
        if self.said and not self.evidence:
            rows.append(("so", self.verdict))
        elif self.said and self.verdict:
            mark = "✓" if self.said == self.happened else "≠"
            again = self.how == "sure" and self.said != self.happened
            comes = "; you were sure, so it is asked again in a later lesson" if again else ""
            rows.append(("so", f"{mark} {self.verdict}{comes}"))
        return rows

    def __repr__(self) -> str:
        return "\n".join(f"{name:>9}  {text}" for name, text in self.rows())

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(text)}</td></tr>'
            for name, text in self.rows()
        )
        return f"<table><tbody>{cells}</tbody></table>"


def parse(name: str, body: str) -> tuple[Question, str, str]:
    """Read a %%predict cell: the question, the answer ("" for none yet), and "sure", "guess" or "".

    BadAnswer when there are choices and the answer is none of their letters.
    """
    text: list[str] = []
    choices: dict[str, str] = {}
    answer = how = ""
    for line in body.splitlines():
        if found := _CHOICE.match(line):
            choices[found[1]] = found[2].strip()
        elif found := _ANSWER.match(line):
            answer = found[1].strip()
        elif line.strip():
            text.append(line.strip())
    question = Question(name, " ".join(text), choices)
    if choices and answer:
        letter, how = _split(answer)
        if letter not in choices:
            raise BadAnswer(f"the answer {answer!r} is none of {question.letters}")
        if how and how not in HOW:
            raise BadAnswer(f"after the letter, write sure or guess, and not {how!r}")
        answer = letter
    return question, answer, how


def _split(answer: str) -> tuple[str, str]:
    """Return letter and word of "b sure", "b) sure" or "B, guess"."""
    letter, _, word = answer.replace(",", " ").strip().partition(" ")
    return letter.rstrip(").").lower(), word.strip().rstrip(".").lower()


class Predictions:
    """The learner's predictions, in memory and in a file; the newest answer counts."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.questions: dict[str, Question] = {}
        self.answers: dict[str, str] = {}
        self.how: dict[str, str] = {}
        self.recalled: dict[str, str] = {}
        self.unjudged: set[str] = set()  # nobody saw what happened: blocked on this machine
        for entry in _entries(path):
            self._take(entry)

    def ask(self, name: str, body: str) -> str:
        """Take the text of a %%predict cell, keep its answer, and return a line that says so."""
        question, answer, how = parse(name, body)
        self.questions[name] = question
        if not answer:
            how = f"write {question.letters}" if question.choices else "write a few words"
            return f"not answered yet: {how} after “answer:”, and run this cell again (Shift+Enter)"
        if (self.answers.get(name), self.how.get(name, "")) != (answer, how):
            self.answers[name], self.how[name] = answer, how
            self._append(question, answer, how=how)
        felt = f" ({how})" if how else ""
        return f"kept: {question.say(answer)}{felt}"

    def recall(self, question: Question, answer: str) -> None:
        """Keep the answer to an old question; the prediction of that day stays as it was."""
        if self.recalled.get(question.name) != answer:
            self.recalled[question.name] = answer
            self._append(question, answer, recalled=True)

    def show(self, name: str, happened: str = "", evidence: bool = True) -> Comparison:
        """Return the prediction beside what happened; LookupError for an unknown name.

        Without `evidence`, when its experiment was blocked, it counts as neither right nor wrong.
        """
        if name not in self.questions:
            known = ", ".join(self.questions) or "none yet"
            raise LookupError(f"there is no prediction {name!r}; asked so far: {known}")
        said, how = self.answers.get(name, ""), self.how.get(name, "")
        if said and evidence == (name in self.unjudged):
            (self.unjudged.discard if evidence else self.unjudged.add)(name)
            with contextlib.suppress(OSError):  # then it is known until the kernel ends
                self._append(self.questions[name], said, how=how, judged=evidence)
        return Comparison(self.questions[name], said, happened, how, evidence)

    def _take(self, entry: dict[str, object]) -> None:
        name, choices = str(entry.get("name", "")), entry.get("choices")
        asked = Question(
            name, str(entry.get("question", "")), choices if isinstance(choices, dict) else {}
        )
        if entry.get("recalled"):
            self.recalled[name] = str(entry.get("answer", ""))
            return
        if entry.get("judged") is not None:
            (self.unjudged.discard if entry["judged"] else self.unjudged.add)(name)
        self.questions[name] = asked
        self.answers[name] = str(entry.get("answer", ""))
        self.how[name] = str(entry.get("how", ""))

    def _append(self, question: Question, answer: str, **more: object) -> None:
        entry = {
            "name": question.name,
            "answer": answer,
            "question": question.text,
            "choices": question.choices,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            **more,
        }
        folder = os.path.dirname(self.path)
        os.makedirs(folder, exist_ok=True)
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(self.path, how, 0o644), "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if os.geteuid() == 0:  # the notebook runs as root, in a tree that may be the learner's
            owner = os.stat(os.path.dirname(folder))
            for path in (folder, self.path):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _entries(path: str) -> list[dict[str, object]]:
    """Read the file; a line that is no JSON (cut off when a disk was full) is passed over."""
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    found.append(entry)
    except FileNotFoundError:
        pass
    return found
