"""image_tree: what a tag at a registry points to, from the index to the files."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field, replace
from typing import Any

from minidocker.images.registry.shelf import Refused, Shelf
from minidocker.images.store import files
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, TOP, LEFT, STEP = 800.0, 40.0, 48.0, 20.0, 44.0
# kind: (sign, accent)
KINDS = {
    "tag": ("triangle", "orange"), "index": ("diamond", "purple"), "manifest": ("square", "blue"),
    "config": ("ring", "grey"), "layer": ("circle", "green"), "files": ("", "green"),
    "missing": ("cross", "orange"),
}  # fmt: skip
MOST_MEMBERS = 20_000
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that something names: `digest` "" for what has none, `said` in a few words."""

    kind: str
    digest: str
    said: str
    below: list[Node] = field(default_factory=list)


def image_tree(directory: str, name: str, title: str = "") -> Picture:
    """Draw what NAME:TAG points to in the directory of a `minidocker registry serve`.

    Each arrow is a digest, but for the first: the tag is a name, which can be moved. LookupError
    where there is no such tag.
    """
    repository, _, tag = name.rpartition(":")
    shelf = Shelf(directory)
    try:
        hex, _, _ = shelf.manifest(repository, tag)
    except Refused as problem:
        raise LookupError(str(problem)) from None
    top = Node("tag", "", f"{name}, a name", [_document(shelf, repository, f"sha256:{hex}", "")])
    nodes = _again(_flat(top, 0))
    head = title or f"What {name} points to"
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 2 * LEFT, "bold", 15)
    _draw(canvas, nodes)
    rows = [("  " * depth + node.kind, node.digest[:19] or "-", node.said) for depth, node in nodes]
    size = (WIDTH, TOP + ROW * len(nodes) + 12)
    return Picture(head, _sentence(nodes), ("what", "digest", "what it is"), rows, canvas, size)


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


def _flat(node: Node, depth: int) -> list[tuple[int, Node]]:
    return [(depth, node), *(pair for one in node.below for pair in _flat(one, depth + 1))]


def _again(nodes: list[tuple[int, Node]]) -> list[tuple[int, Node]]:
    """Say of a blob that stood there before that it is the same one."""
    seen: set[str] = set()
    found = []
    for depth, node in nodes:
        known = node.digest in seen
        seen |= {node.digest} - {""}
        found.append((depth, replace(node, said=node.said + ": the same blob again" * known)))
    return found


def _draw(canvas: Canvas, nodes: list[tuple[int, Node]]) -> None:
    places: list[tuple[float, float]] = []  # of the last node of each depth
    for index, (depth, node) in enumerate(nodes):
        x, y = LEFT + STEP * depth, TOP + ROW * index
        sign, accent = KINDS[node.kind]
        if depth:
            above = places[depth - 1]
            canvas.line([(above[0] + 18, above[1] + ROW - 8), (above[0] + 18, y + 16), (x, y + 16)])
        canvas.box(x, y, WIDTH - LEFT - x, ROW - 8, accent, dashed=node.kind in ("tag", "missing"))
        if sign:
            canvas.shape(sign, x + 16, y + 16, accent, 6)
        canvas.text(x + 32, y + 21, node.kind, "bold", 13)
        canvas.text(x + 112, y + 21, node.digest[7:19], "mono", 12)
        at = x + (212 if node.digest else 112)
        canvas.fitted(at, y + 21, node.said, WIDTH - LEFT - at - 8, "", 12.5)
        places[depth:] = [(x, y)]


def _sentence(nodes: list[tuple[int, Node]]) -> str:
    count = {kind: sum(node.kind == kind for _, node in nodes) for kind in KINDS}
    blobs = {node.digest for _, node in nodes if node.kind == "layer"}
    layers = count["layer"]
    told = [f"{count['manifest']} manifest{'s' * (count['manifest'] != 1)}",
            f"{layers} layer{'s' * (layers != 1)} named, {len(blobs)} kept"]  # fmt: skip
    if count["missing"]:
        told.append(f"{count['missing']} missing")
    begin = "The tag stands for an index" if count["index"] else "The tag stands for a manifest"
    return f"{begin}: {', '.join(told)}."
