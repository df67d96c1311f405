"""shared_layers: the layers of images, side by side; one that several have lies there once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, LEFT, GAP = 800.0, 46.0, 20.0, 12.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image: its digest in hex, the words that made it, its size in bytes."""

    digest: str
    made_by: str
    size: int


def shared_layers(images: Mapping[str, Sequence[Layer]]) -> Picture:
    """Draw the layers of images, top first; what all have at the bottom is one box for all.

    `images`: name → layers, bottom first. The table has a row for each layer that there is.
    LookupError: there is no image.
    """
    if not images:
        raise LookupError("no images were given")
    owners: dict[str, list[str]] = {}
    for name, layers in images.items():
        for digest in dict.fromkeys(layer.digest for layer in layers):
            owners.setdefault(digest, []).append(name)
    kept = {layer.digest: layer for layers in images.values() for layer in layers}
    base = common(list(images.values()))
    most = max(len(layers) for layers in images.values())
    canvas, title = Canvas(), f"The layers of {' and '.join(images)}"
    canvas.fitted(LEFT, 30, title, WIDTH - 40, "bold", 15)
    width = (WIDTH - 2 * LEFT - GAP * (len(images) - 1)) / len(images)
    bottom = 76 + ROW * most
    for column, (name, layers) in enumerate(images.items()):
        x = LEFT + column * (width + GAP)
        canvas.fitted(x, 58, name, width, "mono bold", 13)
        for place, layer in enumerate(layers[base:], base):
            _draw(canvas, x, bottom - ROW * (place + 1), width, layer, owners[layer.digest])
    for place, layer in enumerate(next(iter(images.values()))[:base]):
        y = bottom - ROW * (place + 1)
        _draw(canvas, LEFT, y, WIDTH - 2 * LEFT, layer, owners[layer.digest])
    rows = [
        (digest[:12], f"{kept[digest].size} B", kept[digest].made_by, ", ".join(names))
        for digest, names in owners.items()
    ]
    columns = ("layer", "size", "made by", "which images have it")
    return Picture(title, sentence(images, kept), columns, rows, canvas, (WIDTH, bottom + 10))


def common(stacks: Sequence[Sequence[Layer]]) -> int:
    """Return how many layers, from the bottom, all images have in the same places."""
    if len(stacks) < 2:
        return 0
    count = 0
    for same in zip(*stacks, strict=False):
        if len({layer.digest for layer in same}) > 1:
            break
        count += 1
    return count


def sentence(images: Mapping[str, Sequence[Layer]], kept: Mapping[str, Layer]) -> str:
    """Say how many layers there are, and what lies on the disk once instead of twice."""
    counts = ", ".join(f"{name} has {len(layers)} layers" for name, layers in images.items())
    told = sum(layer.size for layers in images.values() for layer in layers)
    once = sum(layer.size for layer in kept.values())
    alike = sum(len(layers) for layers in images.values()) - len(kept)
    return f"{counts}; {alike} of these lie here already: {once} bytes in the place of {told}."


def _draw(
    canvas: Canvas, x: float, y: float, width: float, layer: Layer, names: Sequence[str]
) -> None:
    several = len(names) > 1
    accent = "green" if several else "blue"
    canvas.box(x, y, width, ROW - 8, accent, strong=several, tint=0.14 if several else 0.06)
    canvas.shape("circle" if several else "diamond", x + 16, y + 19, accent, 5.5)
    canvas.fitted(x + 32, y + 16, layer.made_by or "(nothing is said)", width - 44, "", 12)
    said = f"{layer.digest[:12]} · {layer.size} B" + (" · shared" if several else "")
    canvas.fitted(x + 32, y + 31, said, width - 44, "mono soft", 10.5)
