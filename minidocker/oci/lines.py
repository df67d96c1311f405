"""Lines: the terminal of who stays in the foreground ends them as a file does, with \\n alone.

As in runc: the container's terminal adds no \\r, so that `run … > file` gives what the command
wrote; the caller's own, in raw mode otherwise, adds it where a screen needs it. termios(3), ONLCR
"""

from __future__ import annotations

import os
import termios

from minidocker.oci.creation import OUTPUT
from minidocker.runtime.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Lines(Terminal):
    """A terminal whose two sides share the work of a line's end otherwise."""

    def start(self, poll: Any) -> None:
        """Let the caller's terminal add what the container's does not."""
        super().start(poll)
        if self.interactive and os.isatty(0):
            mode = termios.tcgetattr(0)
            mode[OUTPUT] |= termios.OPOST
            termios.tcsetattr(0, termios.TCSANOW, mode)
