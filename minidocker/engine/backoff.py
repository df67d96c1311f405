"""What a policy of --restart means: when a container starts again, and after how long a wait."""

from __future__ import annotations

FIRST, LONGEST = 0.1, 60.0  # seconds of waiting: doubled at each start, as in Docker
HEALTHY = 10.0  # so many seconds of running, and the next wait is the first again

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


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


def supervise(
    start: Callable[[], tuple[int | None, bool]], policy: dict[str, Any] | None, clock: Any
) -> int | None:
    """Run a container as its policy says until it shall stay as it is; return its last status.

    start() returns (status, stopped). clock.now() is the time; clock.sleep(seconds) returns False
    when somebody has stopped it meanwhile.
    """
    wait, count = 0.0, 0
    while True:
        began = clock.now()
        status, stopped = start()
        if not wanted(policy, status, stopped, count):
            return status
        wait, count = delay(wait, clock.now() - began), count + 1
        if not clock.sleep(wait):
            return status
