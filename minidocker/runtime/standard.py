"""Standard descriptors: 0, 1 and 2 are somebody's before anything of ours is opened."""

from __future__ import annotations

import os
import sys


def open_standard_descriptors() -> None:
    """Put /dev/null where 0, 1 or 2 is closed: else a file of ours would get that number."""
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            break
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
