"""Ladder: at which stage does an escape stop? Measured by runs, at successive stages.

The rungs are "none" (no container at all), then `run` with no wall but the user, then
`--stages ..X` for each X in the order of the lessons. Between a rung where the escape works and a
higher one where it does not, the place is found by halving; `whole` tries every rung instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from minidocker.errors import LAB_MACHINE, Blocked
from minidocker.escapes.escape import Escape
from minidocker.stages import CHAPTERS

NONE, RUN, PODMAN = "none", "identity", "podman"
WORKS, STOPPED, CLOSED, BLOCKED, KERNEL, ERROR = (
    "works", "stopped", "closed by this kernel", "blocked", "only a kernel fix stops it", "error"
)  # fmt: skip


def rungs() -> list[str]:
    """Return the ladder: "none", "identity" (a run with no wall), then "..X" for each chapter."""
    return [NONE, RUN, *(f"..{name}" for name in CHAPTERS)]


def label(rung: str) -> str:
    """Return the rung as a column's head."""
    return {NONE: "no container", RUN: "run, no wall", PODMAN: "Podman"}.get(
        rung, rung.removeprefix("..")
    )


@dataclass(slots=True)
class Finding:
    """What was measured: rung → did it work, where it was tried; `by` is the rung that stops it."""

    escape: Escape
    verdict: str = ""
    by: str = ""
    why: str = ""
    tried: dict[str, bool] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def sentence(self) -> str:
        """Return the verdict in words."""
        return f"{self.short()}: {self.why}" if self.why else self.short()

    def short(self) -> str:
        """Return the verdict in a few words, without the reason."""
        return f"stopped by {self.stopper()}" if self.verdict == STOPPED else self.verdict

    def stopper(self) -> str:
        """Return the stage that stops it; the runtime itself where no run lets it work."""
        first = self.by == applicable(self.escape)[0]
        return "the runtime" if first else label(self.by)

    def podman(self) -> str:
        """Return what happened under Podman: "works", "stopped", or "" where it was not tried."""
        if PODMAN not in self.tried:
            return ""
        return WORKS if self.tried[PODMAN] else STOPPED

    def at(self, rung: str) -> tuple[bool | None, bool]:
        """Return (works, measured) for one rung: what was not tried follows from its neighbours.

        None where nothing can be said: the escape cannot be tried so early, or not at all.
        """
        if rung in self.tried:
            return self.tried[rung], True
        ladder = [NONE, *applicable(self.escape)]
        if rung not in ladder:
            return None, False
        place = ladder.index(rung)
        below = [self.tried[r] for r in reversed(ladder[:place]) if r in self.tried]
        above = [self.tried[r] for r in ladder[place + 1 :] if r in self.tried]
        if below and above and below[0] == above[0]:
            return below[0], False
        return None, False

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for programs."""
        return {
            "name": self.escape.name, "what": self.escape.what, "source": self.escape.source,
            "verdict": self.verdict, "by": self.by.removeprefix(".."), "why": self.why,
            "podman": self.podman(), "tried": self.tried, "said": self.said,
            "seconds": round(self.seconds, 2),
        }  # fmt: skip


def applicable(escape: Escape) -> list[str]:
    """Return the rungs above "none" at which the escape can be tried."""
    ladder = rungs()[1:]
    return ladder[ladder.index(f"..{escape.begin}") :] if escape.begin else ladder


Ask = Callable[[str, str], dict[str, Any]]


def climb(
    escape: Escape, ask: Ask, lacks: str = "", whole: bool = False, podman: bool = False
) -> Finding:
    """Measure one escape. `ask(name, rung)` makes an attempt; `lacks` says why none can be made."""
    found = Finding(escape)
    if lacks:
        found.verdict, found.why = BLOCKED, f"{lacks}: {LAB_MACHINE}"
        return found
    try:
        _climb(found, ask, whole)
        if podman and found.verdict not in (CLOSED, ERROR):
            _try(found, ask, PODMAN)
    except Blocked as problem:
        found.verdict, found.why = BLOCKED, problem.message
    except Broken as problem:
        found.verdict, found.why = ERROR, str(problem)
    return found


class Broken(Exception):
    """An attempt could not be made: the laboratory's own fault."""


def _try(found: Finding, ask: Ask, rung: str) -> bool:
    answer = ask(found.escape.name, rung)
    found.seconds += float(answer.get("seconds", 0))
    if "blocked" in answer:
        raise Blocked(str(answer["blocked"]))
    if "error" in answer:
        if rung == PODMAN:
            found.said[rung] = str(answer["error"])
            return False
        raise Broken(f"{label(rung)}: {answer['error']}")
    found.tried[rung] = bool(answer["works"])
    found.said[rung] = str(answer.get("said", ""))
    return found.tried[rung]


def _climb(found: Finding, ask: Ask, whole: bool) -> None:
    ladder = [NONE, *applicable(found.escape)]
    if not _try(found, ask, NONE):
        found.verdict, found.why = CLOSED, found.said[NONE]
        return
    if whole:
        for rung in ladder[1:]:
            _try(found, ask, rung)
    if _try(found, ask, ladder[-1]):
        found.verdict = KERNEL if found.escape.kernel_only else WORKS
        return
    low, high = 0, len(ladder) - 1
    while high - low > 1:
        middle = (low + high) // 2
        rung = ladder[middle]
        works = found.tried[rung] if rung in found.tried else _try(found, ask, rung)
        low, high = (middle, high) if works else (low, middle)
    found.verdict, found.by = STOPPED, ladder[high]
