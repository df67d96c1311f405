"""How a container is, in Docker's words, and since when: read from its record and its lock."""

from __future__ import annotations

import os
import time
from typing import Any

STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
UNKNOWN = 255  # the exit code to show when nobody saw how a container ended, as Docker does
ZERO = "0001-01-01T00:00:00Z"  # Go's zero time: "never"


def state_of(record: dict[str, Any]) -> str:
    """Return Docker's word for how a container is.

    A record that says "running" while nobody holds the lock is of one that has ended unseen.
    """
    said = str(record["status"])
    if said == "unreadable":
        return "dead"
    if record["alive"]:
        return said if said in STATES else "running"
    return "created" if said == "created" else "exited"


def exit_code(record: dict[str, Any]) -> int | None:
    """Return the command's exit status; None where nobody saw it."""
    seen = record["status"] in ("exited", "restarting")
    code = record.get("exit_code") if seen else None
    return code if isinstance(code, int) else None


def moment(record: dict[str, Any], status: str) -> float:
    """Return when a container last became "created", "running" or "exited"; 0.0 for never.

    Seconds since 1970. Where its record is an old one, the files of its directory tell.
    """
    times = (record.get("facts") or {}).get("times")
    if isinstance(times, dict) and isinstance(times.get(status), int | float):
        return float(times[status])
    if status == "created":
        return changed(f"{record['directory']}/lock")  # made then, and never written
    if status == record["status"]:
        return changed(f"{record['directory']}/record.json")
    return 0.0


def changed(path: str) -> float:
    """Return when a file was last written; 0.0 when it is not there."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def ended(record: dict[str, Any]) -> float:
    """Return when a container ended; where nobody saw it, when it was last heard of.

    A keeper that was killed has left its last word in the lock file.
    """
    if when := moment(record, "exited"):
        return when
    heard = changed(f"{record['directory']}/lock") if exit_code(record) is not None else 0.0
    return heard or moment(record, "running")


def status_of(record: dict[str, Any], now: float | None = None) -> str:
    """Return what `ps` shows: "Up 5 minutes", "Exited (0) 2 hours ago", "Exited (?) …"."""
    now = time.time() if now is None else now
    state = state_of(record)
    if state in ("running", "paused"):
        since = span(now - (moment(record, "running") or moment(record, "created")))
        health = (record.get("health") or {}).get("Status") or ""
        notes = [health if health != "starting" else "health: starting"] if health else []
        notes += ["Paused"] if state == "paused" else []
        return " ".join([f"Up {since}", *(f"({note})" for note in notes)])
    code = exit_code(record)
    shown = f"({'?' if code is None else code}) {span(now - ended(record))} ago"
    if state in ("exited", "restarting"):
        return f"{state.capitalize()} {shown}"
    return state.capitalize() if state != "removing" else "Removal In Progress"


def span(seconds: float) -> str:
    """Say roughly how long that is, as Docker's units.HumanDuration does."""
    if seconds < 1:
        return "Less than a second"
    if seconds < 2:
        return "1 second"
    if seconds < 60:
        return f"{int(seconds)} seconds"
    minutes, hours = int(seconds // 60), int(seconds / 3600 + 0.5)
    for few, text in ((minutes < 2, "About a minute"), (minutes < 60, f"{minutes} minutes"),
                      (hours < 2, "About an hour"), (hours < 48, f"{hours} hours"),
                      (hours < 24 * 14, f"{hours // 24} days"),
                      (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
                      (hours < 24 * 365 * 2, f"{hours // 24 // 30} months")):  # fmt: skip
        if few:
            return text
    return f"{hours // 24 // 365} years"


def stamp(seconds: float) -> str:
    """Write a moment as Docker's JSON does; Go's zero time for 0."""
    if not seconds:
        return ZERO
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e9):09d}Z"
