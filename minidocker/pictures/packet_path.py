"""packet_path: the ways of a packet to a container, with the live counters of each hop.

What another machine sends passes prerouting and forward; what this host sends itself passes output.
They meet at postrouting. What the container sends comes in at its cable's host end: at the guard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minidocker.errors import KernelError
from minidocker.kernel.linux import Linux
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import processes

WIDTH, ROW, LEFT, GAP = 800.0, 46.0, 20.0, 20.0
HALF = (WIDTH - 2 * LEFT - GAP) / 2
# kind: (shape, accent)
KINDS = {
    "device": ("circle", "blue"),
    "rules": ("diamond", "purple"),
    "container": ("circle", "orange"),
}
VERDICTS = ("accept", "drop", "dnat", "masquerade")
# Whose packets pass a hop. The first two ways begin apart; then both go on together.
WORLD, OWN, BOTH, BACK = "another machine's", "this host's own", "both", "the container's"
OURS = "minidocker_"


@dataclass(frozen=True, slots=True)
class Hop:
    """One place on a way: whose packets pass, its kind, what happens there, its counters."""

    name: str
    way: str
    kind: str
    what: str
    counted: str


def packet_path(
    box: Any, host: Any = "self", title: str = "", since: Picture | None = None
) -> Picture:
    """Draw the ways of a packet to a container on a bridge, with their counters of now.

    `box` is a container that runs (a pid, or what `start` returned), `host` the same for a process
    in the network of its host. `since` is an earlier picture of the same ways: then only what came
    after it is counted. LookupError: the container has no cable.
    """
    found = hops(_pid(box), _pid(host))
    if since:
        zero = {row[0]: row[-1] for row in since.rows}
        found = [
            Hop(hop.name, hop.way, hop.kind, hop.what, less(hop.counted, zero.get(hop.name, "")))
            for hop in found
        ]
    head = title or "The ways of a packet"
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 40, "bold", 15)
    height = _draw_ways(canvas, found)
    rows = [(hop.name, hop.way, hop.kind, hop.what, hop.counted) for hop in found]
    columns = ("hop", "whose packets", "kind", "what happens there", "counted")
    return Picture(head, _sentence(found), columns, rows, canvas, (WIDTH, height))


def less(now: str, before: str) -> str:
    """Subtract the numbers of one text from those of another, where the words are the same."""
    if re.sub(r"\d+", "", now) != re.sub(r"\d+", "", before):
        return now
    numbers = iter(re.findall(r"\d+", before))
    return re.sub(r"\d+", lambda found: str(int(found[0]) - int(next(numbers))), now)


def hops(pid: int | str, host: int | str) -> list[Hop]:
    """Return the hops: first another machine's way, then the host's own, then what both share."""
    own = {link["ifname"]: link for link in links(pid)}
    outer = {link["ifindex"]: link for link in links(host)}
    cable = own.get("eth0")
    end = outer.get(cable.get("link_index", 0)) if cable else None
    if not cable or not end or "master" not in end:
        raise LookupError(f"process {pid} has no cable to a bridge of this host")
    bridge, link = end["master"], end["ifname"]
    address = next(a["local"] for a in cable["addr_info"] if a["family"] == "inet")
    tables = (f"{OURS}{link[3:]}", f"{OURS}{bridge}")
    rules = _rules(host, tables)
    by_name = {item["ifname"]: item for item in outer.values()}

    def device(name: str, way: str, what: str) -> Hop:
        return Hop(name, way, "device", what, _frames(by_name[name]))

    def hook(name: str, way: str, what: str, at: str = "") -> Hop:
        return Hop(name, way, "rules", what, _packets(rules.get(at or name, ())))

    ways = [name for name in by_name if name != "lo" and name[:3] not in ("mdk", "mdv")]
    return [
        *(device(name, WORLD, "a cable") for name in ways),
        hook("prerouting", WORLD, "published"),
        hook("forward", WORLD, "passed on"),
        hook("output", OWN, "published"),
        hook("postrouting", BOTH, "what leaves takes the host's address"),
        device(bridge, BOTH, "the bridge: looks at the Ethernet address"),
        device(link, BOTH, "the host's end of the cable"),
        Hop("eth0", BOTH, "container", f"the container's end: {address}", _frames(cable)),
        hook("guard", BACK, "only the container's own addresses come out", "ingress"),
    ]


def _sentence(found: Sequence[Hop]) -> str:
    """Say the ways in words."""
    names = {way: [hop.name for hop in found if hop.way in (way, BOTH)] for way in (WORLD, OWN)}
    back = " → ".join(hop.name for hop in found if hop.way == BACK)
    return (
        f"What the container sends comes in through {back}. "
        f"From this host itself: {' → '.join(names[OWN])}. "
        f"From another machine: {' → '.join(names[WORLD])}."
    )


def _pid(thing: Any) -> int | str:
    return thing if isinstance(thing, int | str) else int(thing.pid)


def _command(pid: int | str, *words: str) -> Any:
    """Run a tool in the network of a process; its JSON."""
    argv = list(words) if pid == "self" else ["nsenter", f"--target={pid}", "--net", *words]
    try:
        return json.loads(Linux().run(argv) or "[]")
    except KernelError as problem:
        processes.process(pid)  # LookupError: there is no such process
        raise LookupError(str(problem)) from None


def links(thing: Any) -> list[dict[str, Any]]:
    """Return what ip(8) tells of the interfaces in a process's network."""
    found: list[dict[str, Any]]
    found = _command(_pid(thing), "ip", "-json", "-statistics", "addr", "show")
    return found


def _rules(pid: int | str, tables: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return hook → rules: of the named tables, and of those that are not the runtime's."""
    entries = _command(pid, "nft", "--json", "list", "ruleset")["nftables"]
    hooks = {
        (chain["family"], chain["table"], chain["name"]): chain["hook"]
        for entry in entries
        if (chain := entry.get("chain")) and chain.get("hook") and chain["name"] != "raw"
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        if rule := entry.get("rule"):
            at = hooks.get((rule["family"], rule["table"], rule["chain"]))
            if at and (rule["table"] in tables or not rule["table"].startswith(OURS)):
                found.setdefault(at, []).append(rule)
    return found


def _frames(link: dict[str, Any]) -> str:
    stats = link["stats64"] if "stats64" in link else link["stats"]
    return f"{stats['rx']['packets']} in, {stats['tx']['packets']} out"


def _packets(rules: Sequence[dict[str, Any]]) -> str:
    """Add up the counters of rules by what they do: "3 accept, 0 drop"; or "dnat, not counted"."""
    found: dict[str, int | None] = {}
    for rule in rules:
        parts = {word: value for part in rule["expr"] for word, value in part.items()}
        verdict = next((word for word in VERDICTS if word in parts), "other")
        counter = parts.get("counter")
        packets = counter.get("packets") if isinstance(counter, dict) else None
        if packets is None:
            found.setdefault(verdict, None)
        else:
            found[verdict] = (found.get(verdict) or 0) + packets
    told = [
        f"{verdict}, not counted" if count is None else f"{count} {verdict}"
        for verdict, count in found.items()
    ]
    return ", ".join(told) or "no rule"


def _draw_ways(canvas: Canvas, found: Sequence[Hop]) -> float:
    """Draw two columns that meet, the shared hops below, and the way back; return the height."""
    top, right = 78.0, LEFT + HALF + GAP
    columns = ((LEFT, WORLD, "a packet of another machine"), (right, OWN, "of this host itself"))
    tallest = max(sum(hop.way == way for hop in found) for _, way, _ in columns)
    for x, way, words in columns:
        canvas.fitted(x, 62, words, HALF, "bold", 12.5)
        mine = [hop for hop in found if hop.way == way]
        for index, hop in enumerate(mine):
            _draw(canvas, x, top + ROW * index, HALF, hop)
        ends = top + ROW * len(mine) - 10
        canvas.line([(x + HALF / 2, ends), (x + HALF / 2, top + ROW * tallest)])
    y = top + ROW * tallest
    for hop in (hop for hop in found if hop.way == BOTH):
        _draw(canvas, LEFT, y, WIDTH - 2 * LEFT, hop, arrow=True)
        y += ROW
    words = "what the container sends, at the cable's host end"
    canvas.fitted(LEFT, y + 14, words, 600, "bold", 12.5)
    for hop in (hop for hop in found if hop.way == BACK):
        _draw(canvas, LEFT, y + 24, WIDTH - 2 * LEFT, hop)
        y += ROW
    return y + 32


def _draw(
    canvas: Canvas, x: float, y: float, width: float, hop: Hop, arrow: bool = False
) -> None:
    shape, accent = KINDS[hop.kind]
    canvas.box(x, y, width, ROW - 10, accent,
               strong=hop.kind == "container", dashed=hop.kind == "rules", tint=0.08)  # fmt: skip
    canvas.shape(shape, x + 16, y + 18, accent, 6)
    wide = width > HALF
    canvas.fitted(x + 30, y + 23, hop.name, 130 if wide else 90, "mono bold", 13)
    canvas.fitted(x + (202 if wide else 122), y + 23, hop.what, 320 if wide else 101, "", 12.5)
    room = 206.0 if wide else 139.0
    canvas.fitted(x + width - room - 6, y + 23, hop.counted, room, "mono", 12)
    if arrow:
        canvas.line([(x + width / 2, y + ROW - 10), (x + width / 2, y + ROW)])
