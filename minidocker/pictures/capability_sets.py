"""capability_sets: what some processes may do now, and what their programs could ever get."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minidocker.kernel.flags import CAPABILITIES
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, measure
from minidocker.proc import processes

WORDS = {"both": "now, and after exec", "bounding": "after exec only", "effective": "now only",
         "none": "never"}  # fmt: skip
SHAPES = {"both": ("diamond", "orange"), "bounding": ("triangle", "purple"),
          "effective": ("circle", "blue"), "none": ("cross", "grey")}  # fmt: skip


def capability_sets(
    pids: Sequence[processes.Pid], labels: Sequence[str] = (), root: processes.Root = "/proc"
) -> Picture:
    """Draw for each process which capabilities are in its effective and in its bounding set.

    Effective: what the kernel looks at now. Bounding: what an exec by root, or of a file with
    capabilities, can give at most. LookupError: no such process. capabilities(7)
    """
    names = list(labels) or [f"pid {pid}" for pid in pids]
    if len(names) != len(pids):
        raise ValueError(f"{len(pids)} pids and {len(labels)} labels: give one label for each pid")
    columns = [_sets(pid, root) for pid in pids]
    rows = [
        [name.removeprefix("CAP_"), *(WORDS[_where(column, number)] for column in columns)]
        for number, name in enumerate(CAPABILITIES)
    ]
    counts = "; ".join(
        f"{name} has {column[0].bit_count()} capabilities now and {column[1].bit_count()} in its "
        "bounding set"
        for name, column in zip(names, columns, strict=True)
    )
    title = "Capabilities: now, and after an exec"
    canvas, size = _draw(title, names, columns)
    return Picture(title, counts + ".", ["capability", *names], rows, canvas, size)


def _sets(pid: processes.Pid, root: processes.Root) -> tuple[int, int]:
    """Return (effective, bounding) of a process."""
    try:
        text = Path(str(root), str(pid), "status").read_text()
    except FileNotFoundError:
        raise LookupError(f"there is no process {pid}") from None
    found = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return int(found["CapEff"], 16), int(found["CapBnd"], 16)


def _where(column: tuple[int, int], number: int) -> str:
    effective, bounding = column[0] >> number & 1, column[1] >> number & 1
    if effective and bounding:
        return "both"
    return "effective" if effective else "bounding" if bounding else "none"


def _draw(
    title: str, names: Sequence[str], columns: Sequence[tuple[int, int]]
) -> tuple[Canvas, tuple[float, float]]:
    """Draw two blocks of capabilities side by side, one mark for each process."""
    canvas, half, row = Canvas(), (len(CAPABILITIES) + 1) // 2, 18
    step = max(64.0, 170.0 / len(names), min(90.0, 10 + max(measure(name, 12) for name in names)))
    block = 172 + step * len(names) + 16
    canvas.text(20, 30, title, "bold", 15)
    for side in (0, 1):
        for at, name in enumerate(names):
            canvas.fitted(180 + block * side + step * at, 56, name, step - 6, "bold", 12)
    for number, name in enumerate(CAPABILITIES):
        side, line = divmod(number, half)
        x, y = 20 + block * side, 76.0 + row * line
        canvas.text(x, y + 4, name.removeprefix("CAP_"), "mono", 10.5)
        for at, column in enumerate(columns):
            shape, accent = SHAPES[_where(column, number)]
            canvas.shape(shape, x + 168 + step * at, y, accent, 5)
    y = 92.0 + row * half
    for at, (what, (shape, accent)) in enumerate(SHAPES.items()):
        canvas.shape(shape, 26 + 170 * at, y - 4, accent, 5)
        canvas.text(38 + 170 * at, y, WORDS[what], "soft", 11)
    return canvas, (max(2 * block + 8, 700.0), y + 20)
