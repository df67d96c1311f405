"""What a run mounts: what was asked for in each way, each place once."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.volumes.long import parse_mount
from minidocker.volumes.words import new_volume

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.spec import Mount
    from minidocker.spec.words import Asked


def once(mounts: list[Mount]) -> list[Mount]:
    """Leave out what was said twice in the same words: Docker, too, takes that as one."""
    found: dict[tuple[object, ...], Mount] = {}
    for mount in mounts:
        what = "" if mount.anonymous else mount.volume  # the name of a new volume is ours
        said = (what, mount.source, mount.destination, mount.readonly, mount.fill)
        found.setdefault(said, mount)
    return list(found.values())


def volumes_asked(asked: Asked, given: list[Mount]) -> list[Mount]:
    """List what -v (`given`), --mount, --tmpfs, --volumes-from and the image ask for.

    What is asked for here goes before what comes from another container, and that before what the
    image declares, as in Docker.
    """
    found: dict[str, Mount] = {}
    for mount in (
        *{os.path.normpath(one.destination): one for one in asked.get("tmpfs", ())}.values(),
        *once(given),
        *(parse_mount(text, asked.touch) for text in asked.get("mount", ())),
    ):
        place = os.path.normpath(mount.destination)
        if place in found:
            raise UsageError(
                f"two mounts at {place}", "leave one out", docker=f"Duplicate mount point: {place}"
            )
        found[place] = mount
    for mount in asked.get("volumes-from", ()):
        found.setdefault(os.path.normpath(mount.destination), mount)
    for path in asked.image.get("Volumes") or ():
        # A path and never -v's words: an image with "/:/host" would mount our host into itself.
        if os.path.normpath(path) not in found:
            found[os.path.normpath(path)] = new_volume(path, path)
    for mount in found.values():
        if mount.volume:
            mount.source = f"{asked.store}/volumes/{mount.volume}/_data"
    return list(found.values())
