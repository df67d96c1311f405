"""The processors that a lab machine can have: for each the QEMU that plays it, and its words.

MINIDOCKER_ARCH=arm64 asks for one that this computer does not have: QEMU emulates it then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from minidocker.errors import UsageError


@dataclass(frozen=True)
class Architecture:
    """One row of the table."""

    debian: str  # the name in Debian's archive
    machine: str  # the name that uname(2) says, and Python's packages carry
    qemu: str
    package: str  # Debian's, of that QEMU
    board: str  # QEMU's -machine
    processor: str  # QEMU's -cpu, where the processor is emulated
    console: str  # the kernel's name of the first serial line
    defences: str  # words for the kernel that this processor alone has
    tag: str  # in the names of its boxes and machines, so that two stand beside each other

    @property
    def foreign(self) -> bool:
        """Say whether this computer cannot run its programs itself."""
        return self is not own()

    @property
    def patience(self) -> int:
        """Say how many times longer its start may take than that of this computer's own."""
        return 3 if self.foreign else 1

    @property
    def user(self) -> str:
        """The program that runs a single program of this processor on another one."""
        return f"qemu-{self.machine}-static"


AMD64 = Architecture(
    "amd64", "x86_64", "qemu-system-x86_64", "qemu-system-x86", "pc,vmport=off", "max", "ttyS0",
    " no5lvl", "",
)  # fmt: skip
# cortex-a72 signs no pointers: emulating that costs more than all that it is there to protect.
ARM64 = Architecture(
    "arm64", "aarch64", "qemu-system-aarch64", "qemu-system-arm", "virt", "cortex-a72", "ttyAMA0",
    "", "_arm64",
)  # fmt: skip
NAMES = {"amd64": AMD64, "x86_64": AMD64, "arm64": ARM64, "aarch64": ARM64}


def own() -> Architecture:
    """Return this computer's; QEMU emulates an amd64 on one that has no row."""
    return NAMES.get(os.uname().machine, AMD64)


def chosen() -> Architecture:
    """Return the one that MINIDOCKER_ARCH names, else this computer's."""
    word = os.environ.get("MINIDOCKER_ARCH", "")
    if word and word not in NAMES:
        raise UsageError(f"MINIDOCKER_ARCH={word}: no lab machine has it", "amd64 or arm64")
    return NAMES[word] if word else own()
