"""Outcomes: pass, fail, blocked, error, not_started; and the exceptions that a check ends with.

    Fail         the learner's code did not do what was asked: a code, and what was seen
    NotStarted   the function is still the starter's, or raises NotImplementedError
    Blocked      (minidocker.errors) this machine cannot show it
    anything else is an error: the grader's own fault
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from minidocker.course.messages import sentence

PASS, FAIL, BLOCKED, ERROR, NOT_STARTED = "pass", "fail", "blocked", "error", "not_started"
AS_GIVEN = "MD9017"
"""The code of a pass that earns nothing: the example holds as the course has given it."""
OF_THE_FILE = ("MD9001", "MD9002", "MD9003", "MD9014", "MD9019")
"""The codes of a file that no check could try: Python cannot read it, or a name is not there."""
OUTCOMES = (PASS, FAIL, BLOCKED, ERROR, NOT_STARTED)


def inert(text: str) -> str:
    """Return a text that only shows: control and direction characters as \\x1b, surrogates too."""
    return "".join(one if _harmless(one) else _escaped(one) for one in text)


def _harmless(one: str) -> bool:
    return one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(one: str) -> str:
    code = ord(one)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Fail(Exception):
    """The learner's code did not do what was asked.

    code: a key of the lessons' [messages], whose sentence is filled with `facts`.
    ran, expected, kernel: one line each: what was run, what was expected, what the kernel showed.
    lines: ("GOOD" | "BAD" | "MISSING", text) where lists are compared.
    """

    def __init__(
        self,
        code: str,
        *,
        ran: str = "",
        expected: str = "",
        kernel: str = "",
        lines: Sequence[tuple[str, str]] = (),
        trace: str = "",
        **facts: Any,
    ) -> None:
        self.code = code
        self.sentence = sentence(code, **facts)
        self.ran, self.expected, self.kernel = ran, expected, kernel
        self.lines = list(lines)
        self.trace = trace
        self.printed = ""
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """The whole message: the sentence, then one line for each thing that was seen."""
        parts = [self.sentence]
        for name, value in (
            ("ran", self.ran), ("expected", self.expected), ("seen", self.kernel)
        ):  # fmt: skip
            if value:
                parts.append(f"  {name:<9} {value}")
        parts += [f"  {word:<9} {text}" for word, text in self.lines]
        parts += ["  " + line for line in self.trace.splitlines()]
        parts += [f"  {'printed':<9} {line[:100]}" for line in self.printed.splitlines()[:5]]
        return inert("\n".join(parts))


class NotStarted(Exception):
    """The function is as the starter has it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not started.")
        self.code = "MD9010"


@dataclass(slots=True)
class Result:
    """One check's outcome for one subject; `earned` is 0 unless it passed."""

    subject: str
    lesson: str
    check: str
    title: str
    points: int
    outcome: str
    message: str = ""
    code: str = ""
    seconds: float = 0.0
    earned: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the check as the JSON report has it."""
        return {
            "id": self.check,
            "title": self.title,
            "outcome": self.outcome,
            "points": self.points,
            "earned": self.earned,
            "message": self.message,
            "code": self.code,
            "seconds": round(self.seconds, 3),
        }


def exit_code(outcomes: Iterable[str]) -> int:
    """4 if anything is error, else 1 if anything failed or was not started, else 3 if blocked."""
    found = set(outcomes)
    if ERROR in found:
        return 4
    if found & {FAIL, NOT_STARTED}:
        return 1
    return 3 if BLOCKED in found else 0


def compared(
    expected: dict[str, Any] | set[Any], seen: dict[str, Any] | set[Any]
) -> list[tuple[str, str]]:
    """Compare two dictionaries or sets: GOOD, BAD and MISSING lines; an extra entry is BAD."""
    if isinstance(expected, set):
        expected = dict.fromkeys(sorted(expected, key=str), "there")  # the same order each time
    if not isinstance(seen, dict):
        seen = dict.fromkeys(sorted(seen, key=str), "there")
    lines = []
    for name, value in expected.items():
        shown = "" if value == "there" else f" {value}"
        if name not in seen:
            lines.append(("MISSING", f"{name}{shown}"))
        elif _alike(value, seen[name]):
            lines.append(("GOOD", f"{name}{shown}"))
        else:
            lines.append(("BAD", f"{name}: expected {value!r}, got {seen[name]!r}"))
    for name in seen:
        if name not in expected:
            shown = "" if seen[name] == "there" else f" {seen[name]!r}"
            lines.append(("BAD", f"{name}{shown}: not expected"))
    return lines


def _alike(expected: Any, seen: Any) -> bool:
    """Say whether two values are equal and of one kind: 1, 1.0 and True are three values here."""
    kinds = (bool, float)
    same = all(isinstance(expected, kind) == isinstance(seen, kind) for kind in kinds)
    return same and bool(expected == seen)


def good(lines: Iterable[tuple[str, str]]) -> bool:
    """Say whether every line is GOOD."""
    return all(word == "GOOD" for word, _ in lines)
