"""Changes to the store: add, remove, prune.

A change is made under the exclusive lock and takes milliseconds, since it only renames: what is
added was made in ROOT/partial before, and what is removed is thrown away there afterwards.
A process that is killed in between leaves an image without a name or work without an owner, and
`prune` removes both.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import Conflict
from minidocker.images.store import files, oci
from minidocker.images.store.catalogue import (
    Use,
    entries,
    layer_facts,
    layers_of,
    names,
    users_of,
    uses,
)
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.image import as_file, lean, with_tag
from minidocker.images.store.partial import Partial, left_over

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


class Removed(NamedTuple):
    """One thing that is gone: `kind` is "image", "layer", "name" or "partial"; `size` in bytes."""

    kind: str
    name: str
    size: int

    def __str__(self) -> str:
        what = "unfinished import" if self.kind == "partial" else self.kind
        size = f" ({files.size(self.size)})" if self.size else ""
        return f"removed {what} {self.name[:19]}{size}"


def add_layer(store: Store, work: Partial, hex: str) -> bool:
    """Move work.path("layer") into the store, which you hold; False if it is there already."""
    place = store.path("layers", "sha256", hex)
    if os.path.isdir(place):
        return False
    os.makedirs(store.path("layers"), 0o700, exist_ok=True)  # setuid programs are in there
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.rename(work.path("layer"), place)
    return True


def add_image(store: Store, work: Partial, name: str, config: oci.Json) -> str:
    """Write an image's files and give it this name (with tag); return its id in hex.

    You hold the store. Where the name has an equal image already (times apart), that one stays.
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
    with Partial(store) as trash, Hold(store.root, exclusive=True):
        named = names(store)
        plan = [_target(store, named, name) for name in wanted]
        leaving = {name for name, _ in plan if name}
        images = dict.fromkeys(image for _, image in plan)
        everybody = uses(store)
        doomed = []
        for image in images:
            its_names = [name for name, target in named.items() if target == image]
            if set(its_names) <= leaving:
                _refuse_if_used(users_of(everybody, image, its_names), image, its_names)
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
        with Hold(store.root, exclusive=True):
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
    with Partial(store) as trash, Hold(store.root, exclusive=True):
        nameless = [
            entry.id.removeprefix("sha256:")
            for entry in entries(store)
            if not entry.names and not entry.containers
        ]
        return removed + _drop(store, trash, nameless)
