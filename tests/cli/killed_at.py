"""Run minidocker, and let a keeper die by SIGKILL at a named point: POINT WHO ARGUMENTS…

WHO is "keeper", or "both": then the standby dies too, at the same point, when it has taken over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from minidocker.cli import main
from minidocker.engine.keeper import Keeper

# point → (the method of Keeper, whether the kill comes before or after it)
POINTS = {
    "record made": ("stand_by", "before"),
    "lock held, no child": ("keep", "before"),
    "child at the gate, not recorded": ("note_running", "before"),
    "child at the gate, recorded": ("note_running", "after"),
    "network plugged, gate opened": ("attend", "before"),
    "running": ("go_on", "after"),
    "child dead, not noted": ("finish", "before"),
    "noted, not cleaned": ("clean_up", "before"),
    "half cleaned": ("undo", "after"),
}


def kill_at(point: str, who: str) -> None:
    """Put the kill into Keeper."""
    name, when = POINTS[point]
    original = getattr(Keeper, name)

    def method(self: Any, *args: Any, **more: Any) -> Any:
        result = None if when == "before" else original(self, *args, **more)
        first = bool(self.notes.get("standby")) or name in ("stand_by", "keep")
        if first or (who == "both" and self.acts):
            os.kill(os.getpid(), 9)
        return original(self, *args, **more) if when == "before" else result

    setattr(Keeper, name, method)


def command(point: str, who: str, *words: str) -> list[str]:
    """Return the command line that does this."""
    return [sys.executable, __file__, point, who, *words]


Method = Callable[..., Any]

if __name__ == "__main__":
    kill_at(*sys.argv[1:3])
    sys.exit(main(sys.argv[3:]))
