"""A table of somebody else's, in which some cells are filled and every other byte is kept."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from minidocker.errors import UsageError

BOM = "\ufeff"
Span = tuple[int, int, str]
"""Where a cell begins and ends in the text, quotes included, and what it says."""


@dataclass
class Sheet:
    """The table: its text, and for each row the cells with their places."""

    name: str
    text: str
    comma: str
    rows: list[list[Span]]
    code: str = "utf-8"

    def say(self, row: int, column: int) -> str:
        """Return what a cell says; "" when the row is too short."""
        cells = self.rows[row]
        return cells[column][2] if column < len(cells) else ""

    def head(self) -> list[str]:
        """Return the first row's texts."""
        return [cell[2].strip() for cell in self.rows[0]] if self.rows else []

    def filled(self, cells: dict[tuple[int, int], str]) -> bytes:
        """Return the table with these (row, column) cells filled in, and nothing else changed."""
        text = self.text
        for (row, column), value in sorted(cells.items(), reverse=True):
            if column >= len(self.rows[row]):
                line = f"row {row + 1} of {self.name} is too short for its column {column + 1}"
                raise UsageError(line, "download the table again")
            begin, end, _ = self.rows[row][column]
            text = text[:begin] + self.quoted(value) + text[end:]
        return text.encode(self.code)

    def quoted(self, value: str) -> str:
        """Return a value as this table writes it."""
        if any(sign in value for sign in (self.comma, '"', "\n", "\r")):
            return '"' + value.replace('"', '""') + '"'
        return value


def read(name: str, data: bytes) -> Sheet:
    """Read a table: with or without a mark in front, comma, semicolon or tab."""
    text, code = decoded(name, data)
    first = [re.sub(r'"[^"]*"', "", line) for line in text.removeprefix(BOM).splitlines()[:3]]
    comma = max(",;\t", key=lambda sign: [line.count(sign) for line in first])  # the head's most
    return Sheet(name, text, comma, _rows(name, text, comma), code)


def decoded(name: str, data: bytes) -> tuple[str, str]:
    """Return a table's text, its mark included, and its code: UTF-8, or UTF-16 with its mark."""
    marks = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    code = marks.get(data[:2], "utf-8")
    try:
        return data.decode(code), code
    except UnicodeDecodeError as problem:
        said = f"{name} is not in {code.upper()[:6].rstrip('-')} (byte {problem.start})"
        raise UsageError(said, "download it again, and do not save it by Excel") from None


def _rows(name: str, text: str, comma: str) -> list[list[Span]]:
    rows: list[list[Span]] = []
    at, row = len(BOM) if text.startswith(BOM) else 0, list[Span]()
    while at < len(text):
        begin = at
        if text[at] == '"':
            at += 1
            while True:
                at = text.find('"', at)
                if at < 0:
                    said = f"{name}: the quote that opens in row {len(rows) + 1} never closes"
                    raise UsageError(said, "download the table again")
                if text[at + 1 : at + 2] != '"':
                    break
                at += 2
            at += 1
            said = text[begin + 1 : at - 1].replace('""', '"')
            if text[at : at + 1] not in ("", comma, "\n", "\r"):
                told = f"{name}: in row {len(rows) + 1} something stands behind a closing quote"
                raise UsageError(told, "download the table again")
        else:
            while at < len(text) and text[at] not in (comma, "\n", "\r"):
                at += 1
            said = text[begin:at]
        row.append((begin, at, said))
        if text[at : at + 1] == comma:
            at += 1
            if at < len(text):
                continue
            row.append((at, at, ""))
        rows.append(row)
        row = []
        at += 2 if text[at : at + 2] == "\r\n" else 1
    return rows


def safe(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: an enemy may be called =cmd()."""
    if isinstance(value, str) and value.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + value
    return value


def written(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of our own, its texts inert."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(head)
    table.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def number(value: float | None) -> str:
    """Return a score as platforms write it: at two decimals, with no zeros behind."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
