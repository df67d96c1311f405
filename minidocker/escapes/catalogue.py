"""The catalogue: every escape by its name, in the order in which they are shown."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.escapes import (
    advisories,
    calls,
    files,
    network,
    ourselves,
    processes,
    resources,
    settings,
)
from minidocker.escapes.escape import Escape

FAMILIES: dict[str, tuple[Escape, ...]] = {
    "files": files.ESCAPES,
    "processes": processes.ESCAPES,
    "network": network.ESCAPES,
    "settings": settings.ESCAPES,
    "system calls": calls.ESCAPES,
    "the runtime": ourselves.ESCAPES,
    "advisories": advisories.ESCAPES,
    "resources": resources.ESCAPES,
}
ESCAPES = tuple(escape for family in FAMILIES.values() for escape in family)


def by_name(name: str) -> Escape:
    """Find an escape; an unknown name raises UsageError with those that look like it."""
    for escape in ESCAPES:
        if escape.name == name:
            return escape
    from minidocker.spec.near import nearest

    close = nearest(name, [escape.name for escape in ESCAPES])
    raise UsageError(
        f"there is no escape {name}",
        f"did you mean {close}?" if close else "minidocker escapes --list", 2,
    )  # fmt: skip
