"""What a tag at our own registry points to, read from its directory for a picture."""

from __future__ import annotations

import json
import tarfile
from typing import Any

from minidocker.images.registry.shelf import Refused, Shelf
from minidocker.images.store import files
from minidocker.pictures import image_tree as drawing
from minidocker.pictures.image_tree import Node
from minidocker.pictures.picture import Picture

MOST_MEMBERS = 20_000
DEEPEST = 5


def image_tree(directory: str, name: str, title: str = "") -> Picture:
    """Draw what NAME:TAG points to in the directory of a `minidocker registry serve`.

    LookupError where there is no such tag.
    """
    repository, _, tag = name.rpartition(":")
    shelf = Shelf(directory)
    try:
        hex, _, _ = shelf.manifest(repository, tag)
    except Refused as problem:
        raise LookupError(str(problem)) from None
    top = Node("tag", "", f"{name}, a name", [_document(shelf, repository, f"sha256:{hex}", "")])
    return drawing.image_tree(top, title or f"What {name} points to")


def _document(shelf: Shelf, repository: str, digest: str, said: str, deep: int = 0) -> Node:
    """Follow an index or a manifest."""
    try:
        _, _, data = shelf.manifest(repository, digest)
        found: Any = json.loads(data)
        size = files.size(len(data))
        if "manifests" in found and deep < DEEPEST:
            below = [
                _document(shelf, repository, one["digest"], _platform(one), deep + 1)
                for one in found["manifests"]
            ]
            return Node("index", digest, said or f"{size}: an image for each platform", below)
        below = [_config(shelf, repository, found["config"])]
        below += [_layer(shelf, repository, one) for one in found["layers"]]
    except (Refused, OSError, ValueError, KeyError, TypeError):
        return Node("missing", digest, said)
    return Node("manifest", digest, f"{said or 'one platform'}, {size}", below)


def _platform(entry: Any) -> str:
    words = entry.get("platform") or {}
    return "/".join(str(words[key]) for key in ("os", "architecture", "variant") if words.get(key))


def _config(shelf: Shelf, repository: str, one: Any) -> Node:
    try:
        with open(shelf.blob(repository, one["digest"]), "rb") as file:
            found: Any = json.loads(file.read(1 << 20))
        command = (found.get("config") or {}).get("Cmd") or []
        return Node("config", one["digest"], f"start {' '.join(map(str, command))}, and the rest")
    except (Refused, OSError, ValueError, AttributeError):
        return Node("missing", one["digest"], "the configuration")


def _layer(shelf: Shelf, repository: str, one: Any) -> Node:
    try:
        with tarfile.open(shelf.blob(repository, one["digest"])) as archive:
            members = [member for _, member in zip(range(MOST_MEMBERS), archive, strict=False)]
    except (Refused, OSError, tarfile.TarError, EOFError):
        return Node("missing", one["digest"], "a layer")
    names = [member.name.removeprefix("./") for member in members if member.name != "."]
    some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    below = [Node("files", "", f"{len(names)}: {some}")]
    return Node("layer", one["digest"], f"a packed tar of {files.size(one['size'])}", below)
