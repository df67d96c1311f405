"""Dockerfile, first reading: from a text to directives and whole lines, heredocs beside them.

    # escape=`            a directive: only before everything else
    RUN a `               continued; comments and empty lines in between do not count
    RUN <<EOF             what follows up to EOF belongs to this line

See the reference of Dockerfiles at docs.docker.com; where that is silent, BuildKit decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from minidocker.build.wrong import BuildError

LARGEST = 4 << 20  # characters of a Dockerfile
DIRECTIVES = ("syntax", "escape", "check")
WITH_HEREDOC = ("RUN", "COPY", "ADD")
_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*$")
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]+)")


class Heredoc(NamedTuple):
    """A text in the Dockerfile: `expand` says that variables in it count (its name had no quotes).

    `chomp` (`<<-`): tabs before each line are taken off.
    """

    name: str
    text: str
    expand: bool
    chomp: bool


class Line(NamedTuple):
    """One instruction as written, on one line; `number` is where it begins, from 1."""

    number: int
    text: str
    heredocs: list[Heredoc]
    source: str


class Text(NamedTuple):
    """A Dockerfile after the first reading."""

    directives: dict[str, str]
    escape: str
    lines: list[Line]


def read(text: str) -> Text:
    """Split a Dockerfile's text into directives and whole lines."""
    if len(text) > LARGEST:
        raise BuildError(0, f"the Dockerfile has more than {LARGEST >> 20} MiB")
    if "\0" in text:
        raise BuildError(text[: text.index("\0")].count("\n") + 1, "there is a NUL in this line")
    raw = text.removeprefix("\ufeff").split("\n")
    rows = [row.removesuffix("\r") for row in raw]
    directives = _directives(rows)
    escape = directives.get("escape", "\\")
    return Text(directives, escape, list(_lines(rows, raw, escape)))


def _directives(rows: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        match = _DIRECTIVE.match(row.strip())
        key = match[1].lower() if match else ""
        if not match or key not in DIRECTIVES:
            break
        if key in found:
            raise BuildError(
                number, f"the directive {key} stands here a second time", "leave one of them",
                f"only one {key} parser directive can be used",
            )  # fmt: skip
        if key == "escape" and match[2] not in ("\\", "`"):
            raise BuildError(
                number, f"the escape character cannot be {match[2]!r}", "# escape=`   or   \\",
                f"invalid ESCAPE '{match[2]}'. Must be ` or \\",
            )  # fmt: skip
        found[key] = match[2]
    return found


def _lines(rows: list[str], raw: list[str], escape: str) -> Iterator[Line]:
    sign = re.escape(escape)
    continued = re.compile(rf"(?:(?<!{sign})|^){sign}[ \t]*$")
    at = 0
    while at < len(rows):
        first, row = at, rows[at].lstrip()
        at += 1
        if not row or row.startswith("#"):
            continue
        text = ""
        while match := continued.search(row):
            text += row[: match.start()]
            while at < len(rows) and (not (bare := rows[at].strip()) or bare.startswith("#")):
                at += 1
            if at == len(rows):
                row = ""
                break
            row = rows[at]
            at += 1
        text = (text + row).rstrip()
        if not text:
            continue
        heredocs = []
        # A file that COPY writes keeps its line ends, as in Docker; no shell can read "\r\n".
        bodies = rows if text[:3].upper() == "RUN" else raw
        for name, expand, chomp in heredoc_names(text, escape):
            content, at = _content(bodies, at, name, chomp, first + 1)
            heredocs.append(Heredoc(name, content, expand, chomp))
        yield Line(first + 1, text, heredocs, "\n".join(rows[first:at]))


def _content(
    rows: list[str], at: int, name: str, chomp: bool, number: int
) -> tuple[str, int]:
    """Return a heredoc's text, and where the rest of the file begins."""
    found: list[str] = []
    for index in range(at, len(rows)):
        row = rows[index].lstrip("\t") if chomp else rows[index]
        if row.rstrip("\r") == name:
            return "".join(line + "\n" for line in found), index + 1
        found.append(row)
    raise BuildError(
        number, f"the text after <<{name} has no end", f"a line that is {name} alone",
        f"unterminated heredoc: {name}",
    )  # fmt: skip


def heredoc_names(text: str, escape: str) -> list[tuple[str, bool, bool]]:
    """Return (name, expand, chomp) for each heredoc that a line asks for."""
    words = raw_words(text, escape)
    while words and words[0].upper() == "ONBUILD":
        words = words[1:]
    if not words or words[0].upper() not in WITH_HEREDOC:
        return []
    found: list[tuple[str, bool, bool]] = []
    for word in words[1:]:
        match = _HEREDOC.fullmatch(word)
        if match:
            name = match[3].replace(escape, "").strip("'\"")
            found.append((name, name == match[3], bool(match[2])))
    return [one for one in found if one[0]]


def raw_words(text: str, escape: str) -> list[str]:
    """Split at blanks that are neither quoted nor escaped; quotes and escapes stay."""
    words: list[str] = []
    word = quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'" and at + 1 < len(text):
            word += text[at : at + 2]
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char.isspace():
            words, word = ([*words, word] if word else words), ""
            at += 1
            continue
        word += char
        at += 1
    return [*words, word] if word else words
