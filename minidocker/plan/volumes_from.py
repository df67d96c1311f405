"""--volumes-from: the mounts of another container, of one that has ended, too."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.runtime import reading
from minidocker.spec.spec import Mount
from minidocker.volumes.words import refuse_labels

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.words import Asked


def inherited(asked: Asked) -> list[Mount]:
    """Return the mounts that --volumes-from NAME[:ro] asks for; the last one of a place wins.

    An anonymous volume stays the other container's: it does not go with ours.
    """
    found: dict[str, Mount] = {}
    for text in asked["volumes-from"]:
        name, sign, mode = text.partition(":")
        if mode in ("z", "Z"):
            refuse_labels(f"--volumes-from {text}: {mode}")
        elif mode not in ("ro", "rw") and sign:
            raise UsageError(
                f"--volumes-from {text!r} is not NAME or NAME:ro", "--volumes-from web:ro",
                docker=f"invalid mode for volumes-from: {mode}",
            )  # fmt: skip
        record = reading.find(asked.store, name) if asked.touch else {}
        for values in record.get("spec", {}).get("mounts") or ():
            mount = Mount(**values)
            if mount.type == "bind":
                mount.anonymous = False
                mount.readonly = mount.readonly or mode == "ro"
                found[mount.destination] = mount
    return list(found.values())
