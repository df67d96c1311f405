"""--filter NAME=VALUE: the one reader of every word that has it, and its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minidocker.errors import FlagError, MinidockerError, UsageError

Fits = Callable[[Any], bool]  # is a row, a record or an event asked for?
Test = Callable[[str], Fits]  # a filter's value → that question; ValueError: there is no such value
ALL_OF_THEM = ("label", "label!")  # of the others one value is enough


class OneOf(ValueError):
    """A filter's value must be one of these words."""


class Filters:
    """What several --filter ask for: one value of a name is enough, but each label must be there.

    `tests` has the filters that a word knows. An empty text asks for nothing, as in Docker.
    """

    def __init__(self, texts: Sequence[str], tests: Mapping[str, Test]) -> None:
        self.asked: dict[str, list[Fits]] = {}
        known = f"--filter NAME=VALUE with one of: {' '.join(sorted(tests))}"
        for text in filter(None, texts):
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals:
                raise FlagError(
                    f"--filter {text!r} is not NAME=VALUE", known,
                    docker=f'invalid argument "{text}" for "-f, --filter" flag: '
                    "bad format of filter (expected name=value)",
                )  # fmt: skip
            name = name.lower()
            if name not in tests:
                raise UsageError(
                    f"--filter {text!r} is no filter of ours", known, 1, f"invalid filter '{name}'"
                )
            try:
                self.asked.setdefault(name, []).append(tests[name](value))
            except ValueError as problem:
                raise no_value(text, name, value, problem, known) from None

    def __contains__(self, name: str) -> bool:
        return name in self.asked

    def fit(self, row: Any) -> bool:
        """Say whether something is asked for."""
        return all(
            (all if name in ALL_OF_THEM else any)(one(row) for one in each)
            for name, each in self.asked.items()
        )


def no_value(text: str, name: str, value: str, problem: ValueError, known: str) -> MinidockerError:
    """Say that a filter has not this value."""
    one_of = isinstance(problem, OneOf)
    remedy = f"--filter {name}=… with one of: {' '.join(problem.args)}" if one_of else known
    said = f"invalid filter '{name}={value}'"
    return UsageError(f"--filter {text!r} has no such value", remedy, 1, said)


def pattern(value: str) -> re.Pattern[str]:
    """Read a value as a regular expression; a text that is none is taken as it is."""
    try:
        return re.compile(value)
    except re.error:
        return re.compile(re.escape(value))


def has_label(labels: Mapping[str, str], value: str) -> bool:
    """Say whether there is this label: NAME, or NAME=VALUE."""
    name, equals, wanted = value.partition("=")
    return name in labels and (not equals or labels[name] == wanted)
