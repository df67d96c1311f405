"""The OCI runtimes side by side: create, start and delete of `true`; and Podman by each of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from minidocker.bench.clock import Clock, Program, Sample, summary
from minidocker.bench.rivals import Rivals, entry, find, missing

# $0 the runtime, $1 its state, $2 the bundle, $3 the container
VERBS = """
"$0" --root "$1" create --bundle "$2" "$3" &&
"$0" --root "$1" start "$3" &&
"$0" --root "$1" delete --force "$3"
"""
NAMES = ("minidocker", "runc", "crun")


def oci(
    work: str, rivals: Rivals, clock: Clock, runs: int, tick: Callable[[str], None]
) -> dict[str, Any]:
    """Measure both; the programs take turns."""
    paths = {name: runtime(work) if name == "minidocker" else find(name) for name in NAMES}
    bundle = rivals.bundle(paths["minidocker"], "oci", ["/bin/true"])
    programs = [verbs(name, path, work, bundle) for name, path in paths.items()]
    found: dict[str, Any] = {"verbs": table(programs, clock.interleaved(programs, runs, tick))}
    programs = [by_podman(rivals, name, path) for name, path in paths.items()]
    found["podman"] = table(programs, clock.interleaved(programs, max(2, runs // 2), tick))
    for name, rows in list(found.items()):
        by_name = {row["name"]: row for row in rows if "problem" not in row}
        if {"minidocker", "runc"} <= by_name.keys():
            ratio = by_name["minidocker"]["wall_ms"] / by_name["runc"]["wall_ms"]
            found[f"{name}_ratio"] = round(ratio, 2)
    return found


def runtime(work: str) -> str:
    """Return our runtime: the installed program, or one that starts this interpreter."""
    beside = os.path.join(os.path.dirname(entry()[0]), "minidocker-runtime")
    if os.access(beside, os.X_OK):
        return beside
    path = os.path.join(work, "minidocker-runtime")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'#!/bin/sh\nexec {sys.executable} -m minidocker oci "$@"\n')
    os.chmod(path, 0o755)
    return path


def verbs(name: str, path: str, work: str, bundle: str) -> Program:
    """Return the three calls that conmon makes for a container."""
    if not path:
        return missing(name)
    state = os.path.join(work, f"{name}-oci-state")
    prefix = f"minidocker-bench-{os.getpid()}"

    def argv(number: int) -> Sequence[str]:
        return ["/bin/sh", "-c", VERBS, path, state, bundle, f"{prefix}-{name}-{number}"]

    return Program(name, argv)


def by_podman(rivals: Rivals, name: str, path: str) -> Program:
    """Return `podman run` by this runtime."""
    if not path:
        return missing(name)
    plain = rivals.podman(["/bin/true"])
    if plain.problem:
        plain.name = name
        return plain
    words = list(plain.argv(0))
    words[words.index("--runtime") + 1] = path
    return Program(name, lambda _: words, plain.env)


def table(programs: Sequence[Program], samples: dict[str, list[Sample]]) -> list[dict[str, Any]]:
    """Return a row for each program."""
    rows: list[dict[str, Any]] = []
    for program in programs:
        row: dict[str, Any] = {"name": program.name}
        if program.problem:
            row["problem"] = program.problem
        else:
            row |= summary(samples[program.name])
            row["least_ms"] = round(min(s.wall for s in samples[program.name]) * 1e3, 2)
        rows.append(row)
    return rows
