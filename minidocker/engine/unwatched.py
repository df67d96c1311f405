"""Unwatched: terminals of commands whose callers have left by the detach keys.

Somebody must hold the other side, or the command is hung up; and read it, or the command waits.
"""

from __future__ import annotations

import os
import select

TURNS, PIECE = 16, 1 << 16  # pieces that are read before others have their turn


class Unwatched:
    """What such commands say is dropped, as in Docker; `exec` keeps no log."""

    def __init__(self, poll: select.poll) -> None:
        self.poll = poll
        self.terminals: set[int] = set()

    def take(self, fd: int) -> None:
        """Take over a terminal's other side; what is no terminal is closed."""
        if not os.isatty(fd):
            os.close(fd)
            return
        os.set_blocking(fd, False)
        self.terminals.add(fd)
        self.poll.register(fd, select.POLLIN)

    def serve(self, fd: int) -> bool:
        """Read what is there; False for a descriptor that is none of ours."""
        if fd not in self.terminals:
            return False
        try:
            for _ in range(TURNS):
                if not os.read(fd, PIECE):
                    break
        except BlockingIOError:
            return True
        except OSError:  # EIO: nobody inside has it any more
            self.poll.unregister(fd)
            self.terminals.remove(fd)
            os.close(fd)
        return True
