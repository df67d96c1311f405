"""Resident: give pages back that can be read again at any time. madvise(2), MADV_DONTNEED"""

from __future__ import annotations

from minidocker.kernel.libc import call, ctypes, libc
from minidocker.kernel.named import open

MADV_DONTNEED = 4


def drop_program_text() -> None:
    """Unmap the pages of our program and its libraries; what is used comes back by itself.

    They are the file's own, and shared with every other Python; but while a process that only
    waits maps them, they count as its memory. Only what cannot be written is dropped, and of which
    no page is ours alone: the loader has written to some of them before it closed them. proc(5)
    """
    files, ours = [], ""
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as stream:
        for line in stream:
            words = line.split(maxsplit=5)
            if "-" in words[0]:
                is_file = words[1] in ("r-xp", "r--p") and len(words) == 6 and words[5][0] == "/"
                ours = words[0] if is_file else ""
            elif ours and words[:2] == ["Anonymous:", "0"]:
                files.append(ours)
    for place in files:
        first, end = (int(text, 16) for text in place.split("-"))
        # int madvise(void *addr, size_t length, int advice)
        size = ctypes.c_ulong(end - first)
        call("madvise(2)", libc.madvise, ctypes.c_ulong(first), size, MADV_DONTNEED)
