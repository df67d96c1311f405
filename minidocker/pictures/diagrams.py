"""Drawings of ideas: the map of the course, and a VM beside containers; the data are given."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, wrap

# (sentence, the kernel's word for it, the lessons that teach it): where each lesson stands.
SENTENCES = (
    ("What is a container?", "a process, from outside", ("00",)),
    ("Give it its own view", "namespaces", ("01", "02", "06", "07", "08", "09")),
    ("Give it a limit", "cgroups", ("05",)),
    ("Give it its own root", "rootfs from layers", ("03", "04", "12", "13")),
    ("Take power away", "capabilities, seccomp", ("10", "11")),
    ("Put it together", "engine, runtime", ("14", "15")),
)
ACCENT_OF_ROW = ("grey", "blue", "green", "orange", "purple", "grey")

CHIP, GAP, EACH_LINE = 194, 8, 3


def course_map(
    current: str = "", lessons: Sequence[tuple[str, str]] = (), done: Collection[str] = ()
) -> Picture:
    """Draw the sentences of the course and its lessons, with the current one lit.

    `lessons` are (id, title) in course order, as in the manifest; `current` and `done` are ids.
    An id counts by its first two characters: "01_pid" is lesson 01.
    """
    titles = {name[:2]: title for name, title in lessons}
    here, finished = current[:2], {name[:2] for name in done}
    canvas = Canvas()
    canvas.text(20, 32, "The course: a process, walled in step by step", "bold", 15)
    rows: list[list[str]] = []
    y = 50.0
    for (sentence, words, _), accent in zip(SENTENCES, ACCENT_OF_ROW, strict=True):
        taught = [number for number in titles if _place(number) == sentence]
        if not taught:
            continue
        lines = -(-len(taught) // EACH_LINE)
        lit = here in taught
        canvas.text(20, y + 22, sentence, "bold", 13.5)
        canvas.text(20, y + 39, words, "soft", 11.5)
        for index, number in enumerate(taught):
            x = 190 + (CHIP + GAP) * (index % EACH_LINE)
            top = y + 54 * (index // EACH_LINE)
            state = _state(number, here, finished)
            _chip(canvas, x, top, number, titles[number], accent, state)
            rows.append([number, titles[number], state or "to come", f"{sentence} ({words})"])
        y += 54 * lines + 6
        if lit:
            canvas.shape("arrow", 11, y - 54 * lines + 11, accent, 5)
    rows.sort()
    desc = f"You are in lesson {here}, {titles.get(here, '')}: {_place(here).lower()}."
    if here not in titles:
        desc = "The map of the course; no lesson is lit."
    columns = ("lesson", "title", "state", "where it stands")
    return Picture("Map of the course", desc, columns, rows, canvas, (800, y + 6))


def _place(number: str) -> str:
    """Return the sentence that a lesson stands in; the last one for a lesson that is new."""
    places = (sentence for sentence, _, numbers in SENTENCES if number in numbers)
    return next(places, SENTENCES[-1][0])


def _state(number: str, here: str, finished: Collection[str]) -> str:
    if number == here:
        return "you are here; it is done" if number in finished else "you are here"
    return "done" if number in finished else ""


def _chip(
    canvas: Canvas, x: float, y: float, number: str, title: str, accent: str, state: str
) -> None:
    lit = state.startswith("you are here")
    canvas.box(x, y, CHIP, 48, accent if state else "", strong=lit, tint=0.2 if lit else 0.08)
    canvas.text(x + 10, y + (16 if state else 20), number, "mono bold", 13)
    if state:
        canvas.shape("arrow" if lit else "circle", x + 17, y + 39, accent, 4.5)
    first = y + (16 if state else 20)
    for index, line in enumerate(wrap(title, CHIP - 44, 11.5)):
        canvas.text(x + 38, first + 14 * index, line, "bold" if lit else "", 11.5)
    if state:
        canvas.text(x + 38, y + 43, state, "soft", 10.5)


# --- a VM beside containers ------------------------------------------------------

# What stands under one program, from above to below, and what it is.
VM_STACK = (
    ("your program", "asks the guest's kernel", "green"),
    ("libraries, files", "a whole disk", "orange"),
    ("guest kernel", "boots; one for each VM", "purple"),
    ("virtual hardware", "a host process (QEMU)", "grey"),
)
CONTAINER_STACK = (
    ("your program", "asks the host kernel", "green"),
    ("libraries, files", "its own root", "orange"),
)


def vm_and_container(
    figures: Sequence[tuple[str, str, str]] = (), host: str = "", guest: str = ""
) -> Picture:
    """Draw two virtual machines beside three containers, with the engine beside the containers.

    `figures` are (what, in the VM, in the container) as text, measured by the caller. `host` and
    `guest` are kernel releases; the host's is this machine's, where it is Linux.
    """
    host = host or (os.uname().release if os.path.isdir("/proc/self/ns") else "")
    canvas = Canvas()
    canvas.text(20, 30, "Under your program: two kernels, or one", "bold", 15)
    _machines(canvas, guest)
    _containers(canvas)
    for x, width in ((20, 360), (420, 360)):
        canvas.box(x, 290, width, 34, "blue", strong=True)
        words = f"host kernel {host}".strip()
        canvas.fitted(x + 12, 311, words, width - 24, "bold", 12.5)
        canvas.box(x, 330, width, 30)
        canvas.text(x + 12, 350, "hardware", "", 12.5)
    bottom = _figures(canvas, figures, 392)
    rows = [(f"VM: {name}", words) for name, words, _ in VM_STACK]
    rows += [(f"container: {name}", words) for name, words, _ in CONTAINER_STACK]
    rows.append(("container: engine", "stands beside: it starts containers, it is not under them"))
    rows.append(("both: host kernel", f"{host or 'Linux'}; shared by all containers"))
    rows += [(what, f"VM {vm}; container {container}") for what, vm, container in figures]
    desc = (
        "In a VM a program asks a guest kernel, which runs on virtual hardware on the host kernel. "
        "In a container it asks the host kernel itself; the engine stands beside, not under."
    )
    title = "A virtual machine and a container"
    return Picture(title, desc, ("part", "what it is"), rows, canvas, (800, bottom))


def _machines(canvas: Canvas, guest: str) -> None:
    canvas.text(20, 58, "Two virtual machines", "bold", 13)
    for x in (20, 205):
        canvas.box(x, 68, 175, 214, "", dashed=True)
        y = 76.0
        for name, words, accent in VM_STACK:
            if name == "guest kernel" and guest:
                words = guest
            canvas.box(x + 8, y, 159, 46, accent, strong=name == "guest kernel")
            canvas.fitted(x + 16, y + 20, name, 145, "bold", 12.5)
            canvas.fitted(x + 16, y + 36, words, 147, "soft", 10.5)
            y += 51


def _containers(canvas: Canvas) -> None:
    canvas.text(420, 58, "Two containers, and the engine beside them", "bold", 13)
    for x in (420, 543):
        canvas.box(x, 68, 115, 150, "", dashed=True)
        for index, (name, words, accent) in enumerate(CONTAINER_STACK):
            y = 76 + 69 * index
            canvas.box(x + 7, y, 101, 64, accent)
            parts = [(line, "bold", 11.5) for line in wrap(name, 90, 11.5)]
            parts += [(line, "soft", 10.5) for line in wrap(words, 92, 10.5)]
            for line, (part, kind, size) in enumerate(parts[:4]):
                canvas.text(x + 13, y + 17 + 14 * line, part, kind, size)
        canvas.line([(x + 28, 218), (x + 28, 288)], "green")
        canvas.text(x + 36, 250, "system", "soft", 10.5)
        canvas.text(x + 36, 264, "calls", "soft", 10.5)
    canvas.box(668, 76, 112, 133, "grey", dashed=True)
    canvas.text(676, 96, "engine", "bold", 12.5)
    engine = ("a process like", "any other. It", "starts containers", "and watches them")
    for line, words in enumerate(engine):
        canvas.text(676, 116 + 15 * line, words, "soft", 10.5)
    canvas.line([(696, 209), (696, 288)], "grey", "4 4")
    canvas.text(704, 250, "system", "soft", 10.5)
    canvas.text(704, 264, "calls", "soft", 10.5)


def _figures(canvas: Canvas, figures: Sequence[tuple[str, str, str]], y: float) -> float:
    if not figures:
        return y - 16
    canvas.text(20, y, "measured", "soft", 11.5)
    canvas.text(300, y, "virtual machine", "bold", 12)
    canvas.text(560, y, "container", "bold", 12)
    for what, vm, container in figures:
        canvas.line([(20, y + 8), (780, y + 8)])
        y += 27
        canvas.fitted(20, y, what, 270, "", 12.5)
        canvas.fitted(300, y, vm, 250, "mono", 12)
        canvas.fitted(560, y, container, 220, "mono", 12)
    return y + 18
