"""What `update` has changed of a container: files beside its record.

    ROOT/containers/ID/limits     a JSON object: fields of spec.resources, and their values now
    ROOT/containers/ID/restart    its restart policy, as --restart has it: "on-failure:3"

As with the name, the record is its owner's, and would lose what another process wrote into it.
"""

from __future__ import annotations

from minidocker.errors import MinidockerError
from minidocker.kernel.named import open
from minidocker.places import at_once
from minidocker.spec import restart

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

FILE, POLICY = "limits", "restart"


def text_of(directory: str, name: str) -> str:
    """Return what a file says; "" where nobody has changed this, or it is no text."""
    try:
        with open(f"{directory}/{name}", encoding="utf-8", opener=at_once) as stream:
            return str(stream.read())
    except (OSError, ValueError):
        return ""


def policy(directory: str, first: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the restart policy of a container; `first` is what it was made with."""
    text = text_of(directory, POLICY)
    if not text:
        return first
    try:
        return restart.parse(text, "")
    except MinidockerError:
        return first


def apply(record: dict[str, Any], directory: str) -> None:
    """Put what was changed into the record's spec."""
    spec = record.get("spec")
    if isinstance(spec, dict):
        spec["restart"] = policy(directory, spec.get("restart"))
    if not (text := text_of(directory, FILE)):
        return
    import json

    try:
        changed = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(spec, dict) and isinstance(changed, dict):
        spec["resources"] = {**(spec.get("resources") or {}), **changed}
