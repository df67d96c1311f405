"""Faults that our registry commits when asked: what a client must notice, or survive."""

from __future__ import annotations

import threading

from minidocker.errors import UsageError

# name: (how often if not said; 0 is always, what goes wrong)
FAULTS = {
    "tampered": (0, "one byte of each blob is another one"),
    "wrong-size": (0, "a blob is one byte longer than was said"),
    "cut": (1, "the connection ends in the middle of a layer"),
    "slow": (0, "a blob comes at 100 kB a second"),
    "scope": (0, "tokens are for another repository"),
    "expired": (1, "a token is refused, as if it had run out"),
    "redirect": (0, "blobs are at another host, which wants no password"),
    "429": (2, "too many requests: wait a second"),
    "500": (2, "the server fails"),
    "moved-tag": (0, "the tag stands for another manifest at each look"),
    "endless": (0, "a body that does not end"),
    "html": (0, "a web page in place of each manifest"),
    "no-range": (0, "the middle of a blob cannot be had"),
}


class Faults:
    """The faults that are still to be committed; `take(name)` says whether one is due."""

    def __init__(self, words: list[str]) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        for word in words:
            name, equals, count = word.partition("=")
            if name not in FAULTS or (equals and not count.isdecimal()):
                raise UsageError(f"there is no fault {word!r}", "one of: " + " ".join(FAULTS))
            self._left[name] = (int(count) if equals else FAULTS[name][0]) or -1

    def has(self, name: str) -> bool:
        """Say whether a fault was asked for at all."""
        return name in self._left

    def take(self, name: str) -> bool:
        """Say whether a fault is to be committed now, and count it."""
        with self._lock:
            left = self._left.get(name, 0)
            if left > 0:
                self._left[name] = left - 1
            return left != 0
