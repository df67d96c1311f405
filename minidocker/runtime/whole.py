"""Whole: has a record the form in which it was written? A power cut, or a disk, may leave anything.

Who reads it asks it for its parts, and must not fail on one that is of another kind: of a record
that is spoilt nothing is believed, and the others are shown.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

EACH_HAS: dict[str, type] = {"id": str, "name": str, "image": str, "status": str, "facts": dict}
MAY_HAVE: dict[str, type] = {
    "root": str, "pid": int, "keeper": str, "standby": str, "streams": list, "exit_code": int,
    "restarts": int, "waited": float, "spec": dict,
}  # fmt: skip
SPEC: dict[str, type] = {
    "labels": dict, "annotations": dict, "log": dict, "restart": dict, "health": dict,
    "names": dict, "sharing": dict, "process": dict, "root": dict, "mounts": list,
    "resources": dict, "linux": dict, "net": dict, "stages": list, "stop_signal": int,
    "stop_timeout": int,
}  # fmt: skip


def is_record(found: Any, id: str) -> bool:
    """Say whether this is the record of the container `id`, and its parts are of their kinds."""
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(name), kind) for name, kind in EACH_HAS.items())
        and fit(found, MAY_HAVE)
        and fit(found.get("spec") or {}, SPEC)
        and all(isinstance(mount, dict) for mount in (found.get("spec") or {}).get("mounts") or ())
        and found["id"] == id
    )


def fit(found: Mapping[str, Any], kinds: Mapping[str, type]) -> bool:
    """Say whether what is there is of its kind; None is nothing."""
    there = ((found.get(name), kind) for name, kind in kinds.items())
    return all(value is None or isinstance(value, kind) for value, kind in there)
