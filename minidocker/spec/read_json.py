"""JSON, read by the C half of Python's json.

The package loads `re`: a third of the time of a verb of `oci`, 2 MB of a keeper.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

try:
    import _json

    make_scanner: Any = _json.make_scanner
except ImportError:  # another Python
    make_scanner = None

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
    if make_scanner is None:
        import json

        return json.loads(text)
    start = len(text) - len(text.lstrip(BLANK))
    try:
        found, end = make_scanner(Rules)(text, start)
    except StopIteration as problem:
        raise ValueError(f"a value is missing at character {problem.value}") from None
    if text[end:].strip(BLANK):
        raise ValueError(f"there is more after the end, at character {end}")
    return found
