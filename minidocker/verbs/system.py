"""`minidocker system`: how much the disk holds for us, and what can go."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence

from minidocker.engine import left_over
from minidocker.engine.listing import decimal
from minidocker.errors import UsageError
from minidocker.formats.rows import show
from minidocker.images.store import catalogue, files, recipes
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.verbs import container_prune, disk_use, network, pruning, volume
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make
from minidocker.volumes.store import Volumes

AFTER = """\
`system info` and `system events` are `info` and `events`.

examples:
  minidocker system df
  minidocker system prune        what ended or crashed runs left, images without a name, and
                                 what builds remember
  minidocker system prune -a     also images that no container uses
"""


def main(argv: list[str]) -> int:
    """Do what the verb says; return the exit status."""
    if argv[:1] in (["info"], ["events"]):
        from minidocker.verbs import events, info

        return info.main(argv[1:]) if argv[0] == "info" else events.main(argv[1:])
    parser = make("system", "How much the disk holds for us, and what can go.", AFTER)
    verbs = parser.add_subparsers(metavar="df|prune", required=True)
    it = verbs.add_parser("df", help="show how much there is")
    it.add_argument("--format", default="", metavar="FORMAT",
                    help="json, or a template: '{{.Type}} {{.Size}}'")  # fmt: skip
    it.add_argument("--json", action="store_true", help="layers and blobs apart, in bytes")
    it.add_argument("-v", "--verbose", action="store_true", help="each thing by itself")
    it.set_defaults(function=df)
    it = verbs.add_parser("prune", help="remove what nobody needs")
    it.add_argument("-a", "--all", action="store_true", help="also named images, if unused")
    it.add_argument("--volumes", action="store_true", help="also volumes without a name of yours")
    pruning.add_options(it)
    it.set_defaults(function=prune)
    args = parser.parse_args(argv)
    return int(args.function(Store(), args))


COLUMNS = {"Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE",
           "Reclaimable": "RECLAIMABLE"}  # fmt: skip
USUAL = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"


def df(store: Store, args: argparse.Namespace) -> int:
    """Print Docker's table: of each kind how many, how many in use, bytes, and what could go."""

    if args.verbose and (args.format or args.json):
        raise UsageError("df -v has one form", "leave --format out, or -v")

    def work() -> int:
        if args.verbose:
            disk_use.show_each(store, rows(store)[3]["Size"])
        elif args.json:
            print(json.dumps(sizes(store), indent=1))
        else:
            show(rows(store), args.format, COLUMNS, USUAL)
        return 0

    return guarded(work)


def rows(store: Store) -> list[dict[str, str]]:
    """Return the rows of `docker system df`, and one more where something was not finished."""
    found, everyone = sizes(store), catalogue.uses(store)
    images = catalogue.entries(store)
    on_disk = found["layers"]["size"] + found["blobs"]["size"]
    volumes = Volumes(Linux(), store.root)
    space = {name: files.usage(volumes.data(name)) for name in volumes.names()}
    used = set(volumes.users())
    idle = sum(size for name, size in space.items() if name not in used)
    box, cache, left = found["containers"], found["build cache"], found["unfinished"]
    in_use = sum(bool(image.containers) for image in images)
    live = sum(use.live for use in everyone)
    table = [
        row("Images", len(images), in_use, on_disk, found["layers"]["free"]),
        row("Containers", box["count"], live, box["size"], box["free"]),
        row("Local Volumes", len(space), len(used & set(space)), sum(space.values()), idle),
        {**row("Build Cache", cache["count"], 0, cache["size"], 0),
         "Reclaimable": decimal(cache["free"])},
    ]  # fmt: skip
    if left["count"]:  # Docker has no such row
        table.append(row("Unfinished", left["count"], 0, left["size"], left["size"]))
    return table


def row(kind: str, total: int, active: int, size: int, free: int) -> dict[str, str]:
    """Return one row, written as Docker does."""
    share = f" ({100 * free // size}%)" if size else ""
    return {"Active": str(active), "Reclaimable": decimal(free) + share, "Size": decimal(size),
            "TotalCount": str(total), "Type": kind}  # fmt: skip


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
    """Remove what nobody needs, kind after kind, as in Docker; print it. --filter narrows each."""
    if args.volumes and any(text.startswith("until=") for text in args.filter):
        raise UsageError("--volumes goes with no filter until: a volume is used or it is not",
                         "leave one out", 1,
                         'the "until" filter is not supported with "--volumes"')  # fmt: skip
    freed = container_prune.remove(store, args.filter)
    if os.path.isdir(store.path("networks")):
        network.main(["prune", *(f"--filter={text}" for text in args.filter)])
    if args.volumes:
        freed += remove_volumes(store, args.filter)
    if not args.filter:
        guarded(lambda: forget_steps(store))
        for line in left_over.prune(store, Linux()):
            print(line)
    freed += pruning.remove_images(store, args.all, args.filter)
    print(f"Total reclaimed space: {decimal(freed)}")
    return 0


def remove_volumes(store: Store, texts: Sequence[str]) -> int:
    """Remove volumes without a name of yours that nobody uses; return the bytes that are free."""
    volumes = Volumes(Linux(), store.root)
    lock = volumes.lock()
    try:
        lines, freed = volume.unused_gone(volumes, False, texts)
    finally:
        os.close(lock)
    for line in lines:
        print(line)
    return freed


def forget_steps(store: Store) -> int:
    """Forget what builds remember: their layers go with the images that nobody needs."""
    if os.path.isdir(store.path("build")):
        with Hold(store.root, exclusive=True):
            count = recipes.forget(store)
        print(f"removed build cache: {count} steps")
    return 0
