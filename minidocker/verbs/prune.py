"""`minidocker prune`."""

from __future__ import annotations

from minidocker.engine import left_over
from minidocker.images.registry import scratch
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.verbs.parser import make

ABOUT = (
    "Remove every container that has ended or whose owner is gone, cgroups of ours without a "
    "container, what dead containers left in networks, unfinished imports, layers that no image "
    "uses, and directories of registries that were killed. What is alive, and what is not ours, is "
    "left alone."
)


def main(argv: list[str]) -> int:
    """Remove what nobody owns; print what was removed."""
    make("prune", ABOUT).parse_args(argv)
    for line in left_over.prune(Store(), Linux()):
        print(line)
    for path in scratch.sweep():
        print(f"removed directory {path}")
    return 0
