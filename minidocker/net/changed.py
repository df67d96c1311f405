"""What `network connect` and `disconnect` have changed of a container: a file beside its record.

    ROOT/containers/ID/cables   {"left": false, "more": {"shop": {"device": 1, …}}}

`left`: its first network is none of its own any more. `more`: the others; of each the number of the
device (1 is eth1), `asked` (the address of --ip, or ""), `aliases`, and what it got: `address`,
`subnet`, `bridge`. As with the name, the record is its owner's, and would lose this.
"""

from __future__ import annotations

import os

from minidocker.net.leases import CABLES
from minidocker.spec.lean_json import to_json
from minidocker.spec.read_json import loads

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any


def read(directory: str) -> dict[str, Any]:
    """Return what a container's file says; where there is none, nothing was changed."""
    found: object = None
    try:
        with open(f"{directory}/{CABLES}", encoding="utf-8") as stream:
            found = loads(stream.read())
    except (OSError, ValueError):
        pass
    return found if isinstance(found, dict) else {"left": False, "more": {}}


def write(directory: str, found: dict[str, Any]) -> None:
    """Write it: whole under its name, or not there at all. rename(2)"""
    path = f"{directory}/{CABLES}"
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as stream:
        stream.write(to_json(found))
    os.rename(f"{path}.{os.getpid()}", path)


def names(directory: str) -> list[str]:
    """List a container's networks, "" for its record's first; [] if nothing was changed."""
    if not os.path.exists(f"{directory}/{CABLES}"):
        return []
    found = read(directory)
    return [*([] if found["left"] else [""]), *found["more"]] or ["none"]
