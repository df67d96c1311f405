"""`minidocker system`: how much the disk holds for us, and what can go."""

from __future__ import annotations

import argparse
import json
import os

from minidocker.engine import left_over
from minidocker.images.store import catalogue, files, recipes
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.verbs import image
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make, no_question
from minidocker.verbs.table import table

AFTER = """\
examples:
  minidocker system df
  minidocker system prune        what ended or crashed runs left, images without a name, and
                                 what builds remember
  minidocker system prune -a     also images that no container uses
"""


def main(argv: list[str]) -> int:
    """Do what the verb says; return the exit status."""
    parser = make("system", "How much the disk holds for us, and what can go.", AFTER)
    verbs = parser.add_subparsers(metavar="df|prune", required=True)
    it = verbs.add_parser("df", help="show how much there is")
    it.add_argument("--json", action="store_true", help="print a JSON object")
    it.set_defaults(function=df)
    it = verbs.add_parser("prune", help="remove what nobody needs")
    it.add_argument("-a", "--all", action="store_true", help="also named images, if unused")
    no_question(it)
    it.set_defaults(function=prune)
    args = parser.parse_args(argv)
    return int(args.function(Store(), args))


def df(store: Store, args: argparse.Namespace) -> int:
    """Print a table: kind, how many, bytes on the disk, and how many of them could go."""

    def work() -> int:
        rows = sizes(store)
        if args.json:
            print(json.dumps(rows, indent=1))
            return 0
        heads = [("KIND", "COUNT", "SIZE", "COULD GO")]
        table(heads + [
            (kind, str(row["count"]), files.size(row["size"]), files.size(row["free"]))
            for kind, row in rows.items()
        ])  # fmt: skip
        return 0

    return guarded(work)


def sizes(store: Store) -> dict[str, dict[str, int]]:
    """Return how much there is of each kind, in bytes on the disk."""
    entries = [entry for entry in catalogue.entries(store) if entry.containers]
    used = {layer for entry in entries for layer in entry.layers}
    rows: dict[str, dict[str, int]] = {}
    layers = {
        layer: int(catalogue.layer_facts(store, layer).get("bytes", 0))
        for layer in listing(store.path("layers", "sha256"))
        if not os.path.islink(store.path("layers", "sha256", layer))
    }
    free = sum(size for layer, size in layers.items() if layer not in used)
    rows["layers"] = _row(len(layers), sum(layers.values()), free)
    blobs = listing(store.path("blobs", "sha256"))
    rows["blobs"] = _row(len(blobs), files.usage(store.path("blobs")), 0)
    containers = [name for name in listing(store.path("containers")) if name != "names"]
    live = {use.container for use in catalogue.uses(store) if use.live}
    by_name = {name: files.usage(store.path("containers", name)) for name in containers}
    gone = sum(size for name, size in by_name.items() if name not in live)
    steps = listing(recipes.steps(store))
    size = files.usage(store.path("build"))
    rows["build cache"] = _row(len(steps), size, size)
    rows["containers"] = _row(len(containers), sum(by_name.values()), gone)
    left = [store.path("partial"), store.path("incoming")]
    size = sum(files.usage(path) for path in left)
    rows["unfinished"] = _row(sum(len(listing(path)) for path in left), size, size)
    return rows


def _row(count: int, size: int, free: int) -> dict[str, int]:
    return {"count": count, "size": size, "free": free}


def prune(store: Store, args: argparse.Namespace) -> int:
    """Remove what nobody needs; print it."""
    for line in left_over.prune(store, Linux()):
        print(line)
    guarded(lambda: forget_steps(store))
    return image.main(["prune", *(["-a"] if args.all else [])])


def forget_steps(store: Store) -> int:
    """Forget what builds remember: their layers go with the images that nobody needs."""
    if os.path.isdir(store.path("build")):
        with Hold(store.root, exclusive=True):
            count = recipes.forget(store)
        print(f"removed build cache: {count} steps")
    return 0
