"""`minidocker container prune`: remove the containers that do not run."""

from __future__ import annotations

from collections.abc import Sequence

from minidocker.engine import revival, told
from minidocker.engine.listing import decimal
from minidocker.images.store import files
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.runtime import state
from minidocker.stages import STAGES
from minidocker.verbs import pruning
from minidocker.verbs.parser import make

ABOUT = (
    "Remove the containers that have ended, or were never started, with all that they wrote. "
    "Volumes stay. `minidocker prune` removes also what killed processes of ours have left."
)


def main(argv: list[str]) -> int:
    """Remove them; print which, and what the disk has back; return the exit status."""
    parser = make("container prune", ABOUT)
    pruning.add_options(parser)
    args = parser.parse_args(argv)
    print(f"Total reclaimed space: {decimal(remove(Store(), args.filter))}")
    return 0


def remove(store: Store, texts: Sequence[str]) -> int:
    """Remove those that are asked for; print which; return the bytes that are free now."""
    removed, freed = [], 0
    for record in pruning.containers(list(revival.records(store)), texts):
        if not record["alive"]:
            size = files.usage(record["directory"])
            if state.clean_up(record, STAGES, Linux()):
                removed.append(record["id"])
                freed += size
    if removed:
        print("Deleted Containers:", *removed, "", sep="\n")
    told.pruned(store.root, "container", freed)
    return freed
