"""ELF: the smallest file that the kernel starts as a program. elf(5)

One header, one program header, then the code and its data in one segment that nobody may write.
No library, no loader, no sections: the kernel reads nothing else.
"""

from __future__ import annotations

EM_X86_64, EM_AARCH64 = 62, 183
ET_EXEC, PT_LOAD, PT_INTERP, PF_X, PF_R = 2, 1, 3, 1, 4
ADDRESS = 0x400000
ALIGNMENT = 0x10000  # arm64 kernels may have pages of 64 KiB
HEADERS = 64 + 56  # Elf64_Ehdr, Elf64_Phdr
IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)  # 64 bits, little-endian, version 1

SIZES = {"H": 2, "I": 4, "i": 4, "Q": 8}  # bytes, by the letters of the module struct


def pack(kinds: str, *values: int) -> bytes:
    """Return numbers as the processor wants them; the module struct would cost a start 0.1 ms."""
    return b"".join(
        (value & (1 << 8 * SIZES[kind]) - 1).to_bytes(SIZES[kind], "little")
        for kind, value in zip(kinds, values, strict=True)
    )


def executable(machine: int, text: bytes) -> bytes:
    """Return a static program of `text`, which begins with its first instruction.

    The segment fills whole pages, where the file ends before: Linux before 6.7 zeroes the rest of
    a loader's last page (PT_INTERP), and where nobody may write to it the exec ends in SIGSEGV.
    """
    size = -(-(HEADERS + len(text)) // ALIGNMENT) * ALIGNMENT
    ehdr = pack(
        "HHIQQQIHHHHHH", ET_EXEC, machine, 1, ADDRESS + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    phdr = pack(
        "IIQQQQQQ", PT_LOAD, PF_R | PF_X, 0, ADDRESS, ADDRESS, size, size, ALIGNMENT
    )
    return IDENT + ehdr + phdr + text


def with_interpreter(machine: int, path: bytes) -> bytes:
    """Return a program that does nothing, and that the kernel starts by way of a loader, `path`."""
    name, start = path + b"\0", 64 + 2 * 56
    size = start + len(name)
    ehdr = pack(
        "HHIQQQIHHHHHH", ET_EXEC, machine, 1, ADDRESS + start, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    at = ADDRESS + start
    interp = pack("IIQQQQQQ", PT_INTERP, PF_R, start, at, at, len(name), len(name), 1)
    load = pack(
        "IIQQQQQQ", PT_LOAD, PF_R | PF_X, 0, ADDRESS, ADDRESS, size, size, ALIGNMENT
    )
    return IDENT + ehdr + interp + load + name
