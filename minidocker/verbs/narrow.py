"""Lists of `volume` and `network`: which of them a word is about, and what is shown of each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minidocker.errors import FlagError
from minidocker.spec.filters import Filters, OneOf, Test, has_label, pattern
from minidocker.verbs.logs import moment

Row = Mapping[str, Any]
TRUE, FALSE = ("1", "true"), ("0", "false")


def add_filter(parser: argparse.ArgumentParser, names: str, short: bool = True) -> None:
    """Add --filter; Docker gives its short form, too, to the words where -f is nothing else."""
    parser.add_argument(
        *(["-f"] if short else []), "--filter", action="append", default=[], metavar="NAME=VALUE",
        help=f"only these, by {names}",
    )  # fmt: skip


def narrow(rows: Sequence[Row], texts: Sequence[str], tests: Mapping[str, Test]) -> list[Row]:
    """Return the rows that are asked for."""
    asked = Filters(texts, tests)
    return [row for row in rows if asked.fit(row)]


def by_text(key: str) -> Test:
    """Take rows in which a pattern occurs; a text that is no pattern is taken as it is."""

    def test(value: str) -> Callable[[Row], bool]:
        asked = pattern(value)
        return lambda row: bool(asked.search(row[key]))

    return test


def by_word(key: str) -> Test:
    """Take rows that have just this word."""
    return lambda value: lambda row: bool(row[key] == value)


def by_switch(key: str) -> Test:
    """Take rows where it is so, or those where it is not."""

    def test(value: str) -> Callable[[Row], bool]:
        if value not in TRUE + FALSE:
            raise OneOf("true", "false")
        return lambda row: bool(row[key]) == (value in TRUE)

    return test


def older_than(key: str) -> Test:
    """Take rows that were made before a moment: "24h" ago, or a date. `key` is in seconds."""

    def test(value: str) -> Callable[[Row], bool]:
        until = moment(value, "--filter until")
        made = "%Y-%m-%dT%H:%M:%S"
        return lambda row: time.strftime(made, time.gmtime(row[key])) < until

    return test


def by_label(value: str) -> Callable[[Row], bool]:
    """Take rows with this label: NAME, or NAME=VALUE."""
    return lambda row: has_label(row["Labels"], value)


def without_label(value: str) -> Callable[[Row], bool]:
    """Take rows without it."""
    fits = by_label(value)
    return lambda row: not fits(row)


def cells(rows: Sequence[Row], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what a table or a template shows of rows: labels as a text, and one label by name."""
    return [
        {**{key: row[key] for key in columns},
         "Labels": ",".join(f"{k}={v}" for k, v in sorted(row["Labels"].items())),
         "Label": lambda name, labels=row["Labels"]: labels.get(name, "")}
        for row in rows
    ]  # fmt: skip


def labels_of(texts: Sequence[str]) -> dict[str, str]:
    """Read --label NAME[=VALUE]; the last one of a name counts."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name.strip() or any(character.isspace() for character in name.strip()):
            what = f"invalid label '{text}': empty name" if not name.strip() else (
                f"label '{text}' contains whitespaces"
            )  # fmt: skip
            raise FlagError(
                f"--label {text!r} has no name that could be looked for", "--label NAME=VALUE",
                docker=f'invalid argument "{text}" for "--label" flag: {what}',
            )  # fmt: skip
        found[name.strip()] = value
    return found
