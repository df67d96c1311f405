"""mount_tree: what a process has mounted, as a tree, and how mounts travel from and to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, measure
from minidocker.proc import mounts, processes

WIDTH, ROW, LEFT = 800.0, 27.0, 20.0
TYPE, TRAVEL, SOURCE = 330.0, 424.0, 618.0
# propagation: (shape, accent, what it means)
SHAPES = {
    "shared": ("circle", "orange", "shared: mounts travel both ways"),
    "slave": ("triangle", "purple", "slave: they only come in"),
    "shared and slave": ("diamond", "orange", "both: they come in, and go on"),
    "private": ("ring", "grey", "private: they stay"),
    "unbindable": ("cross", "blue", "unbindable: stays, no bind"),
}


@dataclass(frozen=True, slots=True)
class _Row:
    depth: int
    mount: mounts.Mount
    travel: str
    with_me: bool


def mount_tree(
    pid: processes.Pid = "self", root: processes.Root = "/proc", title: str = "", limit: int = 28,
    below: str = "",
) -> Picture:  # fmt: skip
    """Draw the mounts of a process as a tree, each with its propagation, by word and shape.

    The number behind "shared" is the kernel's number of the peer group; a mount in one of mine says
    "with you": what is mounted below it appears in both. At most `limit` rows are drawn; the table
    has all. With `below`, a path, only the mounts at it and below it are shown. LookupError: no
    such process, or no mount there; PermissionError: it belongs to another user.
    mount_namespaces(7)
    """
    table = mounts.mounts(pid, root)
    if not table:
        raise LookupError(f"process {pid} has no mounts any more: it is a zombie")
    if below:
        inside = below.rstrip("/") + "/"
        table = [item for item in table if f"{item.point}/".startswith(inside)]
        if not table:
            raise LookupError(f"process {pid} has nothing mounted at {below} or below it")
    mine = mounts.mounts("self", root)
    own = {item.id for item in table} & {item.id for item in mine}
    groups = {tag for item in mine for tag in item.optional if tag.startswith("shared:")}
    rows = [_row(depth, item, groups, bool(own)) for depth, item in _walk(table)]
    shown, hidden = rows[:limit], max(0, len(rows) - limit)
    head = title or f"Mounts of process {pid}, and how they travel"
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 40, "bold", 15)
    for x, words in ((LEFT, "mount point"), (TYPE, "type"), (TRAVEL, "propagation"),
                     (SOURCE, "source")):  # fmt: skip
        canvas.text(x, 58, words, "soft", 11.5)
    for index, row in enumerate(shown):
        _draw(canvas, shown, index, 66 + ROW * index, row)
    y = 66 + ROW * len(shown) + 18
    if hidden:
        canvas.text(LEFT, y, f"… and {hidden} more: see the table", "soft", 12)
        y += 20
    height = _legend(canvas, y, {row.mount.propagation for row in shown})
    cells = [
        ("  " * row.depth + row.mount.point, row.mount.fstype, row.travel, _options(row.mount),
         _source(row.mount))
        for row in rows
    ]  # fmt: skip
    columns = ("mount point", "type", "propagation", "options", "source")
    return Picture(head, _desc(rows, bool(own)), columns, cells, canvas, (WIDTH, height))


def _walk(table: list[mounts.Mount]) -> Iterator[tuple[int, mounts.Mount]]:
    """Yield (depth, mount), parents first; below one parent in the order of mounting."""
    known = {item.id for item in table}
    below: dict[int, list[mounts.Mount]] = {}
    tops = []
    for item in table:
        if item.parent in known and item.parent != item.id:
            below.setdefault(item.parent, []).append(item)
        else:
            tops.append(item)
    waiting = [(0, item) for item in reversed(tops)]
    while waiting:
        depth, item = waiting.pop()
        yield depth, item
        waiting.extend((depth + 1, child) for child in reversed(below.get(item.id, [])))


def _row(depth: int, item: mounts.Mount, groups: set[str], same_table: bool) -> _Row:
    tags = dict(tag.partition(":")[::2] for tag in item.optional)
    words = []
    if "shared" in tags:
        words.append(f"shared {tags['shared']}")
    if "master" in tags:
        words.append(f"slave of {tags['master']}")
    peer = f"shared:{tags.get('shared')}" in groups and not same_table
    if peer:
        words.append("with you")
    elif f"shared:{tags.get('master')}" in groups and not same_table:
        words[-1] += " (yours)"
    return _Row(depth, item, ", ".join(words) or item.propagation, peer)


def _draw(canvas: Canvas, rows: list[_Row], index: int, y: float, row: _Row) -> None:
    x = LEFT + 16.0 * min(row.depth, 8)
    if row.depth:
        above = next(at for at in range(index - 1, -1, -1) if rows[at].depth <= row.depth)
        top = y - ROW * (index - above) + (21 if rows[above].depth < row.depth else 13.5)
        canvas.line([(x - 9, top), (x - 9, y + 13.5), (x - 2, y + 13.5)])
    shape, accent, _ = SHAPES[row.mount.propagation]
    if row.with_me:
        canvas.box(TRAVEL - 6, y + 2, SOURCE - TRAVEL - 6, ROW - 5, accent, strong=True)
    canvas.fitted(x + 2, y + 18, row.mount.point, TYPE - x - 14, "mono bold", 12)
    canvas.fitted(TYPE, y + 18, row.mount.fstype, TRAVEL - TYPE - 16, "mono", 11.5)
    canvas.shape(shape, TRAVEL + 6, y + 13.5, accent, 5.5)
    canvas.fitted(TRAVEL + 18, y + 18, row.travel, SOURCE - TRAVEL - 36, "", 12)
    canvas.fitted(SOURCE, y + 18, _source(row.mount), WIDTH - SOURCE - 20, "mono soft", 11)


def _source(item: mounts.Mount) -> str:
    """Return what is mounted: a device, and the directory in it where it is not the whole."""
    part = "" if item.root == "/" else f" {item.root}"
    return f"{item.source}{part}{' (ro)' if item.read_only else ''}"


def _options(item: mounts.Mount) -> str:
    return ",".join(item.options)


def _legend(canvas: Canvas, y: float, used: set[str]) -> float:
    x = LEFT + 6
    for name, (shape, accent, words) in SHAPES.items():
        if name in used:
            if x + measure(words, 11) > WIDTH - 20:
                x, y = LEFT + 6, y + 18
            canvas.shape(shape, x, y - 4, accent, 5)
            canvas.text(x + 11, y, words, "soft", 11)
            x += measure(words, 11) + 30
    return y + 16


def _desc(rows: list[_Row], same_table: bool) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.mount.propagation] = counts.get(row.mount.propagation, 0) + 1
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    if same_table:
        return f"{len(rows)} mounts: {told}. It is your own mount table."
    peers = [row.mount.point for row in rows if row.with_me]
    if not peers:
        return f"{len(rows)} mounts: {told}. None of them is shared with you."
    return f"{len(rows)} mounts: {told}. A mount made below {peers[0]} appears at yours as well."
