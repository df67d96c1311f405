"""namespace_table: which namespaces some processes share with me, and which are their own."""

from __future__ import annotations

from collections.abc import Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, measure
from minidocker.proc import processes


def namespace_table(
    pids: Sequence[processes.Pid], labels: Sequence[str] = (), root: processes.Root = "/proc"
) -> Picture:
    """Draw which namespaces each process shares with me, and which are its own.

    `me` is the first column: the process that asks ("self"). A cell says "mine", "own", "as NAME"
    where the process shares one with an earlier column, or why nothing can be read. A process that
    has ended is a column that says so; nothing is raised.
    """
    names = ["me", *(labels or [f"pid {pid}" for pid in pids])]
    if len(names) != len(pids) + 1:
        raise ValueError(f"{len(pids)} pids and {len(labels)} labels: give one label for each pid")
    columns = [_column("self", root), *(_column(pid, root) for pid in pids)]
    kinds = [name for name in processes.NAMESPACES if name in columns[0]]
    cells = [
        [_cell(kind, index, columns, names) for index in range(len(columns))] for kind in kinds
    ]
    width = 110 + max(116.0, min(172.0, 700 / len(names))) * len(names)
    canvas = Canvas()
    height = _draw_table(canvas, width, kinds, names, pids, cells)
    rows = [
        [kind, *(f"{word} {inode}".strip() for _, word, inode in line)]
        for kind, line in zip(kinds, cells, strict=True)
    ]
    desc = "; ".join(_sentence(index, names, kinds, cells) for index in range(1, len(names)))
    title, heads = "Namespaces: mine, or its own?", ["namespace", *names]
    return Picture(title, desc + ".", heads, rows, canvas, (width, height))


def _column(pid: processes.Pid, root: processes.Root) -> dict[str, int | str]:
    """Return the namespaces of one process, or {"": why not}."""
    try:
        return dict(processes.namespaces(pid, root))
    except LookupError:
        return {"": "has ended"}
    except PermissionError:
        return {"": "no access"}


def _cell(
    kind: str, index: int, columns: list[dict[str, int | str]], names: list[str]
) -> tuple[str, str, str]:
    """Return (shape, word, inode) of one cell."""
    column = columns[index]
    if "" in column:
        return "cross", str(column[""]), ""
    if kind not in column:
        return "cross", "given up", ""
    inode = column[kind]
    first = next(at for at in range(index + 1) if columns[at].get(kind) == inode)
    if first == 0:
        return "circle", "mine", str(inode)
    if first == index:
        return "diamond", "own", str(inode)
    return "triangle", f"as {names[first]}", str(inode)


ACCENT_OF = {"circle": "grey", "diamond": "orange", "triangle": "purple", "cross": "blue"}


def _draw_table(
    canvas: Canvas,
    width: float,
    kinds: list[str],
    names: list[str],
    pids: Sequence[processes.Pid],
    cells: list[list[tuple[str, str, str]]],
) -> float:
    step, row = (width - 110) / len(names), 36
    canvas.text(20, 30, "Namespaces: mine, or its own?", "bold", 15)
    for column, name in enumerate(names):
        x = 106 + step * column
        canvas.fitted(x, 58, name, step - 10, "bold")
        under = "this process" if column == 0 else f"pid {pids[column - 1]}"
        if under != name:
            canvas.fitted(x, 74, under, step - 10, "soft", 11)
    for line, kind in enumerate(kinds):
        y = 84 + row * line
        canvas.line([(16, y), (width - 16, y)])
        canvas.text(20, y + 23, kind, "mono bold", 13)
        for column, (shape, word, inode) in enumerate(cells[line]):
            x = 106 + step * column
            accent = ACCENT_OF[shape]
            if shape == "diamond":
                canvas.box(x - 6, y + 3, step - 8, row - 6, accent)
            canvas.shape(shape, x + 6, y + 18, accent)
            style, top = "bold" if shape == "diamond" else "", y + (16 if inode else 22)
            canvas.fitted(x + 20, top, word, step - 34, style, 12.5)
            canvas.text(x + 20, y + 29, inode, "mono soft", 10)
    used = {shape for line in cells for shape, _, _ in line}
    return _legend(canvas, 84 + row * len(kinds) + 24, used)


def _legend(canvas: Canvas, y: float, used: set[str]) -> float:
    x = 26.0
    for shape, words in (
        ("circle", "mine: the same inode as me"),
        ("diamond", "own: a new namespace"),
        ("triangle", "as …: shared with another"),
    ):
        if shape not in used:
            continue
        canvas.shape(shape, x, y - 4, ACCENT_OF[shape], 5)
        canvas.text(x + 11, y, words, "soft", 11)
        x += measure(words, 11) + 34
    return y + 18


def _sentence(
    index: int, names: list[str], kinds: list[str], cells: list[list[tuple[str, str, str]]]
) -> str:
    shapes = [line[index][0] for line in cells]
    if all(shape == "cross" for shape in shapes):
        return f"{names[index]} {cells[0][index][1]}"
    pairs = zip(kinds, shapes, strict=True)
    own = [kind for kind, shape in pairs if shape in ("diamond", "triangle")]
    if not own:
        return f"{names[index]} shares all {len(kinds)} with me"
    return f"{names[index]} has {len(own)} of {len(kinds)} that are not mine: {', '.join(own)}"
