"""Instructions: what a start costs in a unit that no other program disturbs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

from minidocker.bench import rivals

LAST = "\nstart(root, path, loaded)\n"  # of the launcher: from here on it is `run` that works


def instructions(work: str) -> dict[str, Any]:
    """Count what the processor does up to the first line of `run`, and for a bare Python.

    By valgrind's callgrind, whose counts repeat within a thousandth. ratio is the first in the
    second.
    """
    if not shutil.which("valgrind"):
        return {"problem": "not installed: apt-get install valgrind"}
    launcher = rivals.entry()[0]
    with open(launcher, encoding="utf-8", errors="replace") as text:
        program = text.read()
    if LAST not in program:
        return {"problem": f"{launcher} is not the quick launcher: make setup"}
    python = program.splitlines()[0].removeprefix("#!").split()[0]
    script = os.path.join(work, "start.py")
    with open(script, "w", encoding="utf-8") as out:
        out.write(program.replace(LAST, "\nos._exit(not loaded)\n"))
    bare = count([python, "-IS", "-c", "pass"])
    start = count([python, "-IS", script, "run"])
    if not bare or not start:
        return {"problem": "the bundle is stale: minidocker run once more, or make setup"}
    return {"bare": bare, "start": start, "ratio": round(start / bare, 3)}


def count(argv: list[str]) -> int:
    """Return the instructions of one program; 0 when it fails."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *argv], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if found and done.returncode == 0 else 0
