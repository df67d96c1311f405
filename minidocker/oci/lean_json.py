"""JSON, read by the C half of Python's json: the package loads `re`, a third of a verb's time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLANK = " \t\n\r"


class Rules:
    """What the scanner asks for: how numbers and objects are made. json.decoder.JSONDecoder"""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    memo: dict[str, str] = {}

    @staticmethod
    def parse_constant(name: str) -> Any:
        """Refuse NaN and Infinity, which are no JSON."""
        raise ValueError(f"{name} is no JSON")


def loads(text: str) -> Any:
    """Return what the text says; ValueError when it is no JSON. As json.loads"""
    try:
        from _json import make_scanner
    except ImportError:  # another Python
        import json

        return json.loads(text)
    start = len(text) - len(text.lstrip(BLANK))
    try:
        scan: Any = make_scanner
        found, end = scan(Rules)(text, start)
    except StopIteration as problem:
        raise ValueError(f"a value is missing at character {problem.value}") from None
    if text[end:].strip(BLANK):
        raise ValueError(f"there is more after the end, at character {end}")
    return found
