"""Looks: what the kernel says of a container, read without anything that costs a start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def is_frozen(facts: dict[str, object]) -> bool:
    """Say whether every process of the container stands still. cgroups(7)"""
    directory = str(facts.get("cgroup", ""))
    try:
        with open(f"{directory}/cgroup.events", encoding="ascii") as stream:
            return "frozen 1" in stream.read() if directory else False
    except OSError:
        return False


def in_user_namespace() -> bool:
    """Say whether our root is not the host's. user_namespaces(7)"""
    with open("/proc/self/uid_map", encoding="ascii") as stream:
        return stream.read().split() != ["0", "0", "4294967295"]


def wait_for(done: Callable[[], bool], tries: int = 500) -> bool:
    """Look again and again, five seconds at most; say whether it came to be so."""
    from time import sleep

    for _ in range(tries):
        if done():
            return True
        sleep(0.01)
    return done()
