"""Waiting for processes that come to rest: what a short sleep hopes for, known for certain.

Played in a cell, as the scenes of the checks are (cell_init.py). Who wants the processor of a busy
machine is not at rest, however long it has to wait for it.
"""

from __future__ import annotations

import os
import time

LOOKS, PAUSE = 5, 0.01  # how often in a row somebody must be seen at rest, and seconds between
SECONDS = 20.0  # a process that never rests is waited for no longer


def rests(pid: int | str) -> bool:
    """Say whether a process sleeps, is stopped, or has ended: no processor or disk is wanted."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "RD"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until_at_rest(*pids: int) -> None:
    """Wait until these processes rest; without any, all others of the cell."""
    end, still = time.monotonic() + SECONDS, 0
    while still < LOOKS and time.monotonic() < end:
        time.sleep(PAUSE)
        others = [name for name in os.listdir("/proc") if name.isdecimal()]
        who = pids or [int(name) for name in others if int(name) != os.getpid()]
        still = still + 1 if all(map(rests, who)) else 0
