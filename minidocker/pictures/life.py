"""life: the states of a container, and the way that one has gone, lit by its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

PLACES = {"created": (30, 96), "running": (236, 96), "paused": (236, 196), "exited": (452, 96),
          "removed": (658, 96)}  # fmt: skip
BOX = (112, 40)
# event: from which states it leads, and to which
WAYS = {
    "create": ((), "created"),
    "start": (("created", "exited"), "running"),
    "pause": (("running",), "paused"),
    "unpause": (("paused",), "running"),
    "die": (("running", "paused"), "exited"),
    "destroy": (("created", "exited"), "removed"),
}
EDGES = {  # (event, from): the points of its line, and where its word stands
    ("start", "created"): ([(142, 116), (236, 116)], (150, 110)),
    ("die", "running"): ([(348, 116), (452, 116)], (366, 110)),
    ("start", "exited"): ([(480, 96), (480, 66), (300, 66), (300, 96)], (352, 60)),
    ("pause", "running"): ([(262, 136), (262, 196)], (196, 170)),
    ("unpause", "paused"): ([(320, 196), (320, 136)], (328, 170)),
    ("die", "paused"): ([(348, 216), (500, 216), (500, 136)], (392, 210)),
    ("destroy", "exited"): ([(564, 116), (658, 116)], (574, 110)),
    ("destroy", "created"): ([(86, 136), (86, 262), (714, 262), (714, 136)], (360, 256)),
}
NOTES = ("kill", "stop", "rename")  # these change no state by themselves


def followed(events: Sequence[str]) -> tuple[str, Counter[tuple[str, str]]]:
    """Return the last state that the events lead to, and how often each edge was gone."""
    state, gone = "", Counter[tuple[str, str]]()
    for event in events:
        begins, end = WAYS.get(event, ((), ""))
        if end and (state in begins or not begins):
            gone[event, state] += 1
            state = end
    return state, gone


def life(events: Sequence[str], title: str = "The life of a container") -> Picture:
    """Draw the states of a container, and light what these events have done, oldest first.

    `events` are the words of `minidocker events`: create, start, die, … Others are told below.
    """
    state, gone = followed(events)
    been = {WAYS[event][1] for event, _ in gone}
    canvas = Canvas()
    canvas.text(20, 30, title, "bold", 15)
    rows = []
    for (event, begin), (points, (x, y)) in EDGES.items():
        count = gone[event, begin]
        accent = "green" if count else ""
        canvas.line([(float(a), float(b)) for a, b in points], accent, "" if count else "4 4")
        (_, ay), (bx, by) = points[-2:]
        way = "up" if by < ay else "down" if by > ay else "right"
        _head(canvas, float(bx), float(by), way, accent or "grey")
        words = f"{event} ×{count}" if count else event
        canvas.text(x, y, words, "bold" if count else "soft", 12)
        times = f"{count} times" if count else "not yet"
        rows.append([f"{begin} → {WAYS[event][1]}", event, times])
    for name, (x, y) in PLACES.items():
        here = name == state
        canvas.box(x, y, *BOX, "orange" if here else "green" if name in been else "", strong=here)
        canvas.text(x + BOX[0] / 2, y + 25, name, "bold" if here else "", 13, text_anchor="middle")
    others = Counter(event for event in events if event in NOTES)
    told = ", ".join(f"{name} ×{count}" for name, count in sorted(others.items()))
    words = f"It is {state or 'not there'} now." + (f" Also told: {told}." if told else "")
    canvas.text(20, 296, words, "soft", 12)
    rows += [["no change", name, f"{count} times"] for name, count in sorted(others.items())]
    desc = f"{words} It went: {' '.join(events) or 'nowhere yet'}."
    columns = ("from and to", "event", "how often")
    return Picture(title, desc, columns, rows, canvas, (800, 312))


def _head(canvas: Canvas, x: float, y: float, way: str, accent: str) -> None:
    """Draw the head of an arrow."""
    turns = {"right": ((-9, -5), (-9, 5)), "up": ((-5, 9), (5, 9)), "down": ((-5, -9), (5, -9))}
    (a, b), (c, d) = turns[way]
    canvas.line([(x + a, y + b), (x, y), (x + c, y + d)], accent)
