"""Record what the cells of a notebook show that other machines cannot: a reference result for each.

    minidocker vm run /opt/minidocker/bin/python tests/course/record_results.py 05

It runs the notebook whole and writes notebooks/results/NN.json, which comes back from the lab machine
by itself. Where a cell was blocked nothing is written: a result is measured, or there is none.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("text/plain", "text/html")
MOST = 200_000  # characters of one cell: a picture has some 20,000


def record(cells: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Return the outputs of each executed cell that begins with %%needs, by the cell's digest."""
    from minidocker.lab import elsewhere

    found = {}
    for cell in cells:
        head, _, body = cell["source"].partition("\n")
        if cell["cell_type"] != "code" or not head.startswith("%%needs"):
            continue
        outputs = [_bundle(output) for output in cell["outputs"]]
        if any(one.get("text/plain", "").startswith("blocked") for one in outputs):
            raise SystemExit(f"{cell['id']} is blocked on this machine: nothing is recorded")
        kept = [one for one in outputs if one]
        if sum(len(text) for one in kept for text in one.values()) > MOST:
            raise SystemExit(f"{cell['id']} shows too much")
        found[elsewhere.digest(head.removeprefix("%%needs"), body)] = kept  # [] too: it did run
    return found


def _bundle(output: dict[str, Any]) -> dict[str, str]:
    if output["output_type"] == "stream":
        return {"text/plain": output["text"].rstrip("\n")}
    return {kind: text for kind, text in output.get("data", {}).items() if kind in KINDS}


def machine() -> str:
    """Name this machine and the day, for the label."""
    from minidocker.places import LAB_MARKER

    name = platform.freedesktop_os_release()["PRETTY_NAME"]
    lab = "the lab machine: " if os.path.exists(LAB_MARKER) else ""
    return f"{lab}{name}, Linux {platform.release()}, {time.strftime('%Y-%m-%d')}"


def main(number: str) -> None:
    """Run a lesson's notebook, and write what it showed."""
    import nbclient
    import nbformat

    from minidocker.course import manifest
    from minidocker.lab import elsewhere

    lesson = manifest.load(ROOT).lesson(number)
    book = nbformat.read(ROOT / lesson.notebook, as_version=4)
    where = {"metadata": {"path": str(ROOT / "notebooks")}}
    nbclient.NotebookClient(
        book, timeout=600, startup_timeout=600, resources=where, coalesce_streams=True
    ).execute()
    cells = record(book.cells)
    if not cells:
        raise SystemExit(f"no cell of lesson {number} begins with %%needs")
    path = ROOT / elsewhere.FOLDER / f"{lesson.number}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "cells": cells}, indent=1) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(cells)} cells")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1])
