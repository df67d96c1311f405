"""`minidocker system df -v`: what each image, container and volume takes, in Docker's tables."""

from __future__ import annotations

from minidocker.engine import listing, revival
from minidocker.engine.listing import decimal
from minidocker.formats.rows import show
from minidocker.images.store import catalogue, files
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.verbs import image_rows
from minidocker.volumes.store import Volumes

BOXES = {**listing.COLUMNS, "LocalVolumes": "LOCAL VOLUMES"}
VOLUMES = {"Name": "VOLUME NAME", "Links": "LINKS", "Size": "SIZE"}


def show_each(store: Store, cache: str) -> None:
    """Print the tables; `cache` is what builds take."""
    print("Images space usage:\n")
    more = "\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}"
    show(images(store), "", image_rows.COLUMNS, image_rows.USUAL + more)
    print("\nContainers space usage:\n")
    boxes = [listing.row(store, one, False, sized=True) for one in revival.records(store)]
    show(boxes, "", BOXES, "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
         "{{.RunningFor}}\t{{.Status}}\t{{.Names}}")  # fmt: skip
    print("\nLocal Volumes space usage:\n")
    show(volumes(store), "", VOLUMES, "{{.Name}}\t{{.Links}}\t{{.Size}}")
    print(f"\nBuild cache usage: {cache}\n")


def images(store: Store) -> list[dict[str, str]]:
    """Return a row for each name: what its layers take, and what no other image has of them."""
    entries = catalogue.entries(store)
    users: dict[str, int] = {}
    for entry in entries:
        for layer in set(entry.layers):
            users[layer] = users.get(layer, 0) + 1
    rows = []
    for row in image_rows.all_rows(entries, store):
        entry = next(one for one in entries if one.id == row["id"])
        sizes = {
            layer: int(catalogue.layer_facts(store, layer).get("bytes", 0))
            for layer in set(entry.layers)
        }
        shared = sum(size for layer, size in sizes.items() if users[layer] > 1)
        rows.append({
            **row, "ID": row["id"][7:19], "SharedSize": decimal(shared),
            "UniqueSize": decimal(sum(sizes.values()) - shared),
        })  # fmt: skip
    return rows


def volumes(store: Store) -> list[dict[str, str]]:
    """Return a row for each volume: how many containers name it, and what is in it."""
    found = Volumes(Linux(), store.root)
    users = found.users()
    return [
        {"Name": name, "Links": str(len(users.get(name, ()))),
         "Size": decimal(files.usage(found.data(name)))}
        for name in found.names()
    ]  # fmt: skip
