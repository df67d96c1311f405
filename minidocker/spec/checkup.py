"""A checkup, as `spec.health` has it: Docker's Healthcheck, and what that means for a keeper.

    {"Test": ["CMD-SHELL", "wget -q localhost"], "Interval": 30000000000, "Retries": 3,
     "args": ["/bin/sh", "-c", "wget -q localhost"]}      times in nanoseconds, 0 is Docker's own
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

TIMES = ("Interval", "Timeout", "StartPeriod", "StartInterval")
SECOND = 10**9


class Times:
    """When to look, how long a look may take, and how many in a row have to fail. In seconds.

    `first` is between two looks while a container starts, which takes `start` at most.
    """

    __slots__ = ("args", "first", "interval", "retries", "shown", "start", "timeout")

    def __init__(self, asked: dict[str, Any]) -> None:
        self.args = [str(word) for word in asked.get("args") or ()]
        self.interval = (asked.get("Interval") or 30 * SECOND) / SECOND
        timeout = asked.get("Timeout") or 30 * SECOND
        self.timeout, self.shown = timeout / SECOND, written(timeout)
        self.start = (asked.get("StartPeriod") or 0) / SECOND
        self.first = (asked.get("StartInterval") or 5 * SECOND) / SECOND
        self.retries = int(asked.get("Retries") or 3)


def written(nanoseconds: int) -> str:
    """Write a duration as Go does: 30s, 1m30s, 250ms."""
    if nanoseconds < SECOND:
        return f"{nanoseconds / 10**6:g}ms"
    minutes, seconds = divmod(nanoseconds / SECOND, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{text}{seconds:.9g}s"
