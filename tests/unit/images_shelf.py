"""For the tests of registries: images put on the shelf of a registry of ours, honest or not."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from images_trees import archive, folder, member

from minidocker.images.pull import Pulled, pull
from minidocker.images.registry.client import Client
from minidocker.images.registry.faults import Faults
from minidocker.images.registry.server import Registry
from minidocker.images.store import names, oci
from minidocker.images.store.check import check
from minidocker.images.store.store import Store

ROOTFS = archive([folder("bin"), member("bin/sh", b"#!"), member("etc/name", b"one")])
BIG = random.Random(1).randbytes(30_000) + b"x" * 270_000
SECOND = archive([member("etc/name", b"two"), member("etc/.wh.gone"), member("big", BIG)])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest(data: bytes) -> str:
    return "sha256:" + sha(data)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def config_of(*tars: bytes, **more: Any) -> dict[str, Any]:
    """The configuration of an image of these plain layers."""
    return {
        **oci.here(), "created": "2026-01-02T03:04:05Z",
        "config": {"Cmd": ["/bin/sh"], "Env": ["A=1"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        "history": [{"created_by": "a test"} for _ in tars],
        **more,
    }  # fmt: skip


class Shelved:
    """One repository of a registry, filled without asking: what a hostile server could have."""

    def __init__(self, registry: Registry, name: str = "lab/one") -> None:
        self.registry, self.name = registry, name

    def blob(self, data: bytes, claimed: str = "") -> dict[str, Any]:
        """Put bytes there, under their digest or a claimed one; return a descriptor."""
        hex = claimed or sha(data)
        with open(f"{self.registry.shelf.directory}/blobs/sha256/{hex}", "wb") as file:
            file.write(data)
        self.registry.shelf._mark(self.name, hex)
        return oci.descriptor("application/octet-stream", hex, len(data))

    def layer(self, tar: bytes, kind: str = "+gzip", packed: bytes | None = None) -> dict[str, Any]:
        """Put a layer there, gzip'd if not said otherwise; return its descriptor."""
        data = packed if packed is not None else gzip.compress(tar, 1, mtime=0) if kind else tar
        return {**self.blob(data), "mediaType": oci.LAYER_TYPE + kind}

    def image(
        self, *layers: dict[str, Any], config: dict[str, Any] | bytes, tag: str = "latest",
        kind: str = oci.MANIFEST_TYPE, **more: Any,
    ) -> bytes:  # fmt: skip
        """Put an image there; return its manifest."""
        data = config if isinstance(config, bytes) else as_json(config)
        own = {**self.blob(data), "mediaType": oci.CONFIG_TYPE}
        manifest = as_json({**oci.manifest(own, list(layers)), **more})
        self.document(manifest, tag, kind)
        return manifest

    def document(self, data: bytes, tag: str, kind: str = oci.MANIFEST_TYPE) -> dict[str, Any]:
        """Put any document there as a manifest, and a tag on it; return its descriptor."""
        self.registry.shelf._look = lambda name, data: None  # type: ignore[method-assign]
        self.registry.shelf.put_manifest(self.name, tag, kind, data)
        return oci.descriptor(kind, sha(data), len(data))

    def good(self, tag: str = "latest") -> bytes:
        """Put an honest image of two layers there."""
        return self.image(
            self.layer(ROOTFS), self.layer(SECOND), config=config_of(ROOTFS, SECOND), tag=tag
        )

    def full(self, tag: str = "latest") -> str:
        """The name by which a client asks for it."""
        return f"{self.registry.address}/{self.name}:{tag}"


def serving(place: Path) -> Iterator[Callable[..., Shelved]]:
    """Yield a function that starts a registry on loopback, given its faults; all end with it."""
    running: list[Registry] = []

    def start(*faults: str, **more: Any) -> Shelved:
        lines: list[str] = []
        registry = Registry(
            str(place), faults=Faults(list(faults)), log=lines.append, **more
        ).start()
        registry.lines = lines
        running.append(registry)
        return Shelved(registry)

    yield start
    for registry in running:
        registry.close()


def get(store: Store, full: str, platform: str = "", **more: Any) -> Pulled:
    """Pull an image by its full name."""
    host, path, _ = names.split(full)
    with Client(host, path, **more) as client:
        return pull(store, full, client, platform)


def whole(store: Store) -> bool:
    """Nothing in the store is damaged, or half made."""
    return check(store)[0] == [] and os.listdir(store.path("partial")) == []
