"""The functions of templates: Go's own that people use with Docker, and Docker's."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from minidocker.formats.values import MISSING, as_json, is_true, shown

WIDEST = 10_000  # characters that a number in printf, pad or truncate may ask for


class Wrong(Exception):
    """A function cannot take such arguments; `str` says why, in Go's words."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong(f"wrong type for value; expected string; got {kind(value)}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong(f"wrong type for value; expected int; got {kind(value)}")
    return value


def kind(value: object) -> str:
    """Return Go's name for the type of a value."""
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]string"}
    if value is None or value is MISSING:
        return "nil"
    return names.get(type(value), "map" if isinstance(value, dict) else type(value).__name__)


def index(value: object, *keys: object) -> object:
    """Return value[key1][key2]…; a map gives "" for a key that it lacks."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(_text(key), "")
        elif isinstance(value, list | str):
            number = _number(key)
            if not 0 <= number < len(value):
                raise Wrong(f"error calling index: index out of range: {number}")
            value = value[number] if isinstance(value, list) else value.encode()[number]
        elif value in (None, MISSING):
            raise Wrong("error calling index: index of untyped nil")
        else:
            raise Wrong(f"error calling index: can't index item of type {kind(value)}")
    return value


def slice_of(value: object, *ends: object) -> object:
    """Return value[a:b]."""
    if not isinstance(value, list | str):
        raise Wrong(f"error calling slice: can't slice item of type {kind(value)}")
    first, last = [*map(_number, ends), *(0, len(value))[len(ends) :]][:2]
    if not 0 <= first <= last <= len(value) or len(ends) > 2:
        raise Wrong(f"error calling slice: index out of range: {last}")
    return value[first:last]


def length(value: object) -> int:
    """Return how many elements, or bytes of a string."""
    if isinstance(value, str):
        return len(value.encode(errors="surrogateescape"))
    if isinstance(value, list | tuple | dict):
        return len(value)
    raise Wrong(f"error calling len: len of type {kind(value)}")


def join(values: object, between: object) -> str:
    """Write a list as one string."""
    if values is None:
        return ""
    if not isinstance(values, list):
        raise Wrong(f"wrong type for value; expected []string; got {kind(values)}")
    return _text(between).join(map(_text, values))


def compare(name: str) -> Callable[..., bool]:
    """Return eq, ne, lt, le, gt or ge; eq takes more than two, and holds where one fits."""
    done: Callable[[Any, Any], bool] = getattr(operator, name)

    def function(first: object, *others: object) -> bool:
        if not others:
            raise Wrong(f"error calling {name}: missing argument for comparison")
        for other in others:
            nothing = name in ("eq", "ne") and (None in (first, other))
            if not nothing and (kind(first) != kind(other) or isinstance(first, dict | list)):
                raise Wrong(f"error calling {name}: incompatible types for comparison")
        return any(done(first, other) for other in others)

    return function


def sprint(*values: object) -> str:
    """Write values side by side: a space between two of which neither is a string. fmt.Sprint"""
    made = ""
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            made += " "
        made += shown(value, True)
    return made


def printf(pattern: object, *values: object) -> str:
    """Write values after a pattern: %s %v %d %t %q %x %f, with widths. fmt.Sprintf"""
    left = list(values)

    def one(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        if max(int(width or 0), int(precision or 0)) > WIDEST:
            raise Wrong(f"error calling printf: the width {width or precision} is too large")
        value = left.pop(0)
        text = _verb(verb, value, precision)
        fill = "0" if "0" in flags and "-" not in flags else " "
        if "+" in flags and verb == "d":
            text = text if text.startswith("-") else f"+{text}"
        return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0), fill)

    made = re.sub(r"%([-+ 0#]*)(\d*)(?:\.(\d*))?(.)", one, _text(pattern))
    extra = ", ".join(f"{kind(value)}={shown(value, True)}" for value in left)
    return made + (f"%!(EXTRA {extra})" if left else "")


def _verb(verb: str, value: object, precision: str | None) -> str:
    """Write one value as its verb says; Go's own marks for one that does not fit."""
    number = isinstance(value, int) and not isinstance(value, bool)
    if verb == "v":
        return shown(value, True)
    if verb == "s" and not number:
        text = shown(value, True)
        return text if precision is None else text[: int(precision or 0)]
    if verb == "q" and isinstance(value, str):
        return as_json(value)
    if verb == "d" and number:
        return str(value)
    if verb == "t" and isinstance(value, bool):
        return shown(value)
    if verb in "xX" and number:
        return format(value, verb)
    if verb in "xX" and isinstance(value, str):
        hexes = value.encode(errors="surrogateescape").hex()
        return hexes if verb == "x" else hexes.upper()
    if verb in "fge" and isinstance(value, float):
        return f"{value:.{precision or 6}{verb}}"
    return f"%!{verb}({kind(value)}={shown(value, True)})"


def pad(text: object, before: object, after: object) -> str:
    """Put spaces before and after a text that is not empty."""
    left, right = _number(before), _number(after)
    if not 0 <= left <= WIDEST or not 0 <= right <= WIDEST:
        raise Wrong(f"error calling pad: {left}, {right} are too many spaces")
    return f"{' ' * left}{_text(text)}{' ' * right}" if text else ""


def split(text: str, between: str) -> list[str]:
    """Cut a text at each place where another stands; "" cuts it into its characters."""
    return text.split(between) if between else list(text)


def truncate(text: object, most: object) -> str:
    """Cut a text after so many characters."""
    return _text(text)[: max(0, _number(most))]


FUNCTIONS: dict[str, Callable[..., object]] = {
    **{name: compare(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "index": index,
    "join": join,
    "json": as_json,
    "len": length,
    "lower": lambda text: _text(text).lower(),
    "not": lambda value: not is_true(value),
    "pad": pad,
    "print": sprint,
    "printf": printf,
    "println": lambda *values: " ".join(shown(value, True) for value in values) + "\n",
    "slice": slice_of,
    "split": lambda text, between: split(_text(text), _text(between)),
    "title": lambda text: re.sub(r"(?<!\w)\w", lambda m: m[0].upper(), _text(text)),
    "truncate": truncate,
    "upper": lambda text: _text(text).upper(),
}
