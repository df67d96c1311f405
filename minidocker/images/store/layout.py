"""The store seen as an OCI image layout, which skopeo, umoci and podman read where it lies.

    ROOT/oci-layout                    says that this directory is one, and its version
    ROOT/index.json                    every name, and the manifest that it stands for
    ROOT/blobs/sha256/HEX              manifests, configurations and layers, as they came

`skopeo inspect oci:/var/lib/minidocker:debian` works: see image-layout.md of the OCI image
specification. The links under images/names are the truth, since one rename changes such a link
whole; index.json is written from them after each change, and again by `mend` where a kill came
between the two.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minidocker.images.store import catalogue, documents, files, oci
from minidocker.images.store.hold import Hold, listing

if TYPE_CHECKING:
    from minidocker.images.store.store import Store

VERSION = {"imageLayoutVersion": "1.0.0"}
REF = "org.opencontainers.image.ref.name"


def index(store: Store) -> oci.Json:
    """Return what index.json should be, by the names and images that there are.

    `debian:latest` stands there as `debian` as well, so that both find it; an image without a
    name has an entry without one, or a program that clears up would remove its blobs.
    """
    entries = []
    named = set()
    for name, (image, manifest) in sorted(catalogue.tags(store).items()):
        named.add(image)
        if not manifest:  # it could not be carried over
            continue
        short = name.removesuffix(":latest")
        for ref in sorted({name, short}):
            entries.append(_entry(store, manifest) | {"annotations": {REF: ref}})
    for image in listing(store.path("images", "sha256")):
        if image not in named:
            entries += [_entry(store, hex) for hex in catalogue.manifests_of(store, image)]
    return {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": entries}


def _entry(store: Store, hex: str) -> oci.Json:
    path = store.path("blobs", "sha256", hex)
    size = os.stat(path).st_size if os.path.exists(path) else 0  # `image check` tells that one
    return oci.descriptor(documents.media_type(files.load_json(path)), hex, size)


def old_images(store: Store) -> list[str]:
    """Return the images (in hex) that are in the form of before 2027: see `carry`."""
    if os.path.exists(store.path("oci-layout")):
        return []
    folder = store.path("images", "sha256")
    return [hex for hex in listing(folder) if os.path.exists(f"{folder}/{hex}/config.json")]


def write_index(store: Store) -> None:
    """Write index.json anew, where it is not what it should be. You hold the store, alone."""
    if old_images(store):
        return
    wanted = files.as_json(index(store))
    path = store.path("index.json")
    if not os.path.exists(path) or _read(path) != wanted:
        files.write(path, wanted)
    if not os.path.exists(store.path("oci-layout")):
        files.write(store.path("oci-layout"), files.as_json(VERSION))


def mend(store: Store) -> None:
    """Write the index anew where a kill came between a change and it."""
    if not listing(store.path("images")):
        return
    with Hold(store.root, exclusive=True):
        write_index(store)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
