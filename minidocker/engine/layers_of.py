"""A container's layers: the directories that its root was put together from, and its own on top."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.spec.spec import Hardening, Ids, Root, Run, Spec
from minidocker.stages.layers import make_directories


def upper_of(record: dict[str, Any]) -> str:
    """Return a container's upper directory; UsageError for one that has none."""
    prepare(record)
    upper = os.path.join(record["directory"], "upper")
    if not layers_of(record) or not os.path.isdir(upper):
        raise UsageError(
            f"container {record['id']} has no layers: it changed its root directory itself",
            "run an image:  minidocker run --name box IMAGE …",
            125,
        )
    return upper


def prepare(record: dict[str, Any]) -> None:
    """Make the directories of a container that was created and has not been started yet."""
    if record["status"] == "created" and layers_of(record):
        root = Root(layers=layers_of(record))
        ids = ((record.get("spec") or {}).get("linux") or {}).get("ids")
        spec = Spec(id=record["id"], root=root, linux=Hardening(ids=Ids(**ids) if ids else None))
        make_directories(Linux(), Run(id=record["id"], directory=record["directory"], spec=spec))


def layers_of(record: dict[str, Any]) -> list[str]:
    """Return the directories that a container's root was put together from, bottom first."""
    layers = record.get("spec", {}).get("root", {}).get("layers") or []
    return [str(layer) for layer in layers]


def hexes(store: Store, record: dict[str, Any], layers: Sequence[str]) -> list[str]:
    """Return the layers' digests; UsageError where they are not in the store (`run --layer`)."""
    above = store.path("layers", "sha256")
    found = [os.path.relpath(layer, above).removesuffix("/fs") for layer in layers]
    if not record["image"] or any("/" in hex for hex in found):
        raise UsageError(
            f"container {record['id']} was started from --layer directories, not from an image",
            "run an image, and commit that container",
            125,
        )
    return found
