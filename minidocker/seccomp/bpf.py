"""A small assembler for classic BPF, the language of seccomp filters. seccomp(2), bpf(4)

A program looks at `struct seccomp_data` and returns a verdict. An instruction is 8 bytes,
`struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. There are no loops: jumps only go forward.
"""

from __future__ import annotations

import struct

# struct seccomp_data: where its fields lie; an argument has 64 bits, low half first
NUMBER, ARCH, ARGUMENTS = 0, 4, 16

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS: accumulator = the word at offset k
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP = 0x05  # BPF_JMP | BPF_JA: k instructions further
EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K: jt instructions further if so, else jf
GREATER = 0x25  # BPF_JGT, without sign
AT_LEAST = 0x35  # BPF_JGE
RETURN = 0x06  # BPF_RET | BPF_K

MOST = 4096  # instructions in one filter (BPF_MAXINSNS)
NEAR = 255  # a conditional jump has one byte for its distance


class Assembler:
    """Collect instructions and labels; `assemble` turns names into distances."""

    def __init__(self) -> None:
        self.items: list[tuple[int, int, str, str]] = []  # (code, k, label if so, label if not)
        self.labels: dict[str, int] = {}  # name → index of the item that follows it
        self._names = 0

    def name(self) -> str:
        """Invent a label that nobody has used."""
        self._names += 1
        return f"L{self._names}"

    def label(self, name: str) -> None:
        """Let `name` stand for the next instruction."""
        self.labels[name] = len(self.items)

    def load(self, offset: int) -> None:
        """Put a 32-bit word of seccomp_data into the accumulator."""
        self.items.append((LOAD, offset, "", ""))

    def keep(self, mask: int) -> None:
        """Clear the accumulator's bits that are not in `mask`."""
        self.items.append((AND, mask, "", ""))

    def test(self, code: int, k: int, yes: str, no: str) -> None:
        """Compare the accumulator with k, and go on at one of two labels."""
        self.items.append((code, k, yes, no))

    def give(self, verdict: int) -> None:
        """End the program with a verdict."""
        self.items.append((RETURN, verdict, "", ""))

    def assemble(self) -> bytes:
        """Return the program. A label too far for a byte is reached by a jump beside the test.

        Raises ValueError for a program longer than the kernel takes.
        """
        far: set[tuple[int, int]] = set()  # (item, 2 or 3): this label needs such a jump
        while True:
            places = self._places(far)
            again = {
                (index, side)
                for index, item in enumerate(self.items)
                for side in (2, 3)
                if item[side] and self._distance(places, index, str(item[side])) > NEAR
            } - far
            if not again:
                break
            far |= again
        if places[-1] > MOST:
            raise ValueError(f"the filter has {places[-1]} instructions; {MOST} are the most")
        return b"".join(self._encode(index, places, far) for index in range(len(self.items)))

    def _places(self, far: set[tuple[int, int]]) -> list[int]:
        """Where each item begins, and at the end the program's length."""
        places, place = [], 0
        for index in range(len(self.items)):
            places.append(place)
            place += 1 + ((index, 2) in far) + ((index, 3) in far)
        return [*places, place]

    def _distance(self, places: list[int], index: int, label: str) -> int:
        """Count the instructions between an item's first one and a label."""
        return places[self.labels[label]] - places[index] - 1

    def _encode(self, index: int, places: list[int], far: set[tuple[int, int]]) -> bytes:
        code, k, yes, no = self.items[index]
        if not yes:
            return instruction(code, k)
        steps, jumps = [], b""
        for side, label in ((2, yes), (3, no)):
            distance = self._distance(places, index, label)
            if (index, side) in far:
                steps.append(len(jumps) // 8)
                jumps += instruction(JUMP, distance - len(jumps) // 8 - 1)
            else:
                steps.append(distance)
        return instruction(code, k, *steps) + jumps


def instruction(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    """Encode one instruction in this machine's byte order (all of ours are little-endian)."""
    return struct.pack("=HBBI", code, yes, no, k)
