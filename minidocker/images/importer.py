"""Make an image of one layer from a tar archive: unpack and hash in one pass, then name it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import UsageError
from minidocker.images.again import Unpack, unpack_again
from minidocker.images.archive.source import Progress, Source
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.unpack import Unpacker
from minidocker.images.store import additions, carry, changes, files, names, oci, overlay_check
from minidocker.images.store.hold import Hold
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.store.image import Image
    from minidocker.images.store.store import Store

Settings = Callable[[str], oci.Json]  # from the directory of the unpacked layer to Env, Cmd, …


class Report(NamedTuple):
    """What an import did: `layer` in hex, `bytes` and `entries` unpacked.

    `known` says that the layer was in the store before; `lost` counts what could not be kept;
    `complete` is False where the archive has no end mark.
    """

    image: Image
    layer: str
    bytes: int
    entries: int
    known: bool
    lost: dict[str, int]
    complete: bool


def tar_and_name(places: Sequence[str]) -> tuple[str, str | None]:
    """Tell the archive from the image's name: Docker has the archive first, and we had the name.

    What is a file is the archive, or "-"; where both may be, the first one is.
    """
    if len(places) > 2:
        raise UsageError(
            "an archive and one name, and no more", "minidocker image import TAR NAME", 1,
            "'docker image import' requires at least 1 and at most 2 arguments",
        )  # fmt: skip
    if len(places) == 1:
        return places[0], None
    first, second = places
    path = os.path.exists(second) or second.startswith(("/", "./", "../"))
    turned = second == "-" or (path and first != "-" and not os.path.exists(first))
    return (second, first) if turned else (first, second)


def import_tar(
    store: Store,
    name: str | None,
    path: str,
    lines: Sequence[str] = (),
    progress: Progress | None = None,
    unpack: Unpack | None = None,
    message: str = "",
) -> Report:
    """Import a root file system from a tar archive ("-" is standard input) as the image `name`.

    `lines` are changes such as "CMD bash". `unpack` unpacks it in the place of ours: a learner's.
    None is no name. Errors leave the store as it was.
    """
    full = "" if name is None else names.check(name)
    asked: oci.Json = {"Env": [oci.PATH]}
    for line in lines:
        oci.change(asked, line)

    def settings(root: str) -> oci.Json:
        return asked if "Cmd" in asked or "Entrypoint" in asked else {**asked, "Cmd": _shell(root)}

    step = {"created_by": "minidocker image import", "comment": message or "imported from " + path}
    return add_tar(store, full, path, settings, {"created": oci.now(), **step}, progress, unpack)


def add_tar(
    store: Store,
    name: str,
    path: str,
    settings: Settings,
    step: oci.Json,
    progress: Progress | None = None,
    unpack: Unpack | None = None,
) -> Report:
    """Put a tar archive into the store as the only layer of the image `name` (with its tag).

    `step` is the entry in the image's history; its "created" is the image's too.
    """
    overlay_check.check(store)
    carry.ready(store)
    changes.sweep(store)
    with Partial(store) as work:
        root = work.path("layer/fs")
        os.makedirs(root)
        with open(work.path("packed"), "wb") as keep, Source(path, progress, keep) as source:
            stream = Stream(source.read, source.title)
            archive = Archive(stream)
            unpacker = Unpacker(root, source.title)
            unpacker.unpack(archive)
            stream.drain()  # what stands behind the end mark belongs to the digest
            layer = source.digest()
            packing, blob, size = source.kept()
        _refuse_saved(root, source.title)
        if unpack:
            unpack_again(unpack, work.path("packed"), root, source.title)
        facts = {
            "size": stream.position, "bytes": unpacker.bytes, "entries": unpacker.entries,
            "lost": unpacker.lost,
        }  # fmt: skip
        files.write(work.path("layer/layer.json"), files.as_json(facts))
        work.keep_blob("packed", blob)
        config = oci.configuration(settings(root), [layer], [step], step["created"])
        packed = oci.descriptor(oci.layer_type(packing), blob, size)
        with Hold(store.root, exclusive=True):
            known = not additions.add_layer(store, work, layer)
            hex = additions.add_image(store, work, name, config, [packed])
            image = store.resolve(name or hex)
    return Report(
        image, layer, unpacker.bytes, unpacker.entries, known, unpacker.lost, archive.complete
    )


def _refuse_saved(root: str, title: str) -> None:
    """Refuse what `docker save` writes: layers inside an archive, not a root file system."""
    found = set(os.listdir(root))
    if found & {"oci-layout", "manifest.json"} and not found & {"bin", "usr", "etc"}:
        raise UsageError(
            f"{title} holds saved images, not a root file system",
            "docker create --name x IMAGE && docker export x | minidocker import - NAME",
        )


def _shell(root: str) -> list[str]:
    """Return the command of an image that names none: bash where it is there, else sh."""
    for shell in ("bash", "sh"):
        for folder in ("usr/bin", "bin"):
            above = os.path.join(root, folder)
            if not os.path.islink(above) and os.path.lexists(os.path.join(above, shell)):
                return [shell]
    return []
