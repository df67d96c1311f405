"""The layers of a build: looked up by their recipe, or made, and then remembered by it.

What reads or writes files of many owners is done as who may: an ordinary user becomes root of a
user namespace for it, in a child process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence

from minidocker.build.addition import Addition
from minidocker.build.tree import Layers
from minidocker.build.wrong import BuildError
from minidocker.errors import MinidockerError
from minidocker.images import layer
from minidocker.images.archive.open_directories import DIRECTORY, Parts
from minidocker.images.archive.pack import Packer
from minidocker.images.archive.upper import Upper
from minidocker.images.commit import Pack, as_made, packed_by
from minidocker.images.layer import Made
from minidocker.images.store import additions, files, oci, recipes
from minidocker.images.store.hold import Hold
from minidocker.images.store.partial import Partial
from minidocker.images.store.store import Store
from minidocker.runtime import rootless

SECOND = 10**9


def as_owner(work: Callable[[], oci.Json]) -> oci.Json:
    """Do work on files of many owners as who may, and return its answer (a small JSON object)."""
    if not rootless.wanted():
        return work()
    read, write = os.pipe()

    def told() -> int:
        try:
            answer = work()
        except BuildError as problem:
            words = [problem.line, problem.message, problem.remedy, problem.docker]
            answer = {"wrong": words}
        os.write(write, files.as_json(answer))
        return 0

    try:
        rootless.as_root(told)
        os.close(write)
        with open(read, "rb", closefd=False) as stream:
            answer: oci.Json = files.read_json(stream.read())
    finally:
        os.close(read)
        with contextlib.suppress(OSError):
            os.close(write)
    if "wrong" in answer:
        raise BuildError(*answer["wrong"])
    return answer


def key_of(*words: object) -> str:
    """Return the key of a step: a digest of all that it depends on."""
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def directories(store: Store, hexes: Sequence[str]) -> list[str]:
    """Return where layers lie, unpacked."""
    return [store.path("layers", "sha256", hex, "fs") for hex in hexes]


def tree_of(store: Store, hexes: Sequence[str]) -> Layers:
    """Return the tree that layers (bottom first) show."""
    return Layers(directories(store, hexes))


def of_addition(
    store: Store, addition: Addition, key: str, created: str, cached: bool
) -> oci.Json:
    """Return the recipe of files that are written; "cached" in it says that it was there."""
    found = recipes.find(store, key) if cached else {}
    if found:
        return {**found, "cached": True}
    pieces = addition.pieces()
    with Partial(store) as work:
        made = layer.make(work, lambda: next(pieces, b""), "the layer", trusted=False)
        return _remember(store, work, key, made, created)


def of_upper(
    store: Store, upper: str, hexes: Sequence[str], key: str, created: str,
    epoch: int | None, stubs: Sequence[Parts], pack: Pack | None = None,
) -> oci.Json:  # fmt: skip
    """Return the recipe of what a command has changed; `stubs` were made for mounts alone.

    No time in the layer is later than `epoch` (seconds). `pack` writes it in the place of ours.
    """
    for path in stubs:
        remove_stub(upper, tree_of(store, hexes), path)
    with Partial(store) as work:
        if pack:
            made = packed_by(pack, work, upper, epoch)
            members = made.unpacker.entries
        else:
            with Upper(upper, directories(store, hexes)) as tree:
                packer = Packer(tree, None if epoch is None else epoch * SECOND)
                made = layer.make(work, packer.next_piece, "what the step changed", trusted=True)
            members = packer.members
        changed = members or not as_made(upper)
        return _remember(store, work, key, made if changed else None, created)


def _remember(store: Store, work: Partial, key: str, made: Made | None, created: str) -> oci.Json:
    hex = made.hex if made else ""
    recipe = {"layer": hex, "blob": hex, "size": made.size if made else 0, "created": created}
    with Hold(store.root, exclusive=True):
        if made:
            additions.add_layer(store, work, hex)
            additions.add_blob(store, work, "packed", hex)
        recipes.write(store, key, recipe)
    return recipe


def of_recipe(recipe: oci.Json) -> tuple[str, oci.Json] | None:
    """Return (diff id, descriptor) of a recipe's layer; None where a step made none."""
    if not recipe["layer"]:
        return None
    return recipe["layer"], oci.descriptor(oci.LAYER_TYPE, recipe["blob"], recipe["size"])


def remove_stub(upper: str, below: Layers, path: Parts) -> None:
    """Remove the empty file or directories that a mount point was, where the stage has none."""
    for depth in range(len(path), 0, -1):
        try:
            below.look(path[:depth])
            return
        except (FileNotFoundError, NotADirectoryError):
            pass
        folder = os.open(upper, DIRECTORY)
        try:
            for name in path[: depth - 1]:
                inner = os.open(name, DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = inner
            info = os.lstat(path[depth - 1], dir_fd=folder)
            if stat.S_ISDIR(info.st_mode):
                os.rmdir(path[depth - 1], dir_fd=folder)
            elif stat.S_ISREG(info.st_mode) and not info.st_size:
                os.unlink(path[depth - 1], dir_fd=folder)
        except OSError:
            return  # the command has put something there: that stays
        finally:
            os.close(folder)


def put_image(
    store: Store, names: Sequence[str], document: oci.Json, blobs: Sequence[oci.Json]
) -> str:
    """Store the image that was built under these full names; return its id in hex."""
    config = files.as_json(document)
    try:
        config.decode("utf-8")
    except UnicodeDecodeError:
        why = "a setting of the image is no UTF-8"
        raise BuildError(0, why, "write the Dockerfile in UTF-8") from None
    hex = hashlib.sha256(config).hexdigest()
    manifest = oci.manifest(oci.descriptor(oci.CONFIG_TYPE, hex, len(config)), list(blobs))
    with Partial(store) as work, Hold(store.root, exclusive=True):
        for diff_id in document["rootfs"]["diff_ids"]:
            if not os.path.isdir(store.path("layers", "sha256", diff_id[7:], "fs")):
                raise MinidockerError(
                    f"somebody removed the layer {diff_id[7:19]} meanwhile", "build it again"
                )
        return additions.put_image(store, work, list(names), files.as_json(manifest), config)
