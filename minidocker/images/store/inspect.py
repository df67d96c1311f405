"""What an image is, in the words of `docker image inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidocker.images.store import catalogue, oci
from minidocker.images.store.names import split

if TYPE_CHECKING:
    from minidocker.images.store.store import Store


def inspect(store: Store, name: str) -> oci.Json:
    """Return one image's description; NotFound where there is none."""
    found = store.resolve(name)
    image = found.id.removeprefix("sha256:")
    config = catalogue.config_of(store, image)
    tags = {n: manifest for n, (its, manifest) in catalogue.tags(store).items() if its == image}
    layers = catalogue.layers_of(store, image)
    facts = [catalogue.layer_facts(store, layer) for layer in layers]
    manifest = tags.get(found.name) or (catalogue.manifests_of(store, image) or [""])[0]
    return {
        "Id": found.id,
        "RepoTags": sorted(n for n in tags if "@" not in n),
        "RepoDigests": sorted({
            n if "@" in n else f"{repository(n)}@sha256:{hex}" for n, hex in tags.items()
        }),
        "Created": config.get("created", ""),
        "Architecture": config.get("architecture", ""),
        "Os": config.get("os", ""),
        "Config": config.get("config") or {},
        "RootFS": {"Type": "layers", "Layers": ["sha256:" + layer for layer in layers]},
        "Size": sum(int(fact.get("bytes", 0)) for fact in facts),
        "Manifest": {
            "Digest": "sha256:" + manifest, **catalogue.manifest_of(store, image, found.name)
        },
    }  # fmt: skip


def repository(full: str) -> str:
    """Return a full name without its tag or digest, as it is shown."""
    return full.partition("@")[0] if "@" in full else full[: -len(split(full)[2]) - 1]
