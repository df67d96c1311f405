"""--restart: when a container that has ended is started again, and how long that waits."""

from __future__ import annotations

from minidocker.errors import UsageError

FIRST, LONGEST = 0.1, 60.0  # seconds of waiting: doubled at each start, as in Docker
HEALTHY = 10.0  # so many seconds of running, and the next wait is the first again
NAMES = ("no", "always", "unless-stopped", "on-failure")

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any


def parse(text: str, option: str) -> dict[str, object] | None:
    """Read no, always, unless-stopped or on-failure[:TIMES], as Docker writes it in `inspect`."""
    name, colon, times = text.partition(":")
    if name not in NAMES and text:
        raise UsageError(
            f"{option} {text!r} is none of {', '.join(NAMES)}", f"{option} on-failure:3",
            docker=f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'",
        )  # fmt: skip
    if colon and (name != "on-failure" or not times.isdecimal()):
        raise UsageError(
            f"{option} {text!r}: only on-failure takes a number of times", "on-failure:3",
            docker="invalid restart policy: maximum retry count must be an integer"
            if name == "on-failure"
            else "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        )  # fmt: skip
    if name in ("", "no"):
        return None
    return {"Name": name, "MaximumRetryCount": int(times or 0)}


def wanted(policy: dict[str, Any] | None, status: int | None, stopped: bool, count: int) -> bool:
    """Say whether to start again what ended with this status (None: unknown), `count` times so far.

    What somebody has stopped stays so.
    """
    if not policy or stopped:
        return False
    if policy["Name"] != "on-failure":
        return True
    most = policy["MaximumRetryCount"]
    return status != 0 and (not most or count < most)


def delay(last: float, ran: float) -> float:
    """Return the seconds to wait, after a wait of `last` and a run of `ran` seconds."""
    return FIRST if not last or ran >= HEALTHY else min(2 * last, LONGEST)
