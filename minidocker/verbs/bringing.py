"""What a run or a create gets from a registry before it begins: an image that is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidocker.errors import MinidockerError, NotFound, UsageError
from minidocker.images.store.image import with_tag
from minidocker.verbs import pull

if TYPE_CHECKING:
    from minidocker.errors import NoImage


def asked_for(found: dict[str, object], words: list[str]) -> None:
    """Pull for --pull always, and for a --platform that the image here is not for."""
    when = found.get("pull") or "missing"
    if when not in ("always", "missing", "never"):
        raise UsageError(
            f"--pull {when!r} is none of always, missing, never", "--pull missing",
            docker=f"invalid pull option: '{when}': must be one of \"always\", \"missing\" or "
            '"never"',
        )  # fmt: skip
    of_image = words and not (found.get("rootfs") or found.get("layer"))
    platform = str(found.get("platform", ""))
    if of_image and (when == "always" or (when == "missing" and platform)):
        pull.for_run(words[0], platform, when == "always", bool(found.get("quiet")))


def missing(found: dict[str, object], problem: NoImage) -> None:
    """Pull the image that is not here; the first error is raised again where we may not."""
    an_id = len(problem.name) >= 12 and not problem.name.strip("0123456789abcdef")
    if found.get("pull") == "never" or an_id:
        raise problem
    try:
        platform = str(found.get("platform", ""))
        pull.for_run(problem.name, platform, True, bool(found.get("quiet")))
    except MinidockerError as other:
        docker = f"Unable to find image '{with_tag(problem.name)}' locally"
        message = f"{problem.message} here, and {other.message}"
        raise NotFound(message, problem.remedy, docker=docker) from None
