"""The escape laboratory: known ways out of a container, each tried at every step of the ladder.

An *escape* is a small attack and a probe. The attack runs in a container (or, on the first rung,
in none); the probe looks from outside. Everything happens in a *yard*: a throw-away outer
machine of namespaces, so that an escape that works reaches only the yard.

    escape.py     what an escape is
    files.py      processes.py settings.py calls.py network.py ourselves.py resources.py: the list
    yard.py       one attempt: the yard, the attack, the probe
    server.py     a small process that makes yards, and ends them
    ladder.py     which stage stops an escape: measured by runs at successive stages

Beside it, for bundles: `strangers.py` writes configurations that have holes, and `strange_host.py`
runs each and looks at what came out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidocker.pictures.picture import Picture


def escape_matrix(*names: str) -> Picture:
    """Try the named escapes (none: all of them) now, and draw where each works and is stopped."""
    from minidocker.escapes import catalogue, laboratory, picture

    chosen = [catalogue.by_name(name) for name in names] or list(catalogue.ESCAPES)
    return picture.matrix(list(laboratory.explore(chosen)))
