"""Report: findings as a table for a terminal, and as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from minidocker.escapes import picture
from minidocker.escapes.catalogue import FAMILIES
from minidocker.escapes.ladder import ERROR, WORKS, Finding
from minidocker.pictures.picture import table

BAR = 24


def progress(findings: Iterable[Finding], total: int, names: Sequence[str],
             out: TextIO = sys.stderr) -> Iterator[Finding]:  # fmt: skip
    """Pass findings on; on a terminal, show how many are done and which is being tried."""
    done = 0
    shown = out.isatty()

    def draw() -> None:
        if shown:
            full = BAR * done // max(1, total)
            name = names[done] if done < total else ""
            out.write(f"\r\x1b[K[{'#' * full}{'.' * (BAR - full)}] {done}/{total} {name}")
            out.flush()

    draw()
    try:
        for found in findings:
            done += 1
            draw()
            yield found
    finally:
        if shown:
            out.write("\r\x1b[K")
            out.flush()


def summary(findings: Sequence[Finding]) -> str:
    """Return the table of verdicts, and a sentence."""
    rows = [
        (found.escape.name, found.short(), found.podman() or "not tried", found.escape.what)
        for found in findings
    ]
    lines = table(("escape", "with our defaults", "Podman", "what it tries"), rows)
    return "\n".join([*lines, "", *reasons(findings), picture.describe(findings)])


def full(findings: Sequence[Finding]) -> str:
    """Return the matrix in letters: W works, S stopped, w and s where it follows, · not tried."""
    from minidocker.escapes.ladder import PODMAN, label, rungs

    columns = [*rungs(), PODMAN]
    lines = [f"{number:>2}  {label(rung)}" for number, rung in enumerate(columns, 1)]
    head = ["escape", *(str(number) for number in range(1, len(columns) + 1)), "verdict"]
    rows = []
    for found in findings:
        cells = [_letter(*found.at(rung)) for rung in columns]
        rows.append([found.escape.name, *cells, found.short()])
    legend = "W works  S stopped  (w, s: follows from the rungs on both sides)  · cannot be tried"
    return "\n".join([*lines, "", *table(head, rows), "", legend, "", *reasons(findings),
                      picture.describe(findings)])  # fmt: skip


def _letter(works: bool | None, measured: bool) -> str:
    if works is None:
        return "·"
    letter = "W" if works else "S"
    return letter if measured else letter.lower()


def reasons(findings: Sequence[Finding]) -> list[str]:
    """Return a line for each verdict that has a reason: what blocked it, what the kernel said."""
    return [f"{found.escape.name}: {found.sentence()}" for found in findings if found.why]


def as_json(findings: Sequence[Finding]) -> str:
    """Return {"version": 1, "ladder": […], "escapes": […]}."""
    from minidocker.escapes.ladder import rungs

    told = {"version": 1, "ladder": [rung.removeprefix("..") for rung in rungs()],
            "escapes": [found.as_dict() for found in findings]}  # fmt: skip
    return json.dumps(told, indent=2)


def listing() -> str:
    """Return the catalogue, by family."""
    lines = []
    for family, escapes in FAMILIES.items():
        lines.append(f"{family}")
        for escape in escapes:
            needs = "   (lab machine only)" if escape.needs else ""
            lines.append(f"  {escape.name:18} {escape.what}{needs}")
            lines.append(f"  {'':18} {escape.source}")
    return "\n".join(lines)


def holds(findings: Sequence[Finding]) -> bool:
    """Say whether no escape works with our defaults, and each was measured."""
    return all(found.verdict not in (WORKS, ERROR) for found in findings)
