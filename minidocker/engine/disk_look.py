"""Looks at the disk of the store while a container runs: who fills it is ended."""

from __future__ import annotations

import time

from minidocker.runtime.disk import Disk

FIRST = 0.5  # seconds from the start to the first look
NEVER = float("inf")


class DiskLook:
    """When the next look is due, and what it says."""

    def __init__(self, directory: str) -> None:
        self.disk = Disk(directory)
        self.next = NEVER

    def begin(self, layers: bool) -> None:
        """Look from now on, where the container has a layer of its own on that disk."""
        self.next = time.monotonic() + FIRST if layers else NEVER

    def time_left(self) -> int | None:
        """Return the milliseconds until the next look; None: never."""
        if self.next == NEVER:
            return None
        return max(0, int((self.next - time.monotonic()) * 1000) + 1)

    def why(self) -> str:
        """Say why it is ended; `inspect` shows it as State.Error."""
        return f"it had taken nearly all {self.disk.full} of the disk: killed"

    def is_full(self) -> bool:
        """Look, if it is time to; say whether this container has filled the disk. Once."""
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.disk.look()
        if self.disk.full:
            self.next = NEVER
        return bool(self.disk.full)
