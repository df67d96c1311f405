"""A name that no link has as it was written: `docker.io/library/debian`, or NAME@sha256:…

A run loads this only where the quick way found nothing.
"""

from __future__ import annotations

import contextlib
import os

from minidocker.images.store import names
from minidocker.images.store.hold import listing
from minidocker.images.store.image import as_file, read, with_tag


def find(root: str, name: str) -> tuple[str, str] | None:
    """Return (name to show, lean text) of an image in the store at `root`; None where it is not.

    UsageError for what is no name. A digest is found by the manifest of any tag of its repository:
    what it stands for can be nothing else, so no registry need be asked.
    """
    full = names.any_name(name)
    here = [as_file(full)] if full != with_tag(name) else []
    folder = os.path.join(root, "images", "names")
    repository, at, digest = as_file(full).partition("@")
    for tag in sorted(listing(folder)) if at else ():
        with contextlib.suppress(OSError):  # somebody has just removed it
            manifest = os.path.basename(os.readlink(os.path.join(folder, tag)))
            if tag.rpartition(":")[0] == repository and f"sha256:{manifest}" == digest:
                here.append(tag)
    for tag in here:
        with contextlib.suppress(FileNotFoundError):
            return tag.replace("%", "/"), read(os.path.join(folder, tag, "lean"))
    return None
