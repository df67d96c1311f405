"""Teller: where each told call goes, and who was making it.

The host shows its own steps at once; the child and the launcher send theirs through the
channel, so that one process prints all of them, in order.
"""

from __future__ import annotations

import os
from time import monotonic

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.runtime.channel import Channel


class Teller:
    """Called by `Traced` before each call; hands a step to `show`.

    A step is a dictionary: stage, moment, part, origin ("" for the reference), method, call (in
    kernel spelling), shell (the command that does the same, or ""), and at (seconds).
    """

    def __init__(self, show: Callable[[dict[str, Any]], None]) -> None:
        self.show = show
        self.owner: Any = None
        self.channel: Channel | None = None
        self.gate: int | None = None
        self.begin = monotonic()

    def send_to(self, owner: Any, channel: Channel, gate: int | None) -> None:
        """From here on this process is not the host: send steps instead of showing them."""
        self.owner, self.channel, self.gate = owner, channel, gate

    def __call__(self, method: str, call: str, shell: str, args: tuple[Any, ...]) -> None:
        stage = self.owner.stage if self.owner else None
        part = stage.doing if stage else ""
        step = {
            "stage": stage.name if stage else "",
            "moment": self.owner.moment if self.owner else "",
            "part": part,
            "origin": stage.origin.get(part, "") if stage else "",
            "method": method,
            "call": call,
            "shell": shell,
            "at": round(monotonic() - self.begin, 6),
        }
        if self.channel is None:
            self.show(step)
            return
        self.channel.say("step", **step)
        if method == "execve" and self.gate is not None:
            os.read(self.gate, 1)  # until it is shown: the command's own words come after it
