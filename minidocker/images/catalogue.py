"""What the store holds, and every change to it: add, list, history, remove, prune.

A change is made under the exclusive lock and takes milliseconds, since it only renames: what is
added was made in ROOT/partial before, and what is removed is thrown away there afterwards.
A process that is killed in between leaves an image without a name or work without an owner, and
`prune` removes both.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import Conflict
from minidocker.images import files, oci
from minidocker.images.partial import Partial, is_locked, left_over
from minidocker.images.store import HEX, Hold, as_file, lean, listing, with_tag

if TYPE_CHECKING:
    from minidocker.images.store import Store

DIGEST = re.compile(r"sha256[:/]([0-9a-f]{64})")


class Removed(NamedTuple):
    """One thing that is gone: `kind` is "image", "layer", "name" or "partial"; `size` in bytes."""

    kind: str
    name: str
    size: int


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


# Reading


def names(store: Store) -> dict[str, str]:
    """Return every name with its tag, and the hex id of the image that it stands for."""
    folder = store.path("images", "names")
    found = {}
    for file in listing(folder):
        found[file.replace("%", "/")] = os.path.basename(os.readlink(os.path.join(folder, file)))
    return found


def layers_of(store: Store, image: str) -> list[str]:
    """Return the hex digests of an image's layers, bottom first."""
    config = files.load_json(store.path("images", "sha256", image, "config.json"))
    diff_ids = config.get("rootfs", {}).get("diff_ids", [])
    return [str(diff_id).removeprefix("sha256:") for diff_id in diff_ids]


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


def _users(uses: Iterable[Use], image: str, its_names: list[str]) -> list[Use]:
    def fits(use: Use) -> bool:
        if use.digests & {image}:
            return True
        start = use.image.removeprefix("sha256:")
        by_id = len(start) >= 4 and not start.strip(HEX) and image.startswith(start)
        return bool(use.image) and (with_tag(use.image) in its_names or by_id)

    return [use for use in uses if fits(use)]


def entries(store: Store) -> list[Entry]:
    """Return all images, in the order of their first names; those without a name come last."""
    named = names(store)
    everybody = uses(store)
    found = []
    for image in listing(store.path("images", "sha256")):
        its_names = sorted(name for name, target in named.items() if target == image)
        layers = layers_of(store, image)
        config = files.load_json(store.path("images", "sha256", image, "config.json"))
        found.append(
            Entry(
                "sha256:" + image,
                its_names,
                str(config.get("created", "")),
                sum(int(layer_facts(store, layer).get("bytes", 0)) for layer in layers),
                layers,
                [use.container for use in _users(everybody, image, its_names)],
            )
        )
    return sorted(found, key=lambda entry: (not entry.names, entry.names, entry.id))


def history(store: Store, name: str) -> list[oci.Json]:
    """Return the steps that made an image, newest first.

    Each has created, created_by, comment, size (bytes, 0 where a step made no layer) and layer
    (hex or "").
    """
    image = store.resolve(name).id.removeprefix("sha256:")
    config = files.load_json(store.path("images", "sha256", image, "config.json"))
    layers = iter(layers_of(store, image))
    steps = []
    for step in config.get("history", []):
        layer = "" if step.get("empty_layer") else next(layers, "")
        size = int(layer_facts(store, layer).get("bytes", 0)) if layer else 0
        words = {key: str(step.get(key, "")) for key in ("created", "created_by", "comment")}
        steps.append({**words, "size": size, "layer": layer})
    return steps[::-1]


# Changing: the caller of the first two holds the store


def add_layer(store: Store, work: Partial, hex: str) -> bool:
    """Move the layer from work.path("layer") into the store; False if it is there already."""
    place = store.path("layers", "sha256", hex)
    if os.path.isdir(place):
        return False
    os.makedirs(store.path("layers"), 0o700, exist_ok=True)  # setuid programs are in there
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.rename(work.path("layer"), place)
    return True


def add_image(store: Store, work: Partial, name: str, config: oci.Json) -> str:
    """Write an image's files and give it this name (with tag); return its id in hex.

    Where the name stands for an equal image already (times apart), that one stays.
    """
    data = files.as_json(config)
    hex = hashlib.sha256(data).hexdigest()
    old = names(store).get(name)
    if old:
        before = files.load_json(store.path("images", "sha256", old, "config.json"))
        if all(before.get(key) == config[key] for key in ("config", "rootfs", "architecture")):
            return old
    layers = [d.removeprefix("sha256:") for d in config["rootfs"]["diff_ids"]]
    facts = [{"hex": h, "size": layer_facts(store, h).get("size", 0)} for h in layers]
    fresh = work.path("image")
    os.mkdir(fresh)
    text = lean("sha256:" + hex, layers, config["config"]).encode("utf-8", "surrogateescape")
    manifest = files.as_json(oci.manifest(data, hex, facts))
    for file, content in (("config.json", data), ("manifest.json", manifest), ("lean", text)):
        files.write(os.path.join(fresh, file), content)
    os.makedirs(store.path("images", "sha256"), exist_ok=True)
    if not os.path.isdir(store.path("images", "sha256", hex)):
        os.rename(fresh, store.path("images", "sha256", hex))
    os.makedirs(store.path("images", "names"), exist_ok=True)
    os.symlink(f"../sha256/{hex}", work.path("name"))
    os.rename(work.path("name"), store.path("images", "names", as_file(name)))
    return hex


def remove(store: Store, wanted: list[str]) -> list[Removed]:
    """Remove names; an image goes with its last name, and a layer with its last image.

    All or nothing: NotFound or Conflict before anything is touched.
    """
    with Partial(store) as trash, Hold(store, exclusive=True):
        named = names(store)
        plan = [_target(store, named, name) for name in wanted]
        leaving = {name for name, _ in plan if name}
        images = dict.fromkeys(image for _, image in plan)
        everybody = uses(store)
        doomed = []
        for image in images:
            its_names = [name for name, target in named.items() if target == image]
            if set(its_names) <= leaving:
                _refuse_if_used(_users(everybody, image, its_names), image, its_names)
                doomed.append(image)
        removed = [Removed("name", name, 0) for name in sorted(leaving)]
        for name in leaving:
            os.unlink(store.path("images", "names", as_file(name)))
        return removed + _drop(store, trash, doomed)


def _target(store: Store, named: dict[str, str], name: str) -> tuple[str, str]:
    """Return (name to remove or "", image); an id stands for its only name."""
    if with_tag(name) in named:
        return with_tag(name), named[with_tag(name)]
    image = store.resolve(name).id.removeprefix("sha256:")
    its_names = [full for full, target in named.items() if target == image]
    if len(its_names) > 1:
        raise Conflict(
            f"the image {name} has {len(its_names)} names",
            "minidocker image rm " + " ".join(sorted(its_names)),
        )
    return (its_names or [""])[0], image


def _refuse_if_used(users: list[Use], image: str, its_names: list[str]) -> None:
    if not users:
        return
    name = its_names[0] if its_names else image[:12]
    user = next((use for use in users if use.live), users[0])
    container = user.container[:12]
    if user.live:
        raise Conflict(f"the running container {container} uses the image {name}", "minidocker ps")
    raise Conflict(
        f"the container {container}, which has ended, uses the image {name}",
        f"minidocker rm {container}",
    )


def _drop(store: Store, trash: Partial, images: list[str]) -> list[Removed]:
    """Move images, and layers that nobody needs after that, into the trash."""
    removed = []
    for image in images:
        trash.take(store.path("images", "sha256", image), "image-" + image)
        removed.append(Removed("image", "sha256:" + image, 0))
    needed = {digest for use in uses(store) for digest in use.digests}
    for image in listing(store.path("images", "sha256")):
        needed.update(layers_of(store, image))
    for layer in listing(store.path("layers", "sha256")):
        if layer not in needed:
            size = int(layer_facts(store, layer).get("bytes", 0))
            trash.take(store.path("layers", "sha256", layer), "layer-" + layer)
            removed.append(Removed("layer", "sha256:" + layer, size))
    return removed


def sweep(store: Store) -> list[Removed]:
    """Remove what imports that died have left."""
    if not listing(store.path("partial")):
        return []
    removed = []
    with Partial(store) as trash:
        with Hold(store, exclusive=True):
            for path in left_over(store):
                name = os.path.basename(path)
                with contextlib.suppress(FileNotFoundError):  # its maker was just clearing it away
                    trash.take(path, "old-" + name)
                    removed.append(name)
        sizes = [files.usage(trash.path("old-" + name)) for name in removed]
    return [Removed("partial", *pair) for pair in zip(removed, sizes, strict=True)]


def prune(store: Store) -> list[Removed]:
    """Remove what dead imports left, unused images without a name, and layers of no image."""
    if not os.path.isdir(store.root):
        return []
    removed = sweep(store)
    with Partial(store) as trash, Hold(store, exclusive=True):
        nameless = [
            entry.id.removeprefix("sha256:")
            for entry in entries(store)
            if not entry.names and not entry.containers
        ]
        return removed + _drop(store, trash, nameless)
