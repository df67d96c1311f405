"""Names of images, as in Docker: [HOST[:PORT]/]PATH[:TAG], where TAG is "latest" when left out."""

from __future__ import annotations

import re

from minidocker.errors import UsageError
from minidocker.images.store.image import with_tag

# The grammar of the OCI distribution specification; the first part may also be HOST:PORT.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]+/)?"
_NAME = re.compile(rf"{_HOST}{_PART}(?:/{_PART})*:[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}")
LONGEST = 255  # a name becomes one file name, see NAME_MAX in limits.h


def check(name: str) -> str:
    """Return the full name with its tag, or raise UsageError with the rule that it breaks."""
    full = with_tag(name)
    if len(full) > LONGEST:
        raise UsageError(
            f"the image name is {len(full)} characters long; {LONGEST} are the most",
            "use a shorter name",
        )
    if not _NAME.fullmatch(full):
        raise UsageError(
            f"{name!r} is not a name for an image",
            "use lower-case letters, digits and . _ - inside, and :TAG if you like: debian:12",
        )
    return full
