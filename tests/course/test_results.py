"""Reference results: measured or not there, and of the cells as they are today."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import record_results

from minidocker.course import manifest
from minidocker.lab import elsewhere

ROOT = Path(__file__).resolve().parents[2]
WITH_NEEDS = [
    lesson for lesson in manifest.load(ROOT).lessons
    if "%%needs" in (ROOT / lesson.notebook).read_text()
]  # fmt: skip
PLACES = re.compile(r"/(home|root|work)/")


def cell(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "id": "a-cell", "source": source, "outputs": [*outputs]}


def stream(text: str) -> dict:
    return {"output_type": "stream", "text": text}


def test_it_keeps_what_such_cells_showed_and_nothing_else() -> None:
    picture = {"output_type": "display_data", "data": {
        "text/plain": "a table", "text/html": "<figure>", "image/svg+xml": "<svg>"}}  # fmt: skip
    found = record_results.record([
        cell("print(1)", stream("1\n")),
        cell("%%needs memory\nprint(2)", stream("2\n")),
        cell("%%needs cpu\n%%shell\ntrue"),
        cell("%%needs cpu\ndraw()", picture),
    ])  # fmt: skip
    assert found == {
        elsewhere.digest("memory", "print(2)"): [{"text/plain": "2"}],
        elsewhere.digest("cpu", "%%shell\ntrue"): [],
        elsewhere.digest("cpu", "draw()"): [{"text/plain": "a table", "text/html": "<figure>"}],
    }


def test_of_a_machine_that_lacks_something_nothing_is_kept() -> None:
    with pytest.raises(SystemExit, match="a-cell is blocked"):
        record_results.record([cell("%%needs memory\nprint(1)", stream("blocked: memory\n"))])


@pytest.mark.parametrize("lesson", WITH_NEEDS, ids=lambda lesson: lesson.id)
def test_each_cell_that_can_be_blocked_has_a_result_of_today(lesson: manifest.Lesson) -> None:
    cells = json.loads((ROOT / lesson.notebook).read_text())["cells"]
    texts = ["".join(one["source"]).partition("\n") for one in cells]
    known = {elsewhere.digest(head.removeprefix("%%needs"), body) for head, _, body in texts
             if head.startswith("%%needs")}  # fmt: skip
    found = elsewhere.recorded(str(ROOT), lesson.number)
    assert set(found.get("cells", {})) == known, f"record_results.py {lesson.number} records them"
    assert "Linux" in found["machine"]
    assert not PLACES.search(json.dumps(found)), "a result names a folder of one machine"


def test_lesson_05_says_in_its_first_cell_where_it_runs() -> None:
    book = json.loads((ROOT / "notebooks/05_cgroups.ipynb").read_text())
    first = next("".join(one["source"]) for one in book["cells"] if one["cell_type"] == "code")
    assert "\n%needs cgroup2 memory cpu pids" in first
