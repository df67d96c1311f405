"""Changes to the store: remove, prune. What comes into it is in `additions`.

A change is made under the exclusive lock and takes milliseconds, since it only renames: what is
added was made in ROOT/partial before, and what is removed is thrown away there afterwards.
A process that is killed in between leaves an image without a name or work without an owner, and
`prune` removes both.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import Conflict
from minidocker.images.store import files, layout, recipes
from minidocker.images.store.catalogue import (
    Use,
    blobs_of,
    entries,
    layer_facts,
    layers_of,
    manifests_of,
    names,
    tags,
    users_of,
    uses,
)
from minidocker.images.store.hold import Hold, listing
from minidocker.images.store.image import as_file, with_tag
from minidocker.images.store.partial import Partial, drop_cut_off, left_over

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


class Removed(NamedTuple):
    """One thing that is gone: `kind` is "image", "layer", "name", "partial" or "download"."""

    kind: str
    name: str
    size: int

    def __str__(self) -> str:
        unfinished = {"partial": "unfinished import", "download": "unfinished download"}
        what = unfinished.get(self.kind, self.kind)
        size = f" ({files.size(self.size)})" if self.size else ""
        return f"removed {what} {self.name[:19]}{size}"


def remove(store: Store, wanted: list[str], force: bool = False) -> list[Removed]:
    """Remove names; an image goes with its last name, and a layer with its last image.

    All or nothing: NotFound or Conflict before anything is touched. With `force` an id stands for
    all names of its image, and what a container uses loses its names, and stays.
    """
    with Partial(store) as trash, Hold(store.root, exclusive=True):
        named = names(store)
        plan = [target for name in wanted for target in _targets(store, named, name, force)]
        leaving = {name for name, _ in plan if name}
        images = dict.fromkeys(image for _, image in plan)
        everybody = uses(store)
        doomed = []
        for image in images:
            its_names = [name for name, target in named.items() if target == image]
            if set(its_names) <= leaving:
                users = users_of(everybody, image, its_names)
                if users and force and its_names:
                    continue
                _refuse_if_used(users, image, its_names)
                doomed.append(image)
        removed = [Removed("name", name, 0) for name in sorted(leaving)]
        for name in leaving:
            os.unlink(store.path("images", "names", as_file(name)))
        layout.write_index(store)  # before the blobs go: it names nothing that is not there
        return removed + _drop(store, trash, doomed)


def _targets(
    store: Store, named: dict[str, str], name: str, force: bool
) -> list[tuple[str, str]]:
    """Return each (name to remove or "", image); an id stands for its only name, or for all."""
    if with_tag(name) in named:
        return [(with_tag(name), named[with_tag(name)])]
    found = store.resolve(name)
    if found.name in named:  # docker.io/library/debian is debian
        return [(found.name, named[found.name])]
    image = found.id.removeprefix("sha256:")
    its_names = [full for full, target in named.items() if target == image]
    if len(its_names) > 1 and not force:
        raise Conflict(
            f"the image {name} has {len(its_names)} names",
            "minidocker image rm " + " ".join(sorted(its_names)),
        )
    return [(full, image) for full in its_names or [""]]


def _refuse_if_used(users: list[Use], image: str, its_names: list[str]) -> None:
    if not users:
        return
    name = its_names[0] if its_names else image[:12]
    user = next((use for use in users if use.live), users[0])
    container = user.container[:12]
    docker = (
        f'conflict: unable to remove repository reference "{name}" (must force) - container '
        f"{container} is using its referenced image {image[:12]}"
    )
    if user.live:
        raise Conflict(f"the running container {container} uses the image {name}", "minidocker ps",
                       docker=docker)  # fmt: skip
    raise Conflict(
        f"the container {container}, which has ended, uses the image {name}",
        f"minidocker rm {container}", docker=docker,
    )  # fmt: skip


def _drop(store: Store, trash: Partial, images: list[str]) -> list[Removed]:
    """Move images, and layers and blobs that nobody needs after that, into the trash."""
    removed = []
    for image in images:
        trash.take(store.path("images", "sha256", image), "image-" + image)
        removed.append(Removed("image", "sha256:" + image, 0))
    _forget_manifests(store)
    layout.write_index(store)
    needed = _needed_layers(store)
    for layer in listing(store.path("layers", "sha256")):
        if layer not in needed:
            size = int(layer_facts(store, layer).get("bytes", 0))
            trash.take(store.path("layers", "sha256", layer), "layer-" + layer)
            removed.append(Removed("layer", "sha256:" + layer, size))
    _drop_blobs(store, trash)
    return removed


def _forget_manifests(store: Store) -> None:
    """Remove an image's links to manifests that no name stands for; a nameless one keeps all."""
    named = dict.fromkeys(names(store).values(), True)
    used = {manifest for _, manifest in tags(store).values()}
    for image in listing(store.path("images", "sha256")):
        for manifest in manifests_of(store, image) if named.get(image) else ():
            if manifest not in used:
                os.unlink(store.path("images", "sha256", image, manifest))


def _needed_layers(store: Store) -> set[str]:
    """Return the layers that images, containers, recipes use; a link's target is used with it."""
    needed = {digest for use in uses(store) for digest in use.digests} | recipes.kept(store)[0]
    for image in listing(store.path("images", "sha256")):
        needed.update(layers_of(store, image))
    for layer in list(needed):
        path = store.path("layers", "sha256", layer)
        if os.path.islink(path):  # see `carry`
            needed.add(os.readlink(path))
    return needed


def _drop_blobs(store: Store, trash: Partial) -> None:
    """Move blobs that no manifest of an image names, and no recipe, into the trash."""
    needed = recipes.kept(store)[1]
    for image in listing(store.path("images", "sha256")):
        for manifest in manifests_of(store, image):
            path = store.path("blobs", "sha256", manifest)
            needed.update([image, manifest, *blobs_of(files.load_json(path))])
    for hex in set(listing(store.path("blobs", "sha256"))) - needed:
        trash.take(store.path("blobs", "sha256", hex), "blob-" + hex)


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
    for name, size in drop_cut_off(store):
        removed.append(Removed("download", "sha256:" + name, size))
    with Partial(store) as trash, Hold(store.root, exclusive=True):
        nameless = [
            entry.id.removeprefix("sha256:")
            for entry in entries(store)
            if not entry.names and not entry.containers
        ]
        return removed + _drop(store, trash, nameless)
