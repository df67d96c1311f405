"""What the store holds: names, images, layers, and the containers that use them. Reads only."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import UsageError
from minidocker.images.store import files, oci
from minidocker.images.store.hold import listing
from minidocker.images.store.image import HEX, parse_lean, read
from minidocker.images.store.names import any_name
from minidocker.images.store.partial import is_locked

if TYPE_CHECKING:
    from minidocker.images.store.store import Store

DIGEST = re.compile(r"sha256[:/]([0-9a-f]{64})")


class Entry(NamedTuple):
    """An image as `image ls` shows it; `layers` are hex digests, bottom first; `size` in bytes."""

    id: str
    names: list[str]
    created: str
    size: int
    layers: list[str]
    containers: list[str]


class Use(NamedTuple):
    """A container and what its record mentions: an image's name, and digests in hex."""

    container: str
    live: bool
    image: str
    digests: set[str]


def tags(store: Store) -> dict[str, tuple[str, str]]:
    """Return every name with its tag: (hex id of the image, hex of the manifest).

    The link of a name says both: ../sha256/IMAGE/MANIFEST. A store of before 2027 has ../sha256/
    IMAGE alone, and "" for the manifest.
    """
    folder = store.path("images", "names")
    found = {}
    for file in listing(folder):
        with contextlib.suppress(FileNotFoundError):  # somebody has just removed it
            _, _, image, *manifest = os.readlink(os.path.join(folder, file)).split("/")
            found[file.replace("%", "/")] = (image, "".join(manifest))
    return found


def names(store: Store) -> dict[str, str]:
    """Return every name with its tag, and the hex id of the image that it stands for."""
    return {name: image for name, (image, _) in tags(store).items()}


def config_of(store: Store, image: str) -> oci.Json:
    """Return an image's configuration; {} where there is none."""
    return files.load_json(store.path("blobs", "sha256", image))


def manifests_of(store: Store, image: str) -> list[str]:
    """Return the hex digests of the manifests under which an image came: links in its directory."""
    return [name for name in listing(store.path("images", "sha256", image)) if len(name) == 64]


def manifest_of(store: Store, image: str, name: str = "") -> oci.Json:
    """Return the manifest that a name stands for, or the first that the image has."""
    hex = tags(store).get(name, ("", ""))[1] or (manifests_of(store, image) or [""])[0]
    return files.load_json(store.path("blobs", "sha256", hex)) if hex else {}


def blobs_of(manifest: oci.Json) -> list[str]:
    """Return the hex digests of all blobs that a manifest names."""
    parts = [manifest.get("config") or {}, *(manifest.get("layers") or [])]
    return [str(part.get("digest")).removeprefix("sha256:") for part in parts if part]


def layers_of(store: Store, image: str) -> list[str]:
    """Return the hex digests of an image's plain layers (diff ids), bottom first."""
    rootfs = config_of(store, image).get("rootfs")
    if rootfs:
        return [str(diff_id).removeprefix("sha256:") for diff_id in rootfs.get("diff_ids", [])]
    try:  # the configuration's blob is lost, or the store is one of before 2027
        text = read(store.path("images", "sha256", image, "lean"))
    except OSError:
        return []
    return [path.split("/")[-2] for path in parse_lean(text, "", "").layers]


def pairs(store: Store) -> Iterator[tuple[str, str]]:
    """Yield (blob, diff id) of each layer that an image has, in hex: they were compared once."""
    for image in listing(store.path("images", "sha256")):
        layers = layers_of(store, image)
        for hex in manifests_of(store, image):
            blobs = blobs_of(files.load_json(store.path("blobs", "sha256", hex)))[1:]
            yield from zip(blobs, layers, strict=False)


def layer_facts(store: Store, layer: str) -> oci.Json:
    """Return what layer.json says: size of the tar, bytes unpacked, entries, what was lost."""
    return files.load_json(store.path("layers", "sha256", layer, "layer.json"))


def uses(store: Store) -> list[Use]:
    """Return what each container's record says that it uses, running or not."""
    found = []
    for name in listing(store.path("containers")):
        folder = store.path("containers", name)
        record = files.load_json(os.path.join(folder, "record.json"))
        if not record:
            continue
        spec = record.get("spec")
        image = record.get("image") or (spec.get("image") if isinstance(spec, dict) else "")
        mentioned = set(DIGEST.findall(files.as_json(record).decode("utf-8", "replace")))
        live = is_locked(os.path.join(folder, "lock"))
        found.append(Use(name, live, image if isinstance(image, str) else "", mentioned))
    return found


def _full(name: str) -> str:
    """Return the name under which the store keeps what a container calls so."""
    try:
        return any_name(name)
    except UsageError:
        return name


def users_of(uses: Iterable[Use], image: str, its_names: list[str]) -> list[Use]:
    """Pick the containers that use an image: by its id in hex, or by one of its names."""

    def fits(use: Use) -> bool:
        if use.digests & {image}:
            return True
        start = use.image.removeprefix("sha256:")
        by_id = len(start) >= 4 and not start.strip(HEX) and image.startswith(start)
        return bool(use.image) and (_full(use.image) in its_names or by_id)

    return [use for use in uses if fits(use)]


def entries(store: Store) -> list[Entry]:
    """Return all images, in the order of their first names; those without a name come last."""
    named = names(store)
    everybody = uses(store)
    found = []
    for image in listing(store.path("images", "sha256")):
        its_names = sorted(name for name, target in named.items() if target == image)
        layers = layers_of(store, image)
        config = config_of(store, image)
        found.append(
            Entry(
                "sha256:" + image,
                its_names,
                files.printable(str(config.get("created") or "")),
                sum(int(layer_facts(store, layer).get("bytes", 0)) for layer in layers),
                layers,
                [use.container for use in users_of(everybody, image, its_names)],
            )
        )
    return sorted(found, key=lambda entry: (not entry.names, entry.names, entry.id))


def history(store: Store, name: str) -> list[oci.Json]:
    """Return the steps that made an image, newest first.

    Each has created, created_by, comment, size (bytes, 0 where a step made no layer) and layer
    (hex or "").
    """
    image = store.resolve(name).id.removeprefix("sha256:")
    config = config_of(store, image)
    layers = iter(layers_of(store, image))
    steps = []
    for step in config.get("history") or []:
        layer = "" if step.get("empty_layer") else next(layers, "")
        size = int(layer_facts(store, layer).get("bytes", 0)) if layer else 0
        keys = ("created", "created_by", "comment")
        words = {key: files.printable(str(step.get(key) or "")) for key in keys}
        steps.append({**words, "size": size, "layer": layer})
    return steps[::-1]
