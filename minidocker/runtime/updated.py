"""The limits of a container that were changed by `update`: a file beside its record.

    ROOT/containers/ID/limits    a JSON object: fields of spec.resources, and their values now

As with the name, the record is its owner's, and would lose what another process wrote into it.
"""

from __future__ import annotations

from minidocker.kernel.named import open

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

FILE = "limits"


def apply(record: dict[str, Any], directory: str) -> None:
    """Put the limits that were changed into the record's spec."""
    try:
        with open(f"{directory}/{FILE}", encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, ValueError):
        return  # nobody has changed any; or the file is no text
    import json

    try:
        changed = json.loads(text)
    except ValueError:
        return
    spec = record.get("spec")
    if isinstance(spec, dict) and isinstance(changed, dict):
        spec["resources"] = {**(spec.get("resources") or {}), **changed}
