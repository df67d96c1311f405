"""A seccomp filter as a flow chart: each instruction, and where it goes on.

The program is data: bytes as the kernel takes them, or tuples (code, jt, jf, k). See seccomp(2).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

Instruction = tuple[int, int, int, int]
LOAD, JUMP, RETURN = 0x20, 0x05, 0x06
TESTS = {0x15: "is it {}?", 0x25: "is it more than {}?", 0x35: "is it {} or more?",
         0x45: "has it a bit of {}?"}  # fmt: skip
OFFSETS = {0: "the number of the call", 4: "the architecture"}
MACHINES = {0xC000003E: "x86_64", 0xC00000B7: "aarch64", 0x40000003: "i386", 0x40000028: "arm"}
VERDICTS = {0x7FFF0000: ("allow", "green"), 0x80000000: ("kill the process", "purple"),
            0x00000000: ("kill the thread", "purple"), 0x7FFC0000: ("log, and allow", "green"),
            0x00030000: ("SIGSYS", "purple"),
            0x7FC00000: ("ask another process", "blue")}  # fmt: skip
LEFT, BOX, HEIGHT, STEP, LANE = 150.0, 330.0, 34.0, 58.0, 16.0
MOST = 60


def filter_chart(program: bytes | Sequence[Instruction], title: str = "A filter") -> Picture:
    """Draw a filter. A jump to the next instruction goes straight down, others by the left side."""
    rows = list(struct.iter_unpack("=HBBI", program)) if isinstance(program, bytes) else program
    steps = [tuple(map(int, row)) for row in rows[:MOST]]
    canvas = Canvas()
    canvas.text(20, 32, title, "bold", 15)
    facts, lanes = [], 0
    for at, (code, jt, jf, k) in enumerate(steps):
        words, accent = _told(code, k)
        y = 54 + STEP * at
        canvas.text(LEFT + BOX + 14, y + 22, str(at), "soft", 12)
        canvas.box(LEFT, y, BOX, HEIGHT, accent or "grey", strong=bool(accent))
        canvas.fitted(LEFT + 14, y + 22, words, BOX - 28, "bold" if accent else "", 13)
        goes = []
        for word, target in _ways(at, code, jt, jf, k):
            goes.append(f"{word} → {target}".strip())
            if target == at + 1:
                _down(canvas, y, word)
            else:
                lanes += 1
                _around(canvas, y, 54 + STEP * target, word, lanes)
        facts.append([str(at), words, ", ".join(goes) or "the end"])
    if len(rows) > MOST:
        canvas.text(LEFT, 54 + STEP * MOST + 16, f"… and {len(rows) - MOST} more", "soft", 12)
    desc = f"{len(rows)} instructions, from the first down to the verdicts."
    size = (LEFT + BOX + 60, 54 + STEP * len(steps) + 30)
    return Picture(title, desc, ("at", "instruction", "goes on at"), facts, canvas, size)


def _told(code: int, k: int) -> tuple[str, str]:
    """Say what an instruction does; a verdict has a colour, too."""
    if code == LOAD:
        return f"load {OFFSETS.get(k, f'the word at {k}')}", ""
    if code in TESTS:
        return TESTS[code].format(MACHINES.get(k) or (str(k) if k < 1 << 20 else f"{k:#x}")), ""
    if code == RETURN:
        if k & 0xFFFF0000 == 0x00050000:
            number = k & 0xFFFF
            return f"refuse: {errno.errorcode.get(number, f'errno {number}')}", "orange"
        return VERDICTS.get(k & 0xFFFF0000, (f"verdict {k:#x}", "blue"))
    return ("go on further down" if code == JUMP else f"instruction {code:#x}, {k:#x}"), ""


def _ways(at: int, code: int, jt: int, jf: int, k: int) -> list[tuple[str, int]]:
    """Return where an instruction goes on: (on which answer, to which instruction)."""
    if code == RETURN:
        return []
    if code in TESTS:
        return [("yes", at + 1 + jt), ("no", at + 1 + jf)]
    return [("", at + 1 + (k if code == JUMP else 0))]


def _down(canvas: Canvas, y: float, word: str) -> None:
    middle = LEFT + BOX / 2
    canvas.line([(middle, y + HEIGHT), (middle, y + STEP)], "grey")
    canvas.text(middle + 8, y + HEIGHT + 16, word, "soft", 12)


def _around(canvas: Canvas, y: float, target: float, word: str, lane: int) -> None:
    """Draw a way along the left side, each in one of six lanes; it ends in an arrow."""
    x = LEFT - 36 - LANE * ((lane - 1) % 6)
    start, end = y + HEIGHT / 2 + 6, target + HEIGHT / 2 - 6
    canvas.line([(LEFT, start), (x, start), (x, end), (LEFT - 5, end)], "blue")
    canvas.shape("arrow", LEFT - 6, end, "blue", 5)
    canvas.text(LEFT - 30, start + 13, word, "soft", 12)
