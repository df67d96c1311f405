"""process_trees: one set of processes, as the host numbers them and as their container does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, measure
from minidocker.proc import processes

ROW = 28  # the height of a line of the process trees
LEFT, RIGHT, WIDTH = 20, 440, 800


@dataclass(frozen=True, slots=True)
class _Row:
    """A process in both trees; `inner` is None where the container cannot see it."""

    process: processes.Process
    depth: int
    inner: int | None
    inner_depth: int
    deeper: tuple[int, ...]
    label: str


def process_trees(
    pid: int, root: processes.Root = "/proc", title: str = "", limit: int = 24
) -> Picture:
    """Draw a container's processes twice: with the host's numbers, and with its own.

    `pid` is any process in the container, or the one that started it, as `root` numbers them.
    Above the container stand the processes that lead to it. At most `limit` rows are drawn; the
    text table has them all. LookupError: no such process, or none below it has a pid namespace of
    its own. PermissionError: they belong to another user.
    """
    inside, level = _find_container(pid, root)
    rows = _rows(inside, level, root)
    mine = processes.namespace("self", "pid", root)
    shown, hidden = rows[:limit], max(0, len(rows) - limit)
    height = 76 + ROW * (len(shown) + bool(hidden)) + 22
    canvas = Canvas()
    _frame(canvas, height, mine, inside)
    for index in range(len(shown)):
        y = 92 + ROW * index
        _host_side(canvas, shown, index, y)
        _inner_side(canvas, shown, index, y)
    if hidden:
        canvas.text(LEFT, 92 + ROW * len(shown), f"… and {hidden} more: see the table", "soft")
    seen = [row for row in rows if row.inner is not None]
    desc = (
        f"{len(seen)} process{'es' if len(seen) != 1 else ''} of pid namespace {inside}, each with "
        f"two numbers: the host's and the container's. "
        f"{len(rows) - len(seen)} drawn above them cannot be seen from inside."
    )
    head = title or "One set of processes, two sets of numbers"
    canvas.text(LEFT, 30, head, "bold", 15)
    columns = ("host pid", "inside pid", "all levels (NSpid)", "state", "process")
    return Picture(head, desc, columns, [_cells(row) for row in rows], canvas, (WIDTH, height))


def _find_container(pid: int, root: processes.Root) -> tuple[int, int]:
    """Return (inode of the container's pid namespace, its level in NSpid)."""
    mine = processes.namespace("self", "pid", root)
    refused: PermissionError | None = None
    for _, item in processes.tree(pid, root):
        try:
            inode = processes.namespace(item.pid, "pid", root)
        except LookupError:
            continue
        except PermissionError as problem:
            refused = problem
            continue
        if inode != mine:
            return inode, len(item.nspid) - 1
    if refused is not None:
        raise refused
    raise LookupError(f"process {pid} and those below it are in no pid namespace of their own")


def _rows(inode: int, level: int, root: processes.Root) -> list[_Row]:
    everyone = processes.processes(root)
    inside = _inside(everyone, {item.pid for item in processes.members(inode, root)})
    above = _above(everyone, inside)
    drawn = [everyone[pid] for pid in sorted(inside | above) if pid in everyone]
    parents = {item.pid: _nearest(everyone, item.pid, inside | above) for item in drawn}
    return list(_walk(drawn, parents, inside, level))


def _inside(everyone: dict[int, processes.Process], members: set[int]) -> set[int]:
    """Add what is below: a namespace within the container has another inode, and belongs to it."""
    inside = set(members)
    for item in everyone.values():
        line = [item.pid]
        # The list was not read in one moment: a pid used twice could close a ring.
        while line[-1] in everyone and line[-1] not in inside | set(line[:-1]):
            line.append(everyone[line[-1]].ppid)
        if line[-1] in inside:
            inside.update(line)
    return inside


def _above(everyone: dict[int, processes.Process], inside: set[int]) -> set[int]:
    """Return the host's PID 1, and the two processes above each that enters the container."""
    above = {1} & set(everyone)
    for pid in inside & set(everyone):
        parent = everyone[pid].ppid
        for _ in range(2):
            if parent in everyone and parent not in inside:
                above.add(parent)
                parent = everyone[parent].ppid
    return above - inside


def _nearest(everyone: dict[int, processes.Process], pid: int, drawn: set[int]) -> tuple[int, int]:
    """Return (the nearest drawn process above, how many are left out on the way)."""
    skipped, parent = 0, everyone[pid].ppid
    while parent in everyone and parent not in drawn and skipped < len(everyone):
        skipped, parent = skipped + 1, everyone[parent].ppid
    return (parent, skipped) if parent in drawn else (0, skipped)


def _walk(
    drawn: list[processes.Process],
    parents: dict[int, tuple[int, int]],
    inside: set[int],
    level: int,
) -> Iterator[_Row]:
    """Order the processes as a tree, parents first, and note how deep each stands in each tree."""
    below: dict[int, list[processes.Process]] = {}
    for item in drawn:
        below.setdefault(parents[item.pid][0], []).append(item)
    waiting = [(item, 0, 0) for item in reversed(below.get(0, []))]
    while waiting:
        item, depth, inner_depth = waiting.pop()
        visible = item.pid in inside and len(item.nspid) > level
        yield _Row(
            item,
            depth,
            item.nspid[level] if visible else None,
            inner_depth,
            item.nspid[level + 1 :] if visible else (),
            _label(item, visible, parents[item.pid][1]),
        )
        step = inner_depth + 1 if visible else 0
        waiting.extend((child, depth + 1, step) for child in reversed(below.get(item.pid, [])))


def _label(item: processes.Process, visible: bool, skipped: int) -> str:
    """Name a process: inside by its command; outside by name only, for arguments may be private."""
    label = item.label if visible else _outer_name(item)
    return f"{label}  ({skipped} more above it)" if skipped else label


def _outer_name(item: processes.Process) -> str:
    """Return the kernel's name for it, but `minidocker run` for ours, which is called python."""
    words = [word.rpartition("/")[2] for word in item.command[:4]]
    if "minidocker" not in words:
        return item.name
    verb = words[words.index("minidocker") + 1 :][:1]
    return " ".join(["minidocker", *(word for word in verb if word.isalpha())])


def _frame(canvas: Canvas, height: float, mine: int, inside: int) -> None:
    canvas.box(RIGHT - 16, 42, WIDTH - RIGHT, height - 54, "orange", tint=0.07)
    for x, words, inode in ((LEFT, "The host sees", mine), (RIGHT, "The container sees", inside)):
        canvas.text(x, 62, words, "bold")
        beside = x + measure(words, 13) + 14
        canvas.text(beside, 62, f"pid namespace {inode}", "soft mono", 11)


def _host_side(canvas: Canvas, rows: list[_Row], index: int, y: float) -> None:
    row = rows[index]
    _branch(canvas, [item.depth for item in rows], index, LEFT, y)
    x = LEFT + _indent(row.depth)
    end = _node(canvas, x, y, row.process.pid, row.label, RIGHT - 64, "blue", row.process)
    if row.inner is not None:
        start = RIGHT + _indent(row.inner_depth)
        canvas.line([(end + 8, y - 4), (start - 4, y - 4)], "orange", "3 4")


def _inner_side(canvas: Canvas, rows: list[_Row], index: int, y: float) -> None:
    row = rows[index]
    if row.inner is None:
        canvas.shape("ring", RIGHT + 6, y - 4, "grey", 4)
        canvas.text(RIGHT + 18, y, "cannot be seen from here", "soft", 11.5)
        return
    depths = [item.inner_depth if item.inner is not None else -1 for item in rows]
    _branch(canvas, depths, index, RIGHT, y)
    x = RIGHT + _indent(row.inner_depth)
    label = row.label
    if row.deeper:
        label += f"  (deeper: {', '.join(map(str, row.deeper))})"
    _node(canvas, x, y, row.inner, label, WIDTH - 28, "orange", row.process)


def _node(
    canvas: Canvas, x: float, y: float, number: int, label: str, end: float, accent: str,
    process: processes.Process,
) -> float:  # fmt: skip
    """Draw a number in a box and the process's command; return where the words end."""
    width = max(26.0, measure(str(number), 12, True) + 12)
    canvas.box(x, y - 15, width, 21, accent, strong=number == 1, dashed=process.zombie)
    canvas.text(x + width / 2, y, str(number), "mono bold", 12, text_anchor="middle")
    return x + width + 7 + canvas.fitted(x + width + 7, y, label, end - x - width - 7, "mono", 11.5)


def _branch(canvas: Canvas, depths: list[int], index: int, left: float, y: float) -> None:
    """Draw the line from a process up to its parent, or to the child drawn before it."""
    if depths[index] < 1:
        return
    # From the last child of the same parent, or from the parent: lines never lie on one another.
    before = [at for at in range(index) if 0 <= depths[at] <= depths[index]]
    if not before:
        return
    parent = before[-1]
    x = left + _indent(depths[index] - 1) + 8
    top = y - ROW * (index - parent) + (6 if depths[parent] < depths[index] else -4)
    canvas.line([(x, top), (x, y - 4), (left + _indent(depths[index]), y - 4)])


def _indent(depth: int) -> float:
    return 18.0 * min(depth, 8)


def _cells(row: _Row) -> list[str]:
    process = row.process
    state = processes.STATES.get(process.state, process.state)
    inner = "not visible" if row.inner is None else str(row.inner)
    levels = " ".join(map(str, process.nspid))
    label = row.label if len(row.label) <= 70 else row.label[:69] + "…"
    return [str(process.pid), inner, levels, state, "  " * row.depth + label]
