"""Carry a store of before 2027 over: it had unpacked layers, and no blobs.

Each layer is packed again. Packing depends on the tree alone, so a layer that `commit` made comes
out with the digest that it has. One that was imported from another program's tar does not: its
new digest becomes a link beside the old directory, and the image gets a configuration that says
so, and by that another id. Containers go on: the path that they know stays.
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import os
from typing import TYPE_CHECKING

from minidocker.images.archive.pack import Packer
from minidocker.images.archive.upper import Upper
from minidocker.images.store import additions, catalogue, files, layout, oci
from minidocker.images.store.hold import Hold
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


def ready(store: Store) -> None:
    """Make the store what this version wants: carry an older one over, mend a stale index."""
    if layout.old_images(store):
        over(store)
    layout.mend(store)


def over(store: Store) -> None:
    """Make blobs of all that an old store has. After a kill, the next try goes on."""
    with Partial(store) as work:
        lock = os.open(store.path("images"), files.DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two at once would do the work twice
            done: dict[tuple[str, ...], oci.Json] = {}
            for image in layout.old_images(store):
                _image(store, work, image, done)
            with Hold(store.root, exclusive=True):
                layout.write_index(store)
        finally:
            os.close(lock)


def _image(store: Store, work: Partial, image: str, done: dict[tuple[str, ...], oci.Json]) -> None:
    """Carry one image over; one that is damaged is left for `image check` to tell."""
    folder = store.path("images", "sha256", image)
    config = copy.deepcopy(files.load_json(os.path.join(folder, "config.json")))
    old = catalogue.layers_of(store, image)
    whole = config and all(os.path.isdir(store.path("layers", "sha256", hex, "fs")) for hex in old)
    if not whole:
        return _forget(store, image)
    packed = [_layer(store, work, old[: end + 1], done) for end in range(len(old))]
    config["rootfs"]["diff_ids"] = [layer["digest"] for layer in packed]
    data = files.as_json(config)
    hex = hashlib.sha256(data).hexdigest()
    manifest = oci.manifest(oci.descriptor(oci.CONFIG_TYPE, hex, len(data)), packed)
    with Hold(store.root, exclusive=True):
        for layer, old_hex in zip(packed, old, strict=True):
            link = store.path("layers", "sha256", layer["digest"].removeprefix("sha256:"))
            if not os.path.lexists(link):
                os.symlink(os.path.realpath(_fs(store, old_hex)).split("/")[-2], link)
        its_names = [name for name, found in catalogue.names(store).items() if found == image]
        additions.put_image(store, work, its_names, files.as_json(manifest), data)
        if hex == image:
            _forget(store, image)
        else:
            work.take(folder, "old-" + image)


def _fs(store: Store, hex: str) -> str:
    return store.path("layers", "sha256", hex, "fs")


def _forget(store: Store, image: str) -> None:
    """Remove the two files of the old form: config.json last, since it is what tells the form."""
    for name in ("manifest.json", "config.json"):
        path = store.path("images", "sha256", image, name)
        if os.path.exists(path):
            os.unlink(path)


def _layer(
    store: Store, work: Partial, layers: list[str], done: dict[tuple[str, ...], oci.Json]
) -> oci.Json:
    """Pack the top one of these layers as a blob in `work`; return its descriptor."""
    key = tuple(layers)
    if key not in done:
        below = [_fs(store, hex) for hex in layers[:-1]]
        digest, size = hashlib.sha256(), 0
        with Upper(_fs(store, layers[-1]), below) as tree, open(work.path("new"), "wb") as file:
            packer = Packer(tree)
            while piece := packer.next_piece():
                digest.update(piece)
                size += file.write(piece)
        work.keep_blob("new", digest.hexdigest())
        done[key] = oci.descriptor(oci.LAYER_TYPE, digest.hexdigest(), size)
    return done[key]

