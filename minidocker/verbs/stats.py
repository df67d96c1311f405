"""minidocker stats: a live table of what the running containers use."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minidocker.errors import MinidockerError, NotFound
from minidocker.formats.rows import aligned, show
from minidocker.proc import usage
from minidocker.proc.cgroups import PRESSURES
from minidocker.proc.usage import NO_CGROUP, Sample, Use, bytes_text
from minidocker.verbs import stats_rows
from minidocker.verbs.parser import Parser, make

VERSION = 1  # of the JSON; a field may be added, none changes its meaning
NONE = Sample(at=0, source=usage.FROM_CGROUP, cpu=0, memory=0)  # of one that does not run
# of --limits; without it the columns are Docker's, as stats_rows has them
HEADS = ("NAME", "CPU", "MEMORY / LIMIT", "MEM", "PIDS / LIMIT", "THROTTLED", "PRESSURE cpu/mem/io")

EPILOG = """\
examples:
  minidocker stats                        all running containers, until Ctrl-C
  minidocker stats web db                 these two, until both have ended
  minidocker stats --no-stream            once
  minidocker stats --limits               each beside its limit, throttling, pressure
  minidocker stats --json | head -1       one object a line ("version": 1)
  minidocker stats --no-stream --format '{{.Name}}: {{.CPUPerc}} {{.MemUsage}}'

The columns are Docker's. CPU is percent of one processor: two busy ones are 200 %. With --limits:

MEMORY      what is charged to the container, and the lowest limit that holds
THROTTLED   periods that cpu.max cut short, of those that passed since the last line
PRESSURE    percent of the last 10 seconds in which a process waited for the resource

Without cgroup version 2 the figures are added up from /proc: no limits, no throttling, no pressure,
and memory that processes share counts more than once. A line on standard error says so.

exit status: 0; 1 when there is no such container; 130 after Ctrl-C.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One container in the table, and its use since the last look."""

    id: str
    name: str
    pid: int
    use: Use
    group: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of HEADS."""
        now, use = self.use.now, self.use
        proc_only = now.source == usage.FROM_PROC
        limit = "-" if proc_only else _limit(now.memory_limit, bytes_text)
        memory, pids = use.memory_percent, "-" if proc_only else _limit(now.pids_limit, str)
        throttled = "-" if use.throttled is None else f"{use.throttled[0]} of {use.throttled[1]}"
        known = [now.pressure[name] for name in PRESSURES if name in now.pressure]
        waits = "/".join(f"{value:.0f}" for value in known)
        return (
            self.name or self.id, f"{use.cpu:.1f} %", f"{bytes_text(now.memory)} / {limit}",
            "-" if memory is None else f"{memory:.0f} %", f"{now.pids} / {pids}", throttled,
            f"{waits} %" if waits else "-",
        )  # fmt: skip

    def fields(self, whole: bool = False) -> dict[str, Any]:
        """Return the row as Docker's fields; `whole` cuts no id off."""
        return stats_rows.fields(self.id, self.name, self.pid, self.group, self.use, whole)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data; bytes, percent, and None for what cannot be known."""
        now, use = self.use.now, self.use
        return {
            "id": self.id, "name": self.name, "pid": self.pid, "source": now.source,
            "cpu_percent": round(use.cpu, 2), "cpu_seconds": round(now.cpu, 6),
            "cpu_limit": now.cpu_limit, "memory": now.memory, "memory_limit": now.memory_limit,
            "pids": now.pids, "pids_limit": now.pids_limit,
            "periods": use.throttled[1] if use.throttled else None,
            "throttled": use.throttled[0] if use.throttled else None,
            "throttled_seconds": now.throttled_time, "oom_kills": now.oom_kills,
            "pressure": {name: now.pressure.get(name) for name in PRESSURES},
        }  # fmt: skip


def main(argv: list[str]) -> int:
    """Run `minidocker stats`; return the exit status. Ctrl-C is 130, and no traceback."""
    options = _parser().parse_args(argv)
    try:
        watch = Watch(options.names, ended=options.all)
        rounds = watch.rounds(options.interval, options.no_stream)
        if options.json:
            for rows in rounds:
                told = {"version": VERSION, "containers": [row.as_dict() for row in rows]}
                print(json.dumps(told), flush=True)
        elif options.format:
            for rows in rounds:
                found = [row.fields(options.no_trunc) for row in rows]
                show(found, options.format, stats_rows.COLUMNS, stats_rows.USUAL)
        elif not sys.stdout.isatty() or not _live(rounds, options):
            note = ""
            for number, rows in enumerate(rounds):
                lines = aligned(_table(rows, options))
                print("\n" * bool(number) + "\n".join(lines), flush=True)
                if note != (note := note_on(rows)) and note:
                    print(note, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        return 130
    except PermissionError as problem:
        raise MinidockerError(
            f"{problem.filename} is not yours to read", "sudo minidocker stats", 1
        ) from None
    except BrokenPipeError:
        # The reader has gone (stats | head -1). Nothing may be written when Python ends, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class Watch:
    """The containers that are watched, and the last sample of each.

    `names` are names, ids or their beginnings; none means all that run. NotFound: one of them is
    no container, or does not run when the watch begins. `ended`: show those that do not run, too.
    """

    def __init__(
        self, names: Sequence[str] = (), root: str | None = None, ended: bool = False
    ) -> None:
        from minidocker.images.store.store import Store

        self.root = Store(root).root
        self.last: dict[str, Sample] = {}
        self.ended = ended
        self.ids = {self._id(name) for name in names}
        self.all = not names

    def _id(self, name: str) -> str:
        from minidocker.runtime import reading

        try:
            record = reading.find(self.root, name)
        except NotFound as problem:
            raise NotFound(problem.message, problem.remedy, 1, docker=problem.docker) from None
        if not record["alive"] and not self.ended:
            raise NotFound(f"container {name} does not run", "minidocker ps -a", 1)
        return str(record["id"])

    def rounds(
        self, interval: float, once: bool = False, pause: Callable[[float], None] = time.sleep
    ) -> Iterator[list[Row]]:
        """Yield the rows, again and again; the first after a short wait, since CPU is a difference.

        Ends after one round for `once`, or when all containers that were named have ended.
        """
        self.look()
        pause(min(interval, 0.5))
        while True:
            rows = self.look()
            if not rows and not self.all and not once:
                return
            yield rows
            if once:
                return
            pause(interval)

    def look(self) -> list[Row]:
        """Sample all once. A container that was not there at the last look shows 0 % yet."""
        from minidocker.runtime import reading

        records = [
            record
            for record in reading.records(self.root)
            if ((record["alive"] and record.get("pid")) or self.ended)
            and (self.all or record["id"] in self.ids)
        ]
        rows, fresh = [], self._samples([one for one in records if one["alive"] and one.get("pid")])
        for record in records:
            now = fresh.get(record["id"])
            if now is not None:
                use = usage.between(self.last.get(record["id"], now), now)
                group = str((record.get("facts") or {}).get("cgroup") or "")
                rows.append(Row(record["id"], record["name"], record["pid"], use, group))
            elif not record["alive"]:
                rows.append(Row(record["id"], record["name"], 0, usage.between(NONE, NONE)))
        self.last = fresh
        return rows

    def _samples(self, records: list[dict[str, Any]]) -> dict[str, Sample]:
        found: dict[str, Sample] = {}
        others = {}
        for record in records:
            directory = record.get("facts", {}).get("cgroup", "")
            try:
                found[record["id"]] = usage.from_cgroup(directory)
            except OSError:
                others[int(record["pid"])] = record["id"]
        if others:
            for pid, made in usage.from_proc(others).items():
                found[others[pid]] = made
        return found


def _table(rows: Sequence[Row], options: argparse.Namespace) -> list[list[str]]:
    """Return the headings and a line for each row: with --limits ours, else Docker's."""
    if options.limits:
        return [list(HEADS), *(list(row.cells()) for row in rows)]
    found = [row.fields(options.no_trunc) for row in rows]
    return [[line[name] for name in stats_rows.ORDER] for line in (stats_rows.COLUMNS, *found)]


def note_on(rows: Sequence[Row]) -> str:
    """Say what the figures are not, or that there are none; "" otherwise."""
    if not rows:
        return "no container runs"
    return NO_CGROUP if any(row.use.now.source == usage.FROM_PROC for row in rows) else ""


def _live(rounds: Iterator[list[Row]], options: argparse.Namespace) -> bool:
    """Show the table on a terminal, redrawn in place; False where rich is not installed."""
    try:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False

    def drawn(rows: Sequence[Row]) -> Group:
        heads, *lines = _table(rows, options)
        made = Table(box=None, padding=(0, 1), header_style="bold")
        for head in heads:
            left = head in ("NAME", "CONTAINER ID")
            made.add_column(head, justify="left" if left else "right", overflow="fold")
        for row, cells in zip(rows, lines, strict=True):
            near = "bold red" if (row.use.memory_percent or 0) > 90 else ""
            styles = (near if head.startswith("MEM") else "" for head in heads)
            made.add_row(*(Text(*pair) for pair in zip(cells, styles, strict=True)))
        told = "Ctrl-C ends it." if not options.no_stream else ""
        return Group(made, Text(f"{note_on(rows)}  {told}".strip(), style="dim"))

    console = Console(emoji=False)  # knows NO_COLOR, TERM=dumb and the width
    if options.no_stream or not console.is_terminal or console.is_dumb_terminal:
        for rows in rounds:
            console.print(drawn(rows))
        return True
    with Live(console=console, auto_refresh=False) as live:
        for rows in rounds:
            live.update(drawn(rows), refresh=True)
    return True


def _limit(value: int | None, told: Callable[[int], str]) -> str:
    return "no limit" if value is None else told(value)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds from 0.1 to 3600")
    return value


def _parser() -> Parser:
    parser = make("stats", "Show what running containers use: a live table.", EPILOG)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a container; none means all")
    parser.add_argument("-a", "--all", action="store_true", help="also those that do not run")
    parser.add_argument("--limits", action="store_true",
                        help="each beside its limit, with throttling and pressure")  # fmt: skip
    parser.add_argument("--format", default="", metavar="FORMAT",
                        help="Docker's: table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    parser.add_argument("--no-trunc", action="store_true", help="cut no id off")
    parser.add_argument("--no-stream", action="store_true", help="one table, then end")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.add_argument(
        "--interval", type=_seconds, default=1.0, metavar="SECONDS", help="default 1"
    )
    return parser
