"""What this machine cannot show: why, where it can be shown, and what was measured there.

    notebooks/results/05.json    for each cell that begins with %%needs: what it printed and drew
                                 on a machine that has all, and which machine that was

tests/course/record_results.py writes the file, by running the notebook. A result is shown with its
label, never as if it were from here; of a cell that a learner has changed there is none.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from minidocker.doctor import cgroup_probe, doctor
from minidocker.doctor.finding import Finding
from minidocker.errors import LAB_MACHINE
from minidocker.proc.machine import Host

FOLDER = os.path.join("notebooks", "results")


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell showed elsewhere: `outputs` are MIME bundles, `machine` says where."""

    machine: str
    outputs: list[dict[str, str]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The line that stands above it."""
        return f"Reference result, not from this machine. Measured on {self.machine}:"


def gaps(needs: list[str]) -> list[Finding]:
    """Return the doctor's findings that stand in the way; an unknown word is one, too."""
    found = {finding.id: finding for finding in cgroup_probe.findings(Host())}
    if not found.keys() >= set(needs):
        found = doctor.features()
    unknown = [name for name in needs if name not in found]
    if unknown:
        told = f"the doctor knows no feature {unknown[0]!r}"
        return [Finding(unknown[0], unknown[0], "gap", told, "minidocker doctor")]
    return [found[name] for name in needs if not found[name].ok]


def summary(lacking: list[Finding], tree: str, number: str) -> str:
    """Say in a notebook's first cell what will be missing, and the command that runs all of it."""
    if not lacking:
        return "This machine has all that this notebook needs."
    what = ", ".join(finding.title for finding in lacking)
    lines = [
        f"Blocked on this machine: {what} ({lacking[0].seen}).",
        "In the lab machine nothing of this notebook is blocked, with the same files of yours:",
        "    minidocker vm lab",
    ]
    if lacking[0].fix and LAB_MACHINE not in lacking[0].fix:
        lines.append(f"Or let this machine have it: {lacking[0].fix}")
    machine = recorded(tree, number).get("machine")
    shown = f"what they showed on {machine}" if machine else "the reason"
    return "\n".join([
        *lines,
        f"Here, the cells that cannot run show {shown}. All others run.",
        "What you predict about them is kept, and not judged without evidence.",
    ])  # fmt: skip


def digest(needs: str, cell: str) -> str:
    """Return a short name for the text of a cell."""
    return hashlib.sha256(f"{needs.strip()}\n{cell.strip()}".encode()).hexdigest()[:16]


def recorded(tree: str, number: str) -> dict[str, Any]:
    """Return what was recorded for a lesson; {} where nothing was."""
    try:
        with open(os.path.join(tree, FOLDER, f"{number}.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def result(tree: str, number: str, needs: str, cell: str) -> Result | None:
    """Return what exactly this cell showed elsewhere."""
    found = recorded(tree, number)
    outputs = found.get("cells", {}).get(digest(needs, cell))
    return Result(found["machine"], outputs) if outputs else None
