"""Is the store whole? Every digest is computed again, and every reference is followed.

    names ─► images ─► manifest, configuration ─► blobs of layers ─► their plain tars' digests
                 └───► lean ─► unpacked layers
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import MinidockerError
from minidocker.images.archive.source import Source
from minidocker.images.store import catalogue, documents, files, layout
from minidocker.images.store.hold import listing
from minidocker.images.store.image import read
from minidocker.images.store.lean import lean

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


class Damage(NamedTuple):
    """One thing that is not as it should be: where, and what; `image` is in hex, or ""."""

    place: str
    what: str
    image: str


def check(store: Store) -> tuple[list[Damage], dict[str, int]]:
    """Return what is damaged, and how much there is: {"images": 3, "blobs": 9, …}.

    The index is mended first: it only repeats what the names say. Hold the store meanwhile.
    """
    found = [*_blobs(store), *_names(store)]
    packed: dict[str, str] = {}  # blob of a layer → its diff id, by the images that have it
    for image in listing(store.path("images", "sha256")):
        found += _image(store, image, packed)
    found += _plain(store, packed)
    if layout.index(store) != files.load_json(store.path("index.json")) and counts(store)["images"]:
        found.append(Damage("index.json", "does not say what the names say", ""))
    return found, counts(store)


def counts(store: Store) -> dict[str, int]:
    """Say how many of each kind the store has."""
    folders = {
        "names": ("images", "names"), "images": ("images", "sha256"),
        "layers": ("layers", "sha256"), "blobs": ("blobs", "sha256"),
    }  # fmt: skip
    return {kind: len(listing(store.path(*folder))) for kind, folder in folders.items()}


def _blobs(store: Store) -> Iterator[Damage]:
    def digest(hex: str) -> str:
        with open(store.path("blobs", "sha256", hex), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    blobs = listing(store.path("blobs", "sha256"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for hex, got in zip(blobs, pool.map(digest, blobs), strict=True):
            if got != hex:
                yield Damage(f"blobs/sha256/{hex}", f"has the digest {got}", "")


def _names(store: Store) -> Iterator[Damage]:
    for name, (image, manifest) in catalogue.tags(store).items():
        if manifest not in catalogue.manifests_of(store, image):
            yield Damage(f"images/names/{name}", "leads to no image", image)


def _image(store: Store, image: str, packed: dict[str, str]) -> Iterator[Damage]:
    """Follow one image; what is wrong with its documents ends the way."""
    place = f"images/sha256/{image}"
    manifests = catalogue.manifests_of(store, image)
    if not manifests:
        yield Damage(place, "has no manifest", image)
    layers = catalogue.layers_of(store, image)
    config = catalogue.config_of(store, image)
    if not config:
        yield Damage(f"blobs/sha256/{image}", "is missing, or no configuration", image)
        return
    wanted = lean("sha256:" + image, layers, config.get("config") or {})
    if read(store.path("images", "sha256", image, "lean")) != wanted:
        yield Damage(place + "/lean", "does not say what the configuration says", image)
    for layer in layers:
        if not os.path.isdir(store.path("layers", "sha256", layer, "fs")):
            yield Damage(f"layers/sha256/{layer}", "is missing", image)
    for manifest in manifests:
        yield from _manifest(store, image, manifest, layers, packed)


def _manifest(
    store: Store, image: str, hex: str, layers: list[str], packed: dict[str, str]
) -> Iterator[Damage]:
    place = f"blobs/sha256/{hex}"
    try:
        own, blobs = documents.parts_of(
            files.load_json(store.path("blobs", "sha256", hex)), "the manifest"
        )
    except MinidockerError as problem:
        yield Damage(place, problem.message, image)
        return
    if own.hex != image or len(blobs) != len(layers):
        yield Damage(place, "belongs to another image", image)
    for blob, layer in zip(blobs, layers, strict=False):
        path = store.path("blobs", "sha256", blob.hex)
        if not os.path.exists(path) or os.stat(path).st_size != blob.size:
            yield Damage(f"blobs/sha256/{blob.hex}", "is missing, or of another size", image)
        elif packed.setdefault(blob.hex, layer) != layer:
            yield Damage(f"blobs/sha256/{blob.hex}", "is said to be two layers", image)


def _plain(store: Store, packed: dict[str, str]) -> Iterator[Damage]:
    """Unpack every layer's blob into nothing, and compare the digest of what comes out."""

    def digest(blob: str) -> str:
        try:
            with Source(store.path("blobs", "sha256", blob)) as source:
                while source.read():
                    pass
                return source.digest()
        except MinidockerError as problem:
            return problem.message

    others = {blob: layer for blob, layer in packed.items() if blob != layer}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (blob, layer), got in zip(others.items(), pool.map(digest, others), strict=True):
            if got != layer:
                yield Damage(f"blobs/sha256/{blob}", f"does not unpack to {layer}: {got}", "")
