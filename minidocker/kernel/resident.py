"""Resident: give pages back that can be read again at any time. madvise(2), MADV_DONTNEED"""

from __future__ import annotations

from minidocker.kernel.libc import call, ctypes, libc
from minidocker.kernel.named import open

MADV_DONTNEED = 4


def drop_program_text() -> None:
    """Unmap the pages of our program and its libraries; what is used comes back by itself.

    They are the file's own, and shared with every other Python; but while a process that only
    waits maps them, they count as its memory. Only what cannot be written is dropped: "r-xp".
    """
    with open("/proc/self/maps", encoding="ascii", errors="replace") as stream:
        lines = [line.split(maxsplit=5) for line in stream]
    for words in lines:
        if words[1] == "r-xp" and len(words) == 6 and words[5].startswith("/"):
            first, end = (int(text, 16) for text in words[0].split("-"))
            # int madvise(void *addr, size_t length, int advice)
            size = ctypes.c_ulong(end - first)
            call("madvise(2)", libc.madvise, ctypes.c_ulong(first), size, MADV_DONTNEED)
