"""What arrives on the line from a cell is an enemy's data: size, depth and types are checked.

A scene's honest message is one JSON object with an `event`. Whoever runs in the cell can write
to the line as well, so nothing else than plain, small, shallow data comes through here.
"""

from __future__ import annotations

import json
from typing import Any

MOST_BYTES = 100_000
MOST_DEPTH = 20
MOST_MESSAGES = 20_000
"""More than this in one check is no scene of ours."""


class Noise(ValueError):
    """Not a message: the text says in which way."""


def parse(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return a message's event and facts; Noise when it is no message."""
    if len(data) > MOST_BYTES:
        raise Noise("too long")
    try:
        facts = json.loads(data.decode("utf-8"), parse_constant=str)
    except (ValueError, RecursionError):
        raise Noise("no JSON") from None
    if not isinstance(facts, dict) or not isinstance(facts.get("event"), str):
        raise Noise("no event")
    facts = _plain(facts, MOST_DEPTH)
    return facts.pop("event"), facts


def _plain(value: Any, depth: int) -> Any:
    """Return the value with strings that can be encoded: a lone surrogate becomes \\udc80."""
    if depth == 0:
        raise Noise("nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_plain(one, depth - 1) for one in value]
    if isinstance(value, dict):
        return {_plain(key, 1): _plain(one, depth - 1) for key, one in value.items()}
    return value


def ended(data: bytes) -> dict[str, Any]:
    """Return what process 1 of the cell says; {} when it is not what ours says."""
    try:
        answer = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
