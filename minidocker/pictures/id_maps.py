"""id_maps: which user ids a process's namespace has, and which ids they are out here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import processes

Range = tuple[int, int, int]  # first id inside, first id outside, how many
NOBODY = 65534  # /proc/sys/kernel/overflowuid: how an id without a place in the map is shown
ROW, WIDTH, LEFT, RIGHT = 58, 230, 20, 450


def id_maps(pid: processes.Pid, root: processes.Root = "/proc") -> Picture:
    """Draw the map of a process's user namespace: inside on the left, outside on the right.

    "Outside" is the namespace of this notebook. LookupError: no such process. user_namespaces(7)
    """
    try:
        text = Path(str(root), str(pid), "uid_map").read_text()
    except FileNotFoundError:
        raise LookupError(f"there is no process {pid}") from None
    ranges = [(int(a), int(b), int(c)) for a, b, c in (line.split() for line in text.splitlines())]
    rows = [[span(a, c), span(b, c), meaning(a, b)] for a, b, c in ranges]
    lost = not any(outside == 0 for _, outside, _ in ranges)
    said = [f"{inside} inside is {outside} outside" for inside, outside, _ in rows]
    if lost:
        others = "all others, root of the host too"
        rows.append([f"no id: shown as {NOBODY}", others, "not in the map"])
        said.append(f"{others}, have no id inside and are shown as {NOBODY}")
    title = f"The user ids of process {pid}: inside, and outside"
    canvas, size = _draw(title, ranges, lost)
    return Picture(title, "; ".join(said) + ".", ["inside", "outside", ""], rows, canvas, size)


def span(first: int, count: int) -> str:
    """Return "0", or "1 … 65535" for more than one id."""
    return str(first) if count == 1 else f"{first} … {first + count - 1}"


def meaning(inside: int, outside: int) -> str:
    """Say what a range means for who reads the picture."""
    if outside == 0:
        return "root of the host"
    return "root inside, an ordinary user outside" if inside == 0 else "other users of the image"


def _draw(
    title: str, ranges: Sequence[Range], lost: bool
) -> tuple[Canvas, tuple[float, float]]:
    """Draw a box for each range on both sides, and a line between them."""
    canvas = Canvas()
    canvas.text(LEFT, 30, title, "bold", 15)
    canvas.text(LEFT, 60, "inside: what the process sees", "bold", 12)
    canvas.text(RIGHT, 60, "outside: whose it is on this host", "bold", 12)
    y = 76.0
    for inside, outside, count in ranges:
        accent = "orange" if outside == 0 else "green" if inside == 0 else "blue"
        _range(canvas, LEFT, y, span(inside, count), "root" if inside == 0 else "users", accent)
        owner = "root of the host" if outside == 0 else "nobody else's" if inside else "a user"
        _range(canvas, RIGHT, y, span(outside, count), owner, accent)
        middle = y + 20
        canvas.line([(LEFT + WIDTH, middle), (RIGHT - 10, middle)], accent)
        canvas.shape("arrow", RIGHT - 8, middle, accent, 6)
        y += ROW
    if lost:
        _range(canvas, LEFT, y, "no id", f"shown as {NOBODY}, nobody", "grey")
        _range(canvas, RIGHT, y, "0, and all others", "not in the map", "grey")
        canvas.line([(LEFT + WIDTH, y + 20), (RIGHT, y + 20)], "grey", "3 5")
        y += ROW
    return canvas, (RIGHT + WIDTH + 20, y + 4)


def _range(canvas: Canvas, x: float, y: float, ids: str, words: str, accent: str) -> None:
    canvas.box(x, y, WIDTH, 40, accent, dashed=accent == "grey")
    canvas.text(x + 12, y + 18, ids, "mono bold", 13)
    canvas.text(x + 12, y + 33, words, "soft", 11)
