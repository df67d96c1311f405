"""Pack the layers of an image that was made here, before it travels: a plain tar is long.

    manifest of plain layers ─► each layer gzipped, three at once ─► a manifest of packed layers

Both are the same image, for its id is the configuration's digest. The name stands for the packed
one from then on, so that the digest that is pushed is the one that `image inspect` shows. What came
from elsewhere goes on as it came, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from minidocker.errors import Conflict
from minidocker.images.arrival import AT_ONCE
from minidocker.images.store import additions, catalogue, files, oci
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.archive.source import Progress
    from minidocker.images.store.store import Store

PIECE = 1 << 20
LEVEL = 6  # as gzip(1)
GZIP = oci.layer_type("gzip")


def pack_layers(
    store: Store, full: str, bar: Callable[[str], Progress | None] = lambda title: None
) -> bool:
    """Let a full name stand for packed layers; False where there is nothing to pack."""
    image, hex = catalogue.tags(store)[full]
    data = _read(store, hex) if hex else b"{}"
    manifest = files.read_json(data)
    plain = [one for one in manifest.get("layers") or [] if one.get("mediaType") == oci.LAYER_TYPE]
    if not plain or data != files.as_json(manifest):  # not as we write them: it came so
        return False
    known = packed_already(store)
    with Partial(store) as work:
        fresh = {one["digest"]: one for one in plain if one["digest"] not in known}
        for digest in fresh:  # held, whatever others remove
            name = digest.removeprefix("sha256:")
            os.link(store.path("blobs", "sha256", name), work.path(name))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = pool.map(lambda one: pack(work, one, bar), fresh.values())
            known |= dict(zip(fresh, done, strict=True))
        manifest["layers"] = [known.get(one["digest"], one) if one in plain else one
                              for one in manifest["layers"]]  # fmt: skip
        with Hold(store.root, exclusive=True):
            if catalogue.tags(store).get(full) != (image, hex):
                raise Conflict(f"{full} became another image meanwhile", "push it again")
            additions.put_image(store, work, [full], files.as_json(manifest), _read(store, image))
    return True


def _read(store: Store, hex: str) -> bytes:
    with open(store.path("blobs", "sha256", hex), "rb") as file:
        return file.read()


def packed_already(store: Store) -> dict[str, oci.Json]:
    """Return plain digest → descriptor of the same layer, gzipped, as some image here has it."""
    found = {}
    for image in listing(store.path("images", "sha256")):
        diff_ids = catalogue.layers_of(store, image)
        for hex in catalogue.manifests_of(store, image):
            layers = files.load_json(store.path("blobs", "sha256", hex)).get("layers") or []
            for diff_id, one in zip(diff_ids, layers, strict=False):
                if one.get("mediaType") == GZIP:
                    found["sha256:" + diff_id] = one
    return found


def pack(work: Partial, plain: oci.Json, bar: Callable[[str], Progress | None]) -> oci.Json:
    """Gzip one blob of `work` beside it, where blobs wait; return its descriptor.

    Equal layers give equal bytes: no name and no time stand in the header.
    """
    name = plain["digest"].removeprefix("sha256:")
    progress = bar("pack " + name[:12]) or (lambda done, total: None)
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    digest, size, read = hashlib.sha256(), 0, 0
    with open(work.path(name), "rb") as source, open(work.path(name + ".gz"), "wb") as target:
        while True:
            piece = source.read(PIECE)
            data = packer.compress(piece) if piece else packer.flush()
            digest.update(data)
            size += target.write(data)
            read += len(piece)
            progress(read, plain["size"])
            if not piece:
                break
    work.keep_blob(name + ".gz", digest.hexdigest())
    return oci.descriptor(GZIP, digest.hexdigest(), size)
