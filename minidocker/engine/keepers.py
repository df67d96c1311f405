"""The keepers of a container, seen from outside: who they are, by the marks in its record."""

from __future__ import annotations

import os
import signal
from typing import Any

from minidocker.proc import lean, living


def kill(record: dict[str, Any]) -> None:
    """Kill both: somebody has stopped them, and their lock is in the way."""
    for role in ("standby", "keeper"):
        process = living.handle(str(record.get(role) or ""))
        if process >= 0:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            os.close(process)


def go_on(record: dict[str, Any]) -> None:
    """Let keepers go on that somebody has stopped (SIGSTOP): who asks them would wait for ever."""
    for role in ("standby", "keeper"):
        text = str(record.get(role) or "")
        number = text.partition(" ")[0]
        if not number.isdecimal() or lean.state(int(number)) != "T":
            continue  # one that is traced stands still for who traces it
        process = living.handle(text)
        if process >= 0:
            try:
                signal.pidfd_send_signal(process, signal.SIGCONT)
            except OSError:
                pass  # it has just ended, or is another user's
            os.close(process)


def wake(record: dict[str, Any]) -> None:
    """Let a keeper that waits see that somebody has stopped its container."""
    process = living.handle(str(record.get("keeper") or ""))
    if process >= 0:
        try:
            signal.pidfd_send_signal(process, signal.SIGTERM)
        except OSError:
            pass  # it has just ended
        os.close(process)
