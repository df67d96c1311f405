"""Commit: an image, and one more layer on it that holds what a container has changed.

    upper directory ─ pack ─► layer tar ─┬─ sha256 = the layer's name
                                         ├─ kept as it is ─► blobs/sha256/…
                                         └─ unpack, in overlay's form ─► layers/sha256/…/fs

One pass does it all: the bytes of the tar go from the packer to the unpacker, and are hashed and
kept on the way, as those of an import are.
"""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from minidocker.errors import NotFound, UsageError
from minidocker.images.archive.apply import Lower
from minidocker.images.archive.pack import Packer
from minidocker.images.archive.source import Source
from minidocker.images.archive.upper import Upper
from minidocker.images.importer import Report
from minidocker.images.layer import Made, make
from minidocker.images.store import additions, catalogue, names, oci
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.image import with_tag
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.store.store import Store

Pack = Callable[[str, str, int | None], Any]
"""pack(upper, tar, newest): write the layer tar; no time in it is later than newest (seconds)."""


def commit(
    store: Store,
    name: str | None,
    base: str,
    upper: str,
    step: oci.Json,
    lines: Sequence[str] = (),
    pack: Pack | None = None,
    settings: oci.Json | None = None,
) -> Report:
    """Store an upper directory as a layer on the image `base` (its id in hex), named `name`.

    `step` is the entry in the image's history: its "created" and "author" are the image's too.
    `settings` are Cmd, Env and so on (else the base's), `lines` changes of them: "CMD bash". An
    upper without changes gives no layer. `pack` writes the layer tar in the place of ours: a
    learner's. A `name` of None is none. Errors leave the store as it was.
    """
    full = "" if name is None else names.check(name)
    config = catalogue.config_of(store, base)
    if not config:
        raise NotFound(f"there is no image sha256:{base[:12]}", "minidocker image ls")
    config = copy.deepcopy(config)
    config["config"] = (config.get("config") or {}) if settings is None else settings
    for line in lines:
        oci.change(config["config"], line)
    if oci.names(lines, "ENTRYPOINT") and not oci.names(lines, "CMD"):
        config["config"].pop("Cmd", None)  # they were words for the other one
    layers = catalogue.layers_of(store, base)
    packed = list(catalogue.manifest_of(store, base).get("layers", []))
    with Partial(store) as work:
        layer, unpacker, members, lost = _pack(work, store, layers, upper, pack)
        config |= {key: step[key] for key in ("created", "author") if step.get(key)}
        step = step if layer else {**step, "empty_layer": True}
        config["history"] = [*(config.get("history") or []), step]
        if layer:
            config["rootfs"]["diff_ids"].append("sha256:" + layer)
            size = os.stat(work.path("packed")).st_size
            packed.append(oci.descriptor(oci.LAYER_TYPE, layer, size))
            work.keep_blob("packed", layer)
        with Hold(store.root, exclusive=True):
            known = bool(layer) and not additions.add_layer(store, work, layer)
            hex = additions.add_image(store, work, full, config, packed)
            image = store.resolve(full or hex)
    lost = {**unpacker.lost, **lost}
    return Report(image, layer, unpacker.bytes, members, known, lost, True)


def _pack(
    work: Partial, store: Store, layers: list[str], upper: str, pack: Pack | None
) -> tuple[str, Lower, int, dict[str, int]]:
    """Pack the upper, and unpack that as work.path("layer").

    Return (hex, or "" for no changes; who unpacked it; how many members; what was lost).
    """
    if pack:
        made = packed_by(pack, work, upper, None)
        count = made.unpacker.entries
        return made.hex if count or not as_made(upper) else "", made.unpacker, count, {}
    below = [store.path("layers", "sha256", hex, "fs") for hex in layers]
    with Upper(upper, below) as tree:
        packer = Packer(tree)
        made = make(work, packer.next_piece, "the container's upper directory", trusted=True)
    same = not packer.members and as_made(upper)
    return "" if same else made.hex, made.unpacker, packer.members, packer.lost


def packed_by(pack: Pack, work: Partial, upper: str, newest: int | None) -> Made:
    """Make a layer of the tar that `pack` writes: a stranger's, and believed in nothing."""
    tar = work.path("theirs.tar")
    pack(upper, tar, newest)
    if not os.path.isfile(tar):
        raise UsageError("pack(upper, tar, newest) has not written the file tar", "tarfile.open")
    with Source(tar, title="what pack wrote") as source:
        return make(work, source.read, source.title, trusted=False)


def as_made(upper: str) -> bool:
    """Say whether the root of an upper directory is as the runtime made it (times apart)."""
    info = os.lstat(upper)
    plain = (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (0o755, 0, 0)
    return plain and all(name.startswith("trusted.overlay.") for name in os.listxattr(upper))


def base_of(store: Store, name: str, layers: Sequence[str]) -> str:
    """Return the image (in hex) of this name or id that has just these layers, else another one.

    A name may stand for another image since a container was started. NotFound when no image has
    these layers any more.
    """
    def places(hexes: Sequence[str]) -> list[str]:  # two digests may name one place: see `carry`
        return [os.path.realpath(store.path("layers", "sha256", hex)) for hex in hexes]

    wanted = places(layers)
    known = listing(store.path("images", "sha256"))
    fitting = [hex for hex in known if places(catalogue.layers_of(store, hex)) == wanted]
    named = catalogue.names(store).get(with_tag(name))
    start = name.removeprefix("sha256:")
    for hex in fitting:
        if hex == named or (len(start) >= 4 and hex.startswith(start)):
            return hex
    if not fitting:
        raise NotFound(
            f"the image {name} that the container came from is not in the store any more",
            "import or build it again, and run the container again",
        )
    return fitting[0]
