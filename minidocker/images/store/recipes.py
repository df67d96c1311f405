"""What a build remembers: which layer came of a step, so that the same step need not be done again.

    ROOT/build/steps/KEY      JSON: the layer (diff id), its blob, its size, when it was made
    ROOT/build/caches/ID/     what `RUN --mount=type=cache` keeps from build to build

KEY is a digest of all that a step depends on: the layers below, its words, the content of the
files that it copies. A recipe keeps its layer and blob in the store, as an image does.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minidocker.images.store import files, oci
from minidocker.images.store.hold import listing

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


def steps(store: Store) -> str:
    """Return the directory of all recipes."""
    return store.path("build", "steps")


def find(store: Store, key: str) -> oci.Json:
    """Return what a step gave when it was done last, if all of that is here still; else {}."""
    path = os.path.join(steps(store), key)
    found = files.load_json(path)
    layer, blob = found.get("layer"), found.get("blob")
    if not found or not isinstance(layer, str) or not isinstance(blob, str):
        return {}
    here = not layer or (
        os.path.isdir(store.path("layers", "sha256", layer, "fs"))
        and os.path.exists(store.path("blobs", "sha256", blob))
    )
    return found if here else {}


def write(store: Store, key: str, recipe: oci.Json) -> None:
    """Remember what a step gave. You hold the store, and its layer and blob are in it."""
    os.makedirs(store.path("build"), 0o700, exist_ok=True)
    os.makedirs(steps(store), exist_ok=True)
    files.write(os.path.join(steps(store), key), files.as_json(recipe))


def kept(store: Store) -> tuple[set[str], set[str]]:
    """Return the layers and blobs (hex) that recipes keep in the store."""
    found = [files.load_json(os.path.join(steps(store), key)) for key in listing(steps(store))]
    return {str(one.get("layer")) for one in found}, {str(one.get("blob")) for one in found}


def forget(store: Store) -> int:
    """Remove every recipe, and what cache mounts keep; how many recipes there were."""
    keys = listing(steps(store))
    for key in keys:
        os.unlink(os.path.join(steps(store), key))
    files.remove_tree(store.path("build", "caches"))
    return len(keys)
