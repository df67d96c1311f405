"""What an image is, in the words of `docker image inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidocker.formats.values import NO_LIST, NO_MAP, Map
from minidocker.images.store import catalogue, oci
from minidocker.images.store.names import split

if TYPE_CHECKING:
    from minidocker.images.store.store import Store

MAPS = ("ExposedPorts", "Labels", "Volumes")  # whose keys are the image's own
LISTS = ("Env", "Entrypoint", "Cmd", "OnBuild")

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
        "Parent": "",
        "Comment": (config.get("history") or [{}])[-1].get("comment", ""),
        "Created": config.get("created", ""),
        "Author": config.get("author", ""),
        "Architecture": config.get("architecture", ""),
        "Os": config.get("os", ""),
        "Config": settings(config.get("config")),
        "RootFS": {"Type": "layers", "Layers": ["sha256:" + layer for layer in layers]},
        "GraphDriver": {
            "Data": Map({"LowerDir": ":".join(
                store.path("layers", "sha256", layer, "fs") for layer in reversed(layers)
            )}),
            "Name": "overlay2",
        },
        "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
        "Size": sum(int(fact.get("bytes", 0)) for fact in facts),
        "Manifest": {
            "Digest": "sha256:" + manifest, **catalogue.manifest_of(store, image, found.name)
        },
    }  # fmt: skip


def settings(said: object) -> oci.Json:
    """Return an image's settings with every name of Docker's: what it lacks is empty."""
    found = said if isinstance(said, dict) else {}
    made: oci.Json = {
        "User": "", "ExposedPorts": None, "Env": None, "Entrypoint": None, "Cmd": None,
        "Volumes": None, "WorkingDir": "", "OnBuild": None, "Labels": None, "StopSignal": "",
        **found,
    }  # fmt: skip
    return {key: typed(key, value) for key, value in made.items()}


def typed(key: str, value: object) -> object:
    """Return a setting as a template shall see it: what was never said has its type, too."""
    if key in MAPS:
        return Map(value) if isinstance(value, dict) else NO_MAP if value is None else value
    return NO_LIST if key in LISTS and value is None else value


def repository(full: str) -> str:
    """Return a full name without its tag or digest, as it is shown."""
    return full.partition("@")[0] if "@" in full else full[: -len(split(full)[2]) - 1]
