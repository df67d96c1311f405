"""What lists print: Docker's tables, one JSON object a line, or a template for each row."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from minidocker.formats.template import Template
from minidocker.formats.values import Map, as_json

GAP = 3  # spaces between two columns, as Docker's tables have
NARROWEST = 10  # and so wide at least, the gap counted
AS_IT_IS = {
    name: lambda first, *_: first
    for name in ("json", "lower", "upper", "title", "join", "split", "pad", "truncate")
}


def show(
    rows: Sequence[Mapping[str, Any]], format: str, columns: Mapping[str, str], usual: str
) -> None:
    """Print rows as `format` says: "", "table", "table TEMPLATE", "json" or a template.

    `columns` gives a field's heading; `usual` is the template of the table when nothing is said.
    """
    told = format.strip().replace("\\t", "\t").replace("\\n", "\n")
    if told == "json":
        say("".join(f"{as_json(dict(row))}\n" for row in rows))
        return
    is_table = told in ("", "table") or told.startswith(("table ", "table\t"))
    if not is_table:
        template = Template(told)
        say("".join(f"{template.fill(row)}\n" for row in rows))
        return
    words = told.removeprefix("table").strip() or usual
    template = Template(words)
    heads = Map({**columns, "Label": lambda name: name.rpartition(".")[2].upper()})
    lines = [Template(words, AS_IT_IS).fill(heads), *(template.fill(row) for row in rows)]
    say("".join(f"{line}\n" for line in aligned([line.split("\t") for line in lines])))


def aligned(rows: list[list[str]]) -> list[str]:
    """Put the cells of rows under one another."""
    widths = [0] * max(map(len, rows))
    for row in rows:
        for number, cell in enumerate(row[:-1]):
            widths[number] = max(widths[number], len(cell) + GAP, NARROWEST)
    return [
        "".join(cell.ljust(widths[number]) for number, cell in enumerate(row[:-1])) + row[-1]
        for row in rows
    ]


def one_line(text: str) -> str:
    """Write a text so that it stays on its line: what cannot be printed as in Python."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(text: str) -> None:
    """Print text that may hold an image's words: on a terminal, no character that commands it."""
    if sys.stdout.isatty():
        text = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
    sys.stdout.flush()
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON can write it
        data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(1, data) :]
