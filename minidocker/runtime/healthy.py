"""How a container's health is written down, and how one more answer changes it.

    ROOT/containers/ID/health    {"Status", "FailingStreak", "Log"}, as `inspect` shows it

Beside the record, which is written when the container's state changes. moby's daemon/health.go
"""

from __future__ import annotations

import os

from minidocker.places import at_once
from minidocker.spec.lean_json import to_json
from minidocker.spec.read_json import loads

TYPE_CHECKING = False  # a keeper that loads typing and json holds 3 MB more, for years
if TYPE_CHECKING:
    from typing import Any

FILE = "health"
STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
FIRST: dict[str, Any] = {"Status": STARTING, "FailingStreak": 0, "Log": []}


def read(directory: str) -> dict[str, Any] | None:
    """Return what was written last; None where nobody has, or it is no whole text."""
    try:
        with open(f"{directory}/{FILE}", encoding="utf-8", opener=at_once) as stream:
            found = loads(stream.read())
        whole = isinstance(found["Log"], list) and isinstance(found["FailingStreak"], int)
        return dict(found) if whole and found["Status"] in (STARTING, HEALTHY, UNHEALTHY) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write(directory: str, known: dict[str, Any]) -> None:
    """Write it, in a new file; a full disk keeps the old one, and holds nobody up."""
    path = f"{directory}/{FILE}"
    try:
        with open(f"{path}.new", "w", encoding="ascii") as stream:
            stream.write(to_json(known))
        os.rename(f"{path}.new", path)
    except OSError:
        pass


def give_up(directory: str) -> None:
    """Nobody can look any more: as in Docker, what nobody looks at is not healthy."""
    if found := read(directory):
        write(directory, {**found, "Status": UNHEALTHY})


def apply(record: dict[str, Any], directory: str) -> None:
    """Put a container's health into its record, where somebody looks at it."""
    spec = record.get("spec")
    if isinstance(spec, dict) and (spec.get("health") or {}).get("args"):
        if found := read(directory):
            record["health"] = found
        elif record["status"] == "running":
            record["health"] = FIRST


def follow(known: dict[str, Any], code: int, retries: int, starts: bool) -> dict[str, Any]:
    """Return the health after an answer; while a container `starts`, no failure counts."""
    if code == 0:
        return {**known, "Status": HEALTHY, "FailingStreak": 0}
    if starts and known["Status"] == STARTING:
        return dict(known)
    streak = known["FailingStreak"] + 1
    status = UNHEALTHY if streak >= retries else known["Status"]
    return {**known, "Status": status, "FailingStreak": streak}
