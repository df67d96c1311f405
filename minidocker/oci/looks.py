"""Looks: what the kernel says of a container, read without anything that costs a start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def is_frozen(facts: dict[str, object]) -> bool:
    """Say whether every process of the container stands still, by whichever version. cgroups(7)"""
    files = [(f"{facts['cgroup']}/cgroup.events", "frozen 1")] if facts.get("cgroup") else []
    files += [(f"{one}/freezer.state", "FROZEN") for one in freezers(facts)]
    for path, word in files:
        try:
            with open(path, encoding="utf-8") as stream:
                if word in stream.read():
                    return True
        except OSError:
            pass  # it has just been removed
    return False


def freezers(facts: dict[str, object]) -> list[str]:
    """Return the container's cgroup in version 1's tree of the freezer, if there is one."""
    found = facts.get("cgroups")
    return [str(one) for one in found if "/freezer/" in str(one)] if isinstance(found, list) else []


def wait_for(done: Callable[[], bool], tries: int = 500) -> bool:
    """Look again and again, five seconds at most; say whether it came to be so."""
    from time import sleep

    for _ in range(tries):
        if done():
            return True
        sleep(0.01)
    return done()
