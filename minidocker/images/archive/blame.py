"""Which layer gives or deletes a path: asked of the layers alone, without mounting them."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from minidocker.images.archive.whiteout import is_opaque, is_whiteout

HERE, HIDDEN, NOTHING = "here", "hidden", "nothing"
GIVES, DELETES = "gives", "deletes"


def blame(path: str, layers: Sequence[str]) -> tuple[int, str] | None:
    """Return (number of the layer, GIVES or DELETES) for a path; None where none has ever had it.

    layers are directories with overlay's marks, bottom first; the lowest is 0. A layer deletes a
    path where those below it show it, and it hides it.
    """
    found: tuple[int, str] | None = None
    for number, layer in enumerate(layers):
        word = seen_in(layer, path)
        if word == HERE:
            found = (number, GIVES)
        elif word == HIDDEN and found and found[1] == GIVES:
            found = (number, DELETES)
    return found


def seen_in(layer: str, path: str) -> str:
    """Say what one layer has of a path: HERE, HIDDEN (a mark hides what lies below) or NOTHING."""
    here, word = os.fsencode(layer), NOTHING
    parts = os.fsencode(path).split(b"/")
    for left, part in zip(reversed(range(len(parts))), parts, strict=True):
        here += b"/" + part
        try:
            info = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            return word
        if is_whiteout(info) or (left and not stat.S_ISDIR(info.st_mode)):
            return HIDDEN
        if left and is_opaque(here):
            word = HIDDEN
    return HERE
