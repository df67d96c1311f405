"""What tests of containers that run alone share: starting one, its keepers, and killing them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minidocker.proc import living

Run = Callable[..., subprocess.CompletedProcess]
ROOT = Path(__file__).resolve().parents[2]


def start(run: Run, *words: str, **more: Any) -> str:
    """Start a container without a network; return its id."""
    done = run("run", "-d", "--network", "none", *words, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def record(store: Path, id: str) -> dict[str, Any]:
    """Read a container's record."""
    return json.loads((store / "containers" / id / "record.json").read_text())


def keepers(store: Path, id: str) -> tuple[int, int]:
    """The pids of the keeper and of its standby."""
    found = record(store, id)
    return int(found["keeper"].split()[0]), int(found["standby"].split()[0])


def waits(pid: int) -> bool:
    """Say whether a `wait` has begun: it holds the pidfd of who is to end."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if "pidfd" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                return True
        except FileNotFoundError:
            pass  # it has just closed it
    return False


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait for something that comes by itself; return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


def kill(*pids: int) -> None:
    """Kill processes, and wait until they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(living.mark(pid) for pid in pids))
