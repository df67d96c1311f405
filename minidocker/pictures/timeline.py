"""usage_timeline: memory and processor over time, with limits, throttling and kills."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence

from minidocker.pictures.live import Live
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import cgroups, processes, usage
from minidocker.proc.usage import Sample, Use, bytes_text

WIDTH, LEFT, RIGHT = 800.0, 96.0, 776.0
TOP, HIGH = 78.0, 120.0  # of the first panel; the second stands below it
SECOND = TOP + HIGH + 64


def usage_timeline(samples: Sequence[Sample], title: str = "") -> Picture:
    """Draw samples of one container: memory with its limit, processor time with what was cut.

    Two lines, told apart by their signs: circles for memory, diamonds for the processor; triangles
    are the part of the periods that cpu.max cut short, and crosses are kills for memory. At least
    two samples; ValueError for fewer.
    """
    if len(samples) < 2:
        raise ValueError("a line needs two samples")
    uses = [usage.between(a, b) for a, b in itertools.pairwise(samples)]
    start = samples[0].at
    span = max(samples[-1].at - start, 1e-9)
    head = title or "Memory and processor over time"
    canvas = Canvas()
    canvas.fitted(20, 30, head, WIDTH - 40, "bold", 15)
    axis = _Axis(start, span)
    _memory(canvas, axis, samples, uses)
    _processor(canvas, axis, uses)
    _seconds(canvas, axis)
    rows = [_cells(use, start) for use in uses]
    columns = ("second", "memory", "limit", "cpu", "throttled", "pids", "killed for memory")
    height = SECOND + HIGH + 58
    return Picture(head, _desc(samples, uses), columns, rows, canvas, (WIDTH, height))


def watch_usage(
    pid: int,
    seconds: float = 8,
    every: float = 0.4,
    title: str = "",
    pause: Callable[[float], None] = time.sleep,
) -> Picture:
    """Sample a container for some seconds, and draw it; in a notebook the drawing grows meanwhile.

    `pid` is a process of the container; the watch ends early when it does. A process in my own
    cgroup stands for itself and those below it. LookupError: it was gone before two samples could
    be taken.
    """
    directory = cgroups.place(pid).directory
    if directory == cgroups.place("self").directory:
        directory = ""
    live = Live.here()
    samples = [usage.sample(pid, directory)]
    while samples[-1].at - samples[0].at < seconds:
        pause(every)
        try:
            if processes.process(pid).zombie:
                break
            samples.append(usage.sample(pid, directory))
        except (LookupError, OSError):
            break
        if live:
            live.show(usage_timeline(samples, title))
    if len(samples) < 2:
        raise LookupError(f"the container of process {pid} ended before it could be watched")
    return usage_timeline(samples, title) if not live else live.shown


class _Axis:
    """Turns a time into x, and a value into y of a panel."""

    def __init__(self, start: float, span: float) -> None:
        self.start, self.span = start, span

    def x(self, at: float) -> float:
        """Return where a moment stands."""
        return LEFT + (RIGHT - LEFT) * (at - self.start) / self.span

    @staticmethod
    def y(value: float, most: float, top: float) -> float:
        """Return where a value stands in the panel that begins at `top`."""
        return top + HIGH * (1 - min(1.0, value / most)) if most else top + HIGH


def _memory(canvas: Canvas, axis: _Axis, samples: Sequence[Sample], uses: Sequence[Use]) -> None:
    limit = samples[-1].memory_limit
    most = 1.15 * max([sample.memory for sample in samples] + ([limit] if limit else []) + [1])
    _panel(canvas, "memory", TOP, bytes_text(int(most)))
    if limit:
        y = axis.y(limit, most, TOP)
        canvas.line([(LEFT, y), (RIGHT, y)], "orange", "7 4")
        canvas.text(RIGHT, y - 5, f"limit {bytes_text(limit)}", "bold", 11.5, text_anchor="end")
    points = [(axis.x(item.at), axis.y(item.memory, most, TOP)) for item in samples]
    _series(canvas, points, "circle", "blue")
    for use in uses:
        if use.oom_kills:
            x = axis.x(use.now.at)
            canvas.line([(x, TOP), (x, TOP + HIGH)], "orange", "2 3")
            canvas.shape("cross", x, TOP + HIGH / 2 - 4, "orange", 6)
            anchor = "end" if x > RIGHT - 140 else "start"
            canvas.text(x + (-11 if anchor == "end" else 11), TOP + HIGH / 2,
                        f"killed: {use.oom_kills}", "bold", 11.5, text_anchor=anchor)  # fmt: skip


def _processor(canvas: Canvas, axis: _Axis, uses: Sequence[Use]) -> None:
    limit = uses[-1].now.cpu_limit
    most = 1.15 * max([100.0, *(use.cpu for use in uses)])
    _panel(canvas, "processor", SECOND, f"{most:.0f} %")
    if limit and 100 * limit < most:
        y = axis.y(100 * limit, most, SECOND)
        canvas.line([(LEFT, y), (RIGHT, y)], "orange", "7 4")
        canvas.text(RIGHT, y - 5, f"limit {100 * limit:g} %", "bold", 11.5, text_anchor="end")
    points = [(axis.x(use.now.at), axis.y(use.cpu, most, SECOND)) for use in uses]
    _series(canvas, points, "diamond", "green")
    cut = [
        (axis.x(use.now.at), axis.y(use.throttled_percent, most, SECOND))
        for use in uses
        if use.throttled_percent is not None
    ]
    if any(use.throttled_percent for use in uses):
        _series(canvas, cut, "triangle", "purple", "3 3")
    known = uses[-1].now.source == usage.FROM_CGROUP
    memory = "charged to the container" if known else "resident, added up over its processes"
    _legend(canvas, any(use.throttled_percent for use in uses), memory)


def _panel(canvas: Canvas, name: str, top: float, most: str) -> None:
    canvas.text(20, top - 10, name, "bold", 13)
    canvas.line([(LEFT, top), (LEFT, top + HIGH), (RIGHT, top + HIGH)])
    canvas.text(LEFT - 8, top + 8, most, "soft", 11, text_anchor="end")
    canvas.text(LEFT - 8, top + HIGH, "0", "soft", 11, text_anchor="end")


def _series(
    canvas: Canvas, points: Sequence[tuple[float, float]], shape: str, accent: str, dash: str = ""
) -> None:
    canvas.line(points, accent, dash)
    # With many samples the signs would cover the line: some 25 are enough to tell it by.
    step = max(1, len(points) // 25)
    for x, y in points[::step]:
        canvas.shape(shape, x, y, accent, 4)


def _legend(canvas: Canvas, throttled: bool, memory: str) -> None:
    x = LEFT + 60
    canvas.shape("diamond", x, SECOND - 14, "green", 5)
    canvas.text(x + 11, SECOND - 10, "used, of one processor", "soft", 11.5)
    if throttled:
        canvas.shape("triangle", x + 190, SECOND - 14, "purple", 5)
        canvas.text(x + 201, SECOND - 10, "periods that cpu.max cut short", "soft", 11.5)
    canvas.shape("circle", x, TOP - 14, "blue", 5)
    canvas.text(x + 11, TOP - 10, memory, "soft", 11.5)


def _seconds(canvas: Canvas, axis: _Axis) -> None:
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 300) if axis.span / s <= 10), 600)
    number = 0
    while number * step <= axis.span:
        x = axis.x(axis.start + number * step)
        for top in (TOP, SECOND):
            canvas.line([(x, top + HIGH), (x, top + HIGH + 4)])
            canvas.text(x, top + HIGH + 18, f"{number * step:g}", "soft", 11, text_anchor="middle")
        number += 1
    canvas.text(RIGHT, SECOND + HIGH + 36, "seconds", "soft", 11.5, text_anchor="end")


def _cells(use: Use, start: float) -> tuple[str, ...]:
    now = use.now
    known = now.source == usage.FROM_CGROUP
    limit = bytes_text(now.memory_limit) if now.memory_limit else "none" if known else "-"
    cut = "-" if use.throttled is None else f"{use.throttled[0]} of {use.throttled[1]}"
    killed = "-" if now.oom_kills is None else str(use.oom_kills)
    return (f"{now.at - start:.1f}", bytes_text(now.memory), limit, f"{use.cpu:.0f} %", cut,
            str(now.pids), killed)  # fmt: skip


def _desc(samples: Sequence[Sample], uses: Sequence[Use]) -> str:
    last, most = samples[-1], max(sample.memory for sample in samples)
    limit = f" of {bytes_text(last.memory_limit)}" if last.memory_limit else ""
    told = f"At most {bytes_text(most)}{limit}, and {max(use.cpu for use in uses):.0f} % processor."
    cut = sum(use.throttled[0] for use in uses if use.throttled)
    if cut:
        told += f" {cut} periods were cut short by cpu.max."
    killed = sum(use.oom_kills for use in uses)
    if killed:
        told += f" {killed} process{'es' * (killed != 1)} killed for memory."
    if last.source == usage.FROM_PROC:
        told += f" Figures are {usage.NO_CGROUP}."
    return told
