"""Restored: a Spec again, from what `as_dict` made of it and a record has kept as JSON."""

from __future__ import annotations

from minidocker.spec.record import Record
from minidocker.spec.spec import (
    Hardening,
    Ids,
    Mount,
    Names,
    Net,
    Port,
    Process,
    Resources,
    Root,
    Spec,
    blank,
)

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

# the fields that hold records of their own, and lists of such
SECTIONS: dict[tuple[type[Record], str], type[Record]] = {
    (Spec, "process"): Process, (Spec, "root"): Root, (Spec, "resources"): Resources,
    (Spec, "linux"): Hardening, (Spec, "net"): Net, (Spec, "names"): Names, (Spec, "mounts"): Mount,
    (Hardening, "ids"): Ids, (Net, "ports"): Port,
    (Net, "more"): Net,
}  # fmt: skip


def spec(found: dict[str, Any]) -> Spec:
    """Return the Spec; a field that an older record lacks has the value that asks for nothing."""
    restored = _record(Spec, {**blank().as_dict(), **found})
    assert isinstance(restored, Spec)
    return restored


def _record(kind: type[Record], found: dict[str, Any]) -> Record:
    known = {name: value for name, value in found.items() if name in kind.__slots__}
    return kind(**{name: _value(kind, name, value) for name, value in known.items()})


def _value(kind: type[Record], name: str, value: Any) -> Any:
    section = SECTIONS.get((kind, name))
    if section is None or value is None:
        return value
    if isinstance(value, list):
        return [_record(section, item) for item in value]
    return _record(section, value)
