"""The numbers of the system calls: a name → its number, for each ABI that Linux offers."""

from __future__ import annotations

import os

# struct seccomp_data.arch, AUDIT_ARCH_… of <linux/audit.h>
ARCHITECTURES = {
    "x86_64": 0xC000003E,
    "i386": 0x40000003,
    "x32": 0xC000003E,  # the same as x86_64: a bit of the number tells them apart
    "aarch64": 0xC00000B7,
    "arm": 0x40000028,
}
X32 = 0x40000000  # this bit of the number: the call comes by the x32 ABI
OWN = 512  # from here on, numbers belong to one ABI; new calls, which all have, come below
DOCKER = {  # SCMP_ARCH_… of a profile
    "SCMP_ARCH_X86_64": "x86_64", "SCMP_ARCH_X86": "i386", "SCMP_ARCH_X32": "x32",
    "SCMP_ARCH_AARCH64": "aarch64", "SCMP_ARCH_ARM": "arm",
}  # fmt: skip
GO = {"x86_64": "amd64", "aarch64": "arm64"}  # the machine's name in `includes.arches`
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calls.txt")


def numbers() -> dict[str, dict[str, int]]:
    """Return ABI → {name: number as a filter sees it}; a call that an ABI lacks is left out."""
    with open(FILE, encoding="ascii") as stream:
        rows = [line.split() for line in stream if line[0] != "#"]
    found: dict[str, dict[str, int]] = {abi: {} for abi in ARCHITECTURES}
    for name, *columns in rows:
        for abi, text in zip(ARCHITECTURES, columns, strict=True):
            if text != "-":
                found[abi][name] = int(text) | (X32 if abi == "x32" else 0)
    return found


def machine(name: str) -> str:
    """Turn uname's word for the processor into ours: AMD64 and arm64 come from other systems."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(name, name)
