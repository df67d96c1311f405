"""Values as a template sees them, and how Go writes them.

What is a struct in Docker is a dict here: a field that it lacks is an error, None a
pointer to nothing. Where the keys are a user's own, as of labels, it is a Map: what it lacks is
"<no value>".
"""

from __future__ import annotations

import json
from typing import Any


class Map(dict[str, Any]):
    """A map of Go's: its keys are data, not names of fields."""


class Missing:
    """What a Map gives for a key that it lacks."""


class NoList(list[Any]):
    """A list of Go's that was never made: `[]` in a template, `null` in JSON."""


class NoMap(Map):
    """A map of Go's that was never made."""


MISSING = Missing()
NO_LIST, NO_MAP = NoList(), NoMap()


def shown(value: object, inner: bool = False) -> str:
    """Write a value as Go's fmt does with %v."""
    if value is MISSING:
        return "<no value>"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Map):
        return f"map[{' '.join(f'{key}:{shown(value[key], True)}' for key in sorted(value))}]"
    if isinstance(value, dict):
        return "{" + " ".join(shown(each, True) for each in value.values()) + "}"
    if isinstance(value, list | tuple):
        return f"[{' '.join(shown(each, True) for each in value)}]"
    return str(value)


def is_true(value: object) -> bool:
    """Say whether {{if}} takes it: what is empty, zero or nothing counts as false."""
    if isinstance(value, dict) and not isinstance(value, Map):
        return True
    return value is not MISSING and bool(value)


def as_json(value: object, indent: int | None = None) -> str:
    """Write a value as Go's encoding/json does: maps sorted by key, structs in their order."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(_plain(value), indent=indent, separators=separators, ensure_ascii=False)


def _plain(value: object) -> object:
    if value is MISSING or isinstance(value, NoList | NoMap):
        return None
    if isinstance(value, Map):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if not callable(each)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
