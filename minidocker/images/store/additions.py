"""Additions to the store: a layer, an image, one more name. What takes them away is in `changes`.

What is added was made in ROOT/partial before, by a `Partial`, and comes to its place by renames, in
an order in which a kill leaves nothing half: layers, blobs, the image, its name, then the index.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from minidocker.errors import Conflict
from minidocker.images.store import files, layout, oci
from minidocker.images.store.catalogue import blobs_of, config_of, manifests_of, names, tags
from minidocker.images.store.hold import Hold
from minidocker.images.store.image import as_file
from minidocker.images.store.lean import lean
from minidocker.images.store.names import check
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


def add_layer(store: Store, work: Partial, hex: str, name: str = "layer") -> bool:
    """Move work.path(name) into the store, which you hold; False if it is there already."""
    place = store.path("layers", "sha256", hex)
    if os.path.isdir(place):
        return False
    os.makedirs(store.path("layers"), 0o700, exist_ok=True)  # setuid programs are in there
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.rename(work.path(name), place)
    return True


def add_image(
    store: Store, work: Partial, name: str, config: oci.Json, layers: list[oci.Json]
) -> str:
    """Store an image that was made here under this name (with tag); return its id in hex.

    "" is no name: the image is `<none>`, and `image prune` removes it.
    `layers` are descriptors of blobs, bottom first. You hold the store. Where the name has an
    equal image already (times apart), that one stays.
    """
    old = names(store).get(name)
    if old:
        before = config_of(store, old)
        if all(before.get(key) == config[key] for key in ("config", "rootfs", "architecture")):
            return old
    data = files.as_json(config)
    hex = hashlib.sha256(data).hexdigest()
    manifest = oci.manifest(oci.descriptor(oci.CONFIG_TYPE, hex, len(data)), layers)
    put_image(store, work, [name] if name else [], files.as_json(manifest), data)
    return hex


def put_image(
    store: Store, work: Partial, full_names: list[str], manifest: bytes, config: bytes
) -> str:
    """Store an image by its two documents, byte for byte; its layers' blobs come out of `work`.

    You hold the store, and its unpacked layers are there. Returns the image's id in hex.
    """
    image, hex = _keep(work, config), _keep(work, manifest)
    blobs = store.path("blobs", "sha256")
    os.makedirs(os.path.dirname(blobs), 0o700, exist_ok=True)
    os.makedirs(blobs, exist_ok=True)
    for blob in {hex, *blobs_of(files.read_json(manifest))}:
        if not os.path.exists(os.path.join(blobs, blob)):
            if not os.path.exists(work.path(f"blobs/{blob}")):
                raise Conflict(
                    f"somebody removed sha256:{blob[:12]} of this image meanwhile", "try it again"
                )
            os.rename(work.path(f"blobs/{blob}"), os.path.join(blobs, blob))
    _make_directory(store, work, image, hex, files.read_json(config))
    for name in full_names:
        point(store, work, name, image, hex)
    layout.write_index(store)
    return image


def add_blob(store: Store, work: Partial, name: str, hex: str) -> None:
    """Move work.path(name) to its place among the blobs, under its digest. You hold the store."""
    blobs = store.path("blobs", "sha256")
    os.makedirs(os.path.dirname(blobs), 0o700, exist_ok=True)
    os.makedirs(blobs, exist_ok=True)
    os.rename(work.path(name), os.path.join(blobs, hex))


def _keep(work: Partial, data: bytes) -> str:
    """Write a document where blobs wait for their place; return its digest in hex."""
    hex = hashlib.sha256(data).hexdigest()
    os.makedirs(work.path("blobs"), exist_ok=True)
    files.write(work.path(f"blobs/{hex}"), data)
    return hex


def _make_directory(
    store: Store, work: Partial, image: str, manifest: str, config: oci.Json
) -> None:
    """Make images/sha256/IMAGE: the lean file, and a link to itself for each manifest."""
    place = store.path("images", "sha256", image)
    if not os.path.isdir(place):
        fresh = work.path("image")
        os.mkdir(fresh)
        layers = [d.removeprefix("sha256:") for d in config["rootfs"]["diff_ids"]]
        text = lean("sha256:" + image, layers, config.get("config") or {})
        files.write(os.path.join(fresh, "lean"), text.encode("utf-8", "surrogateescape"))
        os.symlink(".", os.path.join(fresh, manifest))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.rename(fresh, place)
    elif not os.path.lexists(os.path.join(place, manifest)):
        os.symlink(".", os.path.join(place, manifest))


def point(store: Store, work: Partial, name: str, image: str, manifest: str) -> None:
    """Let a name stand for an image: one rename(2). You hold the store; the index is next."""
    os.makedirs(store.path("images", "names"), exist_ok=True)
    os.symlink(f"../sha256/{image}/{manifest}", work.path("name"))
    os.rename(work.path("name"), store.path("images", "names", as_file(name)))


def tag(store: Store, name: str, new: str) -> None:
    """Give an image one more name; a name that stood for another image is moved.

    By its id alone it is asked for as some name of its has it, and not as it was before a push.
    """
    full = check(new)
    with Partial(store) as work, Hold(store.root, exclusive=True):
        found = store.resolve(name)
        image = found.id.removeprefix("sha256:")
        known = tags(store)
        named = [hex for its_image, hex in known.values() if its_image == image and hex]
        manifest = known.get(found.name, ("", ""))[1] or [*named, *manifests_of(store, image)][0]
        point(store, work, full, image, manifest)
        layout.write_index(store)
