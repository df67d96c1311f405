"""ways_out: by which ways a process can still reach what lies outside of its root.

Looked at from outside, through /proc/PID: its root, its working directory, its open directories,
its mount table. Manual: proc(5), chroot(2), pivot_root(2).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import processes
from minidocker.proc.mounts import mounts

WAYS = {
    "root": 'its root, then ".."',
    "cwd": 'its working directory, then ".."',
    "descriptors": "its open directories",
    "mounts": "the mounts that it sees",
}
CLOSED = "closed"
LEFT, TOP, ROW = 250.0, 74.0, 44.0


def escapes(pid: processes.Pid) -> dict[str, str]:
    """Return way → "" where it is closed, or in a few words where it leads: the keys of WAYS.

    Closed means: going up by ".." ends at the process's own root; no mount of it is one of ours.
    LookupError: no such process; PermissionError: it belongs to another user.
    """
    try:
        return {
            "root": _up(pid, "root"),
            "cwd": _up(pid, "cwd"),
            "descriptors": _descriptors(pid),
            "mounts": _shared_mounts(pid),
        }
    except (FileNotFoundError, ProcessLookupError):
        raise processes.NoProcess(pid) from None


def ways_out(pids: Sequence[processes.Pid], labels: Sequence[str] = ()) -> Picture:
    """Draw, for each process, which ways out of its root are closed, and where the others lead.

    A process that has ended, or that we may not look at, is a column that says so.
    """
    names = list(labels) or [f"pid {pid}" for pid in pids]
    if len(names) != len(pids):
        raise ValueError(f"{len(pids)} pids and {len(names)} labels: give one label for each pid")
    columns = [_column(pid) for pid in pids]
    step = max(170.0, min(240.0, 620 / len(pids)))
    canvas, title = Canvas(), "Ways out of a root"
    size = (LEFT + step * len(pids) + 10, TOP + ROW * len(WAYS) + 34)
    canvas.text(20, 30, title, "bold", 15)
    for index, (name, column) in enumerate(zip(names, columns, strict=True)):
        _draw_column(canvas, LEFT + step * index, step, f"{name}", column)
    for line, words in enumerate(WAYS.values()):
        canvas.line([(16, TOP + ROW * line), (size[0] - 16, TOP + ROW * line)])
        canvas.text(20, TOP + ROW * line + 26, words)
    canvas.text(20, size[1] - 12, "● closed    ▶ open: it leads there", "soft", 11)
    rows = [[words, *(_told(column, way) for column in columns)] for way, words in WAYS.items()]
    desc = "; ".join(map(_sentence, names, columns)) + "."
    return Picture(title, desc, ["way", *names], rows, canvas, size)


def identity(path: str) -> tuple[int, int]:
    """Return device and inode number: equal for two paths, the same directory."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def top_of(path: str) -> tuple[tuple[int, int], int]:
    """Go up by ".." until it goes no higher; return the top's identity, and how many steps."""
    steps = 0
    while identity(path) != identity(f"{path}/.."):
        path, steps = f"{path}/..", steps + 1
    return identity(path), steps


def _up(pid: processes.Pid, name: str) -> str:
    top, steps = top_of(f"/proc/{pid}/{name}")
    if top == identity(f"/proc/{pid}/root"):
        return ""
    where = "your root" if top == identity("/proc/self/root") else "a directory outside"
    return f"{steps} up is {where}" if steps else f"it is {where}"


def _descriptors(pid: processes.Pid) -> str:
    root, found = identity(f"/proc/{pid}/root"), []
    for name in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
        path = f"/proc/{pid}/fd/{name}"
        try:
            if stat.S_ISDIR(os.stat(path).st_mode) and top_of(path)[0] != root:
                found.append(name)
        except FileNotFoundError:
            continue  # closed while we looked, or a file that has been removed
    word = "descriptors" if len(found) > 1 else "descriptor"
    return f"{word} {', '.join(found)}" if found else ""


def _shared_mounts(pid: processes.Pid) -> str:
    ours = {(item.device, item.root) for item in mounts()}
    found = [item.point for item in mounts(pid)
             if (item.device, item.root) in ours and not _is_node(pid, item.point)]  # fmt: skip
    if not found:
        return ""
    return f"{len(found)} of yours: {found[0]}" + (", …" if len(found) > 1 else "")


def _is_node(pid: processes.Pid, point: str) -> bool:
    """Say whether a device's node is mounted there: it leads to no other file of the host's."""
    try:
        return stat.S_ISCHR(os.stat(f"/proc/{pid}/root{point}").st_mode)
    except OSError:
        return False


def _column(pid: processes.Pid) -> dict[str, str]:
    """Return what `escapes` says, or {"": why nothing can be said}."""
    try:
        return escapes(pid)
    except LookupError:
        return {"": "has ended"}
    except PermissionError:
        return {"": "no access"}


def _told(column: dict[str, str], way: str) -> str:
    if "" in column:
        return column[""]
    return f"open: {column[way]}" if column[way] else CLOSED


def _sentence(name: str, column: dict[str, str]) -> str:
    if "" in column:
        return f"{name} {column['']}"
    found = [way for way in WAYS if column[way]]
    return f"{name} is open by {', '.join(found)}" if found else f"{name} is closed every way"


def _draw_column(canvas: Canvas, x: float, width: float, name: str, column: dict[str, str]) -> None:
    canvas.fitted(x, 58, name, width - 10, "bold")
    for line, way in enumerate(WAYS):
        y = TOP + ROW * line
        if "" in column or not column[way]:
            sign, accent = ("cross", "grey") if "" in column else ("circle", "green")
            canvas.shape(sign, x + 8, y + 22, accent)
            canvas.text(x + 24, y + 26, column.get("", CLOSED))
            continue
        canvas.box(x - 4, y + 4, width - 8, ROW - 8, "orange")
        canvas.shape("arrow", x + 8, y + 22, "orange")
        canvas.fitted(x + 24, y + 20, "open", width - 36, "bold")
        canvas.fitted(x + 24, y + 35, column[way], width - 36, "soft", 11)
