"""Which files of a context count: .dockerignore, with `!`, `*`, `**` and `?`, as in Docker."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

from minidocker.build.wrong import BuildError


class Rule(NamedTuple):
    """One line: what it fits, and whether it takes files in again (`!`)."""

    fits: re.Pattern[str]
    keeps: bool


class Ignore:
    """The rules of a .dockerignore; the last that fits a path, or a directory above it, counts."""

    def __init__(self, text: str = "") -> None:
        lines = enumerate(text.lstrip("\ufeff").splitlines(), 1)
        self.rules = list(filter(None, map(_rule, lines)))
        self.has_exceptions = any(rule.keeps for rule in self.rules)

    def ignores(self, path: str) -> bool:
        """Say whether a path (from the context's root, without "/" before it) is left out."""
        ignored = False
        for rule in self.rules:
            if rule.keeps == ignored and rule.fits.fullmatch(path):
                ignored = not rule.keeps
        return ignored


def _rule(numbered: tuple[int, str]) -> Rule | None:
    number, line = numbered
    text = line.strip() if not line.startswith("#") else ""
    keeps = text.startswith("!")
    text = text[keeps:].strip()
    if not text:
        return None
    text = posixpath.normpath(text).lstrip("/")
    if text in ("", "."):
        return None
    try:
        return Rule(re.compile(expression(text) + "(/.*)?", re.DOTALL), keeps)
    except re.error:
        raise BuildError(0, f".dockerignore:{number}: {line!r} is no pattern", "*.log") from None


def expression(pattern: str) -> str:
    """Turn a pattern into a regular expression: * and ? stop at "/", ** does not."""
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
                out += "(.*/)?"
            else:
                out += ".*"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and (found := _set(pattern, at)):
            out += found[0]
            at = found[1]
        elif char == "\\" and at < len(pattern):
            out += re.escape(pattern[at])
            at += 1
        else:
            out += re.escape(char)
    return out


def _set(pattern: str, at: int) -> tuple[str, int] | None:
    """Read a set such as [a-z] or [^.]: (its expression, where it ends); None without an end."""
    end = pattern.find("]", at + 1)
    if end < 0:
        return None
    inner = pattern[at:end]
    negated = inner.startswith("^")
    body = re.sub(r"([\[\\&~|^]|-(?=-))", r"\\\1", inner[negated:])
    return f"(?!/)[{'^' * negated}{body}]", end + 1


def is_glob(text: str) -> bool:
    """Say whether a name has marks of a pattern in it."""
    return bool(set(text) & set("*?["))


def matches(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the names (without "/") that fit one part of a pattern: see path.Match of Go."""
    fits = re.compile(expression(pattern.replace("**", "*")), re.DOTALL)
    return [name for name in names if fits.fullmatch(name)]
