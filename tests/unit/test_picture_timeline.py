"""What a container uses over time, drawn."""

from __future__ import annotations

import re
import subprocess

import pytest
from drawn import drawn

from minidocker.pictures.picture import Picture
from minidocker.pictures.timeline import usage_timeline, watch_usage
from minidocker.proc.usage import Sample


def samples(count: int = 6, **more: object) -> list[Sample]:
    return [
        Sample(100 + at, "cgroup", at * 0.5, (10 + 10 * at) << 20, 64 << 20, 3, periods=10 * at,
               throttled=4 * at, oom_kills=int(at == 5), cpu_limit=0.5)
        for at in range(count)
    ]  # fmt: skip


def points(picture: Picture) -> list[list[tuple[float, float]]]:
    """Return the corners of each line of more than two points."""
    found = re.findall(r'<polyline points="([^"]+)"', picture.svg())
    lines = [[tuple(map(float, pair.split(","))) for pair in text.split()] for text in found]
    return [line for line in lines if len(line) >= 5 and line[0][0] < line[-1][0]]  # type: ignore[misc]


def test_memory_rises_in_the_drawing_too() -> None:
    picture = usage_timeline(samples())
    words = drawn(picture)
    heights = [y for _, y in points(picture)[0]]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 6
    assert "limit 64 MiB" in words and "limit 50 %" in words and "killed: 1" in words
    assert picture.rows[-1] == ("5.0", "60 MiB", "64 MiB", "50 %", "4 of 10", "3", "1")
    assert "20 periods were cut short" in picture.desc and "1 process killed" in picture.desc


def test_no_limit_and_no_throttling_draw_none() -> None:
    plain = [Sample(at, "proc", 0.0, 5, pids=1) for at in range(3)]
    words = drawn(usage_timeline(plain))
    assert "limit" not in words and "cut short" not in words
    assert "no cgroup v2 here" in usage_timeline(plain).desc


def test_one_sample_is_no_line() -> None:
    with pytest.raises(ValueError, match="two samples"):
        usage_timeline(samples(1))


def test_watching_ends_with_the_container() -> None:
    child = subprocess.Popen(["sleep", "60"])
    rounds = 0

    def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            child.kill()
            child.wait()

    try:
        picture = watch_usage(child.pid, 600, 0.01, pause=pause)
    finally:
        child.kill()
        child.wait()
    assert rounds == 2 and len(picture.rows) == 1


def test_a_notebook_redraws_one_output() -> None:
    """The picture that a watch returns stands in the cell once, and can be shown in another."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    watch = "watch_usage(os.getpid(), 0.5, 0.1)"
    cells = [
        f"import os\nfrom minidocker.lab import watch_usage\n{watch}",
        f"seen = {watch}",
        "seen",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    shown = [[set(output["data"]) for output in cell.outputs] for cell in notebook.cells]
    assert shown == [[{"text/html", "image/svg+xml", "text/plain"}]] * 3
