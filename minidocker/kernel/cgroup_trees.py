"""Cgroup trees: how a cgroup with others below it goes away, in either version."""

from __future__ import annotations

import os
from errno import EBUSY, ENOENT

from minidocker.errors import KernelError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel


def remove_directories(kernel: Kernel, path: str) -> None:
    """Remove a cgroup and those below it, deepest first; who was killed may take a moment to leave.

    Both versions: in one of version 1 there is no cgroup.kill. KernelError: it cannot be removed.
    """
    try:
        kernel.rmdir(path)
        return  # most have none below, and nobody inside
    except KernelError as problem:
        if problem.errno == ENOENT:
            return
        if problem.errno != EBUSY:
            raise
    below = [directory for directory, _, _ in os.walk(path)]
    for directory in reversed(below):
        for attempt in range(200):
            try:
                kernel.rmdir(directory)
                break
            except KernelError as problem:
                if problem.errno == ENOENT:
                    break  # another one has just done it
                if problem.errno != EBUSY or attempt == 199:
                    raise
                _pause(0.01)


def _pause(seconds: float) -> None:
    from time import sleep

    sleep(seconds)
