"""Whether this machine has a program that a network needs."""

from __future__ import annotations

import os
from errno import EACCES

from minidocker.errors import KernelError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel


def has_program(kernel: Kernel, name: str, *more: str) -> bool:
    """Say whether a directory of PATH, or one of `more`, has it.

    One that this user may not look into has none for them: `su` and `sudo -u` leave root's PATH.
    """
    for place in (*os.environ.get("PATH", "").split(":"), *more):
        try:
            if place and kernel.exists(f"{place}/{name}"):
                return True
        except KernelError as problem:
            if problem.errno != EACCES:
                raise
    return False
