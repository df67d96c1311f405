"""cgroup_tree: the version 2 tree from a directory down, with limits beside use."""

from __future__ import annotations

import os

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import cgroups, processes
from minidocker.proc.cgroups import Group
from minidocker.proc.machine import Host
from minidocker.proc.usage import bytes_text

WIDTH, ROW, LEFT = 800.0, 34.0, 20.0
MEMORY, PIDS, CPU = 300.0, 500.0, 622.0


def cgroup_tree(
    path: str = "",
    pid: processes.Pid | None = None,
    depth: int = 3,
    title: str = "",
    limit: int = 20,
    host: Host | None = None,
) -> Picture:
    """Draw a cgroup and those below it: processes, memory, pids and cpu against their limits.

    `path` is a directory below /sys/fs/cgroup ("minidocker"), or absolute; the whole tree without.
    The group of `pid` is marked, and is where the drawing starts when no path is given: at its
    parent. On a hybrid machine the tree has no controllers, and the picture says so. LookupError:
    no such process, no such cgroup, or no version 2 on this machine. cgroups(7)
    """
    host = host or Host()
    top, kind = cgroups.home(host)
    if not top:
        raise LookupError("there is no cgroup version 2 here: see minidocker doctor")
    mark = cgroups.place(pid, host.path("/proc"), host).directory if pid is not None else ""
    start = os.path.join(top, path) if path else os.path.dirname(mark) if mark else top
    if not start.startswith(top):
        start = top
    rows = list(cgroups.walk(start, depth))
    if not rows:
        raise LookupError(f"there is no cgroup {start}")
    head = title or f"Cgroups below {start}"
    shown = rows[:limit]
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 40, "bold", 15)
    for x, words in ((LEFT, "cgroup (processes)"), (MEMORY, "memory / limit"),
                     (PIDS, "pids / limit"), (CPU, "cpu used / limit")):  # fmt: skip
        canvas.text(x, 56, words, "soft", 11.5)
    for index, (level, group) in enumerate(shown):
        _draw(canvas, 62 + ROW * index, level, group, start, group.directory == mark)
    y = 62 + ROW * len(shown) + 18
    note = _note(kind, len(rows) - len(shown))
    if note:
        canvas.fitted(LEFT, y, note, WIDTH - 40, "soft", 11.5)
        y += 18
    cells = [_cells(level, group, start, group.directory == mark) for level, group in rows]
    columns = ("cgroup", "processes", "memory", "pids", "cpu", "throttled", "passes on", "note")
    desc = f"{len(rows)} cgroups. {_limited(rows)}{' ' + note if note else ''}"
    return Picture(head, desc, columns, cells, canvas, (WIDTH, y))


def _draw(
    canvas: Canvas, y: float, level: int, group: Group, start: str, marked: bool
) -> None:  # fmt: skip
    x = LEFT + 18.0 * min(level, 6)
    if level:
        canvas.line([(x - 10, y - 6), (x - 10, y + 16), (x - 2, y + 16)])
    width = MEMORY - x - 16
    canvas.box(x, y + 3, width, ROW - 7, "orange" if marked else "", strong=marked,
               dashed=group.frozen)  # fmt: skip
    count = "" if group.processes is None else f" ({group.processes})"
    frozen = " frozen" if group.frozen else ""
    here = "← this process" if marked else ""
    room = width - 16 - (92 if marked else 0)
    canvas.fitted(x + 8, y + 21, _name(group, start) + count + frozen, room, "mono", 12)
    if here:
        canvas.text(x + width - 96, y + 21, here, "bold", 11.5)
    limit = group.limits.get("memory.max")
    _bar(canvas, MEMORY, y, 180, group.memory, limit, _memory(group))
    _bar(canvas, PIDS, y, 104, group.pids, group.limits.get("pids.max"), _pids(group))
    canvas.fitted(CPU, y + 15, _cpu(group), WIDTH - CPU - 16, "", 11.5)
    if throttled := _throttled(group):
        canvas.fitted(CPU, y + 28, throttled, WIDTH - CPU - 16, "soft", 10.5)


def _bar(
    canvas: Canvas, x: float, y: float, width: float, used: int | None, limit: str | None, told: str
) -> None:
    """Write the figures, and below them how full it is, where there is a limit."""
    canvas.fitted(x, y + 15, told, width, "", 11.5)
    if used is None or not limit or not limit.isdigit() or limit == "0":
        return
    part = min(1.0, used / int(limit))
    canvas.box(x, y + 20, width - 16, 8, "", tint=0)
    if part > 0.02:
        canvas.box(x, y + 20, (width - 16) * part, 8, "orange" if part > 0.9 else "blue", tint=0.6)


def _name(group: Group, start: str) -> str:
    if group.directory == start:
        return os.path.basename(start) or "/"
    return os.path.basename(group.directory)


def _memory(group: Group) -> str:
    if group.memory is None:
        return "-"
    limit = group.limits.get("memory.max", "max")
    told = bytes_text(int(limit)) if limit.isdigit() else "no limit"
    return f"{bytes_text(group.memory)} / {told}"


def _pids(group: Group) -> str:
    if group.pids is None:
        return "-"
    limit = group.limits.get("pids.max", "max")
    return f"{group.pids} / {'no limit' if limit == 'max' else limit}"


def _cpu(group: Group) -> str:
    if "usage_usec" not in group.cpu:
        return "-"
    share = cgroups.cpus(group.limits.get("cpu.max"))
    told = f"{share:g} CPU{'s' * (share != 1)}" if share is not None else "no limit"
    return f"{group.cpu['usage_usec'] / 1e6:.1f} s / {told}"


def _throttled(group: Group) -> str:
    cut = group.cpu.get("nr_throttled")
    return f"throttled {cut} of {group.cpu.get('nr_periods', 0)}" if cut else ""


def _cells(level: int, group: Group, start: str, marked: bool) -> tuple[str, ...]:
    count = "-" if group.processes is None else str(group.processes)
    words = [word for word, on in (("this process", marked), ("frozen", group.frozen)) if on]
    killed = group.events.get("oom_kill")
    words += [f"{killed} killed for memory"] if killed else []
    return (
        "  " * level + _name(group, start), count, _memory(group), _pids(group), _cpu(group),
        _throttled(group) or "-", " ".join(group.passed_on) or "nothing", ", ".join(words),
    )  # fmt: skip


def _limited(rows: list[tuple[int, Group]]) -> str:
    names = [
        os.path.basename(group.directory)
        for _, group in rows
        if any(group.limits.get(name, "max").split()[0] != "max"
               for name in ("memory.max", "pids.max", "cpu.max"))
    ]  # fmt: skip
    return f"With a limit of their own: {', '.join(names)}." if names else "None sets a limit."


def _note(kind: str, hidden: int) -> str:
    told = []
    if hidden:
        told.append(f"{hidden} more stand in the table.")
    if kind == "hybrid":
        told.append("Hybrid machine: the controllers sit on version 1, so no limits show here.")
    return " ".join(told)
