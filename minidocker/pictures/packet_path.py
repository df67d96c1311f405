"""packet_path: the hops between the world and a container, with the live counters of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minidocker.errors import KernelError
from minidocker.kernel.linux import Linux
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import processes

WIDTH, ROW, LEFT = 800.0, 46.0, 20.0
# kind: (shape, accent)
KINDS = {
    "device": ("circle", "blue"),
    "rules": ("diamond", "purple"),
    "container": ("circle", "orange"),
}
VERDICTS = ("accept", "drop", "dnat", "masquerade")


@dataclass(frozen=True, slots=True)
class Hop:
    """One place on the way: its name, its kind, what happens there, and its counters in words."""

    name: str
    kind: str
    what: str
    counted: str


def packet_path(box: Any, host: Any = "self", title: str = "") -> Picture:
    """Draw the hops from the world to a container on a bridge, with their counters of now.

    `box` is a container that runs (a pid, or what `start` returned), `host` the same for a process
    in the network of its host. LookupError: the container has no cable.
    """
    pid, where = _pid(box), _pid(host)
    found = hops(pid, where)
    head = title or "The way of a packet"
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 40, "bold", 15)
    for index, hop in enumerate(found):
        _draw(canvas, 48 + ROW * index, hop, last=index == len(found) - 1)
    rows = [(hop.name, hop.kind, hop.what, hop.counted) for hop in found]
    columns = ("hop, from the world inwards", "kind", "what happens there", "counted")
    told = " → ".join(hop.name for hop in found)
    return Picture(head, f"{told}.", columns, rows, canvas, (WIDTH, 48 + ROW * len(found) + 12))


def hops(pid: int | str, host: int | str) -> list[Hop]:
    """Return the hops from the world inwards."""
    own = {link["ifname"]: link for link in _links(pid)}
    outer = {link["ifindex"]: link for link in _links(host)}
    cable = own.get("eth0")
    end = outer.get(cable.get("link_index", 0)) if cable else None
    if not cable or not end or "master" not in end:
        raise LookupError(f"process {pid} has no cable to a bridge of this host")
    bridge, link = end["master"], end["ifname"]
    address = next(a["local"] for a in cable["addr_info"] if a["family"] == "inet")
    rules = _rules(host)
    own_table, network = f"minidocker_{link[3:]}", f"minidocker_{bridge}"
    by_name = {item["ifname"]: item for item in outer.values()}

    def device(name: str, what: str) -> Hop:
        return Hop(name, "device", what, _frames(by_name[name]))

    def chain(name: str, table: str, what: str) -> Hop:
        return Hop(name, "rules", what, _packets(rules, table, name))

    ways = [name for name in by_name if name != "lo" and name[:3] not in ("mdk", "mdv")]
    return [
        *(device(name, "a cable to another machine") for name in ways),
        chain("prerouting", own_table, "published ports, for packets from elsewhere"),
        chain("output", own_table, "published ports, for this host's own packets"),
        chain("forward", network, "what is passed on from one device to another"),
        chain("postrouting", network, "what leaves takes the host's address"),
        device(bridge, "the bridge: looks at the Ethernet address"),
        chain("guard", own_table, "only the container's own addresses pass"),
        device(link, "the host's end of the cable"),
        Hop("eth0", "container", f"the container's end: {address}", _frames(cable)),
    ]


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


def _links(pid: int | str) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = _command(pid, "ip", "-json", "-statistics", "addr", "show")
    return links


def _rules(pid: int | str) -> list[dict[str, Any]]:
    entries = _command(pid, "nft", "--json", "list", "ruleset")["nftables"]
    return [entry["rule"] for entry in entries if "rule" in entry]


def _frames(link: dict[str, Any]) -> str:
    stats = link["stats64"] if "stats64" in link else link["stats"]
    return f"{stats['rx']['packets']} in, {stats['tx']['packets']} out"


def _packets(rules: Sequence[dict[str, Any]], table: str, chain: str) -> str:
    """Add up the counters of a chain by what its rules do: "3 accept, 0 drop"."""
    found: dict[str, int] = {}
    for rule in rules:
        if (rule["table"], rule["chain"]) == (table, chain):
            parts = {word: value for part in rule["expr"] for word, value in part.items()}
            verdict = next((word for word in VERDICTS if word in parts), "")
            found[verdict] = found.get(verdict, 0) + parts.get("counter", {}).get("packets", 0)
    return ", ".join(f"{count} {verdict}" for verdict, count in found.items()) or "no rule"


def _draw(canvas: Canvas, y: float, hop: Hop, last: bool) -> None:
    shape, accent = KINDS[hop.kind]
    indent = 0.0 if hop.kind != "rules" else 26.0
    canvas.box(LEFT + indent, y, WIDTH - 40 - indent, ROW - 10, accent,
               strong=hop.kind == "container", dashed=hop.kind == "rules", tint=0.08)  # fmt: skip
    canvas.shape(shape, LEFT + 48, y + 18, accent, 6)
    canvas.fitted(LEFT + 64, y + 23, hop.name, 150, "mono bold", 13)
    canvas.fitted(LEFT + 222, y + 23, hop.what, 320, "", 12.5)
    canvas.fitted(WIDTH - 40 - 200, y + 23, hop.counted, 206, "mono", 12)
    if not last:
        above = y if hop.kind == "rules" else y + ROW - 10
        canvas.line([(LEFT + 12, above), (LEFT + 12, y + ROW)])
