"""image_tree: what a tag at a registry points to, from the index to the files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, TOP, LEFT, STEP = 800.0, 40.0, 48.0, 20.0, 44.0
# kind: (sign, accent)
KINDS = {
    "tag": ("triangle", "orange"), "index": ("diamond", "purple"), "manifest": ("square", "blue"),
    "config": ("ring", "grey"), "layer": ("circle", "green"), "files": ("", "green"),
    "missing": ("cross", "orange"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that something names: `digest` "" for what has none, `said` in a few words."""

    kind: str
    digest: str
    said: str
    below: list[Node] = field(default_factory=list)


def image_tree(top: Node, title: str) -> Picture:
    """Draw what a tag points to. Each arrow is a digest, but for the first: a tag can be moved."""
    nodes = _again(_flat(top, 0))
    canvas = Canvas()
    canvas.fitted(LEFT, 30, title, WIDTH - 2 * LEFT, "bold", 15)
    _draw(canvas, nodes)
    rows = [("  " * depth + node.kind, node.digest[:19] or "-", node.said) for depth, node in nodes]
    size = (WIDTH, TOP + ROW * len(nodes) + 12)
    columns = ("what", "digest", "what it is")
    return Picture(title, _sentence(nodes), columns, rows, canvas, size)


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
