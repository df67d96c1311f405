"""network_map: networks and the cables between them, as the kernel has them at this moment.

A cable is a veth pair: each end knows the number of the other, in whichever network that is.
Manual: veth(4), ip-link(8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minidocker.pictures.packet_path import links
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, LEFT, SIDE, ROW, HEAD = 800.0, 20.0, 300.0, 34.0, 36.0
RIGHT = WIDTH - LEFT - SIDE


@dataclass(slots=True)
class End:
    """An interface in one of the networks, and where it is drawn."""

    network: str
    name: str
    number: int
    other: int
    address: str
    up: bool
    bridge: str
    y: float = 0.0

    @property
    def told(self) -> str:
        """The interface in one line."""
        state = "up" if self.up else "down"
        plugged = f" · in {self.bridge}" if self.bridge else ""
        return " · ".join(filter(None, (self.name, self.address, state))) + plugged


def network_map(
    host: Any, others: Sequence[Any], names: Sequence[str] = (), title: str = "The cables"
) -> Picture:
    """Draw a host's network on the left, others on the right, and the cables between them.

    Each is a pid, or what `start` returned. A bridge stands above what is plugged into it.
    """
    things = [host, *others]
    called = ["host", *(names or [f"box {n + 1}" for n in range(len(others))])]
    networks = [_ends(thing, name) for thing, name in zip(things, called, strict=True)]
    canvas = Canvas()
    canvas.fitted(LEFT, 30, title, WIDTH - 40, "bold", 15)
    bottom = _panel(canvas, LEFT, 50, called[0], networks[0], "grey")
    y = 50.0
    for name, ends in zip(called[1:], networks[1:], strict=True):
        y = _panel(canvas, RIGHT, y, name, ends, "blue") + 16
    cables = [(one, far) for one in networks[0] for ends in networks[1:] for far in ends
              if one.other == far.number and far.other == one.number]  # fmt: skip
    for lane, (one, far) in enumerate(cables):
        _cable(canvas, one, far, lane)
    far_ends = {id(one): far for one, far in cables} | {id(far): one for one, far in cables}
    rows = []
    for end in (end for ends in networks for end in ends):
        beyond = far_ends.get(id(end))
        leads = f"{beyond.name} of {beyond.network}" if beyond else ""
        rows.append([end.network, end.name, end.address, "up" if end.up else "down",
                     end.bridge, leads])  # fmt: skip
    desc = "; ".join(f"{one.name} of the host leads to {far.name} of {far.network}"
                     for one, far in cables) or "No cable leads from here to there"  # fmt: skip
    columns = ("network", "interface", "address", "state", "plugged into", "cable to")
    return Picture(title, f"{desc}.", columns, rows, canvas, (WIDTH, max(bottom, y) + 24))


def _ends(thing: Any, network: str) -> list[End]:
    """Read the interfaces of a process's network: each bridge, then what is plugged into it."""
    found = [
        End(network, link["ifname"], link["ifindex"], link.get("link_index", 0),
            next((f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"]
                  if a["family"] == "inet"), ""),
            "UP" in link["flags"], link.get("master", ""))
        for link in links(thing)
    ]  # fmt: skip
    bridges = sorted({end.bridge for end in found if end.bridge})

    def place(end: End) -> tuple[bool, int, bool, int]:
        belongs = end.bridge or (end.name if end.name in bridges else "")
        at = bridges.index(belongs) if belongs else len(bridges)
        return end.name == "lo", at, bool(end.bridge), end.number

    return sorted(found, key=place)


def _panel(canvas: Canvas, x: float, y: float, name: str, ends: list[End], accent: str) -> float:
    """Draw a network with its interfaces; return its lower end."""
    height = HEAD + ROW * len(ends) + 8
    canvas.box(x, y, SIDE, height, accent, strong=accent == "blue", dashed=accent == "grey")
    canvas.fitted(x + 14, y + 23, name, SIDE - 28, "bold", 13.5)
    for index, end in enumerate(ends):
        top = y + HEAD + ROW * index
        inset = 28 if end.bridge else 12
        canvas.box(x + inset, top, SIDE - inset - 12, ROW - 6, "green" if end.up else "",
                   dashed=not end.up, tint=0.08)  # fmt: skip
        canvas.fitted(x + inset + 8, top + 19, end.told, SIDE - inset - 28, "mono", 11.5)
        end.y = top + (ROW - 6) / 2
    return y + height


def _cable(canvas: Canvas, one: End, far: End, lane: int) -> None:
    """Draw a cable; dashed where an end is down."""
    start, end = LEFT + SIDE - 12, RIGHT + (28 if far.bridge else 12)
    middle = (start + end) / 2 + 14 * (lane - 1)
    dash = "" if one.up and far.up else "5 4"
    canvas.line([(start, one.y), (middle, one.y), (middle, far.y), (end, far.y)], "blue", dash)
    canvas.shape("circle", start, one.y, "blue", 5)
    canvas.shape("circle", end, far.y, "blue", 5)
