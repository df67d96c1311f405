"""`minidocker network create|ls|rm|inspect|prune`."""

from __future__ import annotations

import argparse
import os

from minidocker.engine import left_over
from minidocker.errors import Blocked, Conflict, MinidockerError, NotFound, UsageError
from minidocker.formats.rows import show
from minidocker.formats.values import Map
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.net import addresses
from minidocker.net.networks import DEFAULT, Networks
from minidocker.proc.living import lives
from minidocker.runtime import happened
from minidocker.verbs.inspecting import add_format, tell
from minidocker.verbs.parser import Parser, make, no_question

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

COLUMNS = {"Bridge": "BRIDGE", "Containers": "CONTAINERS", "Driver": "DRIVER", "ID": "NETWORK ID",
           "Name": "NAME", "Scope": "SCOPE", "Subnet": "SUBNET"}  # fmt: skip
USUAL = ("ID", "Name", "Driver", "Scope", "Subnet", "Bridge", "Containers")
RESERVED = (DEFAULT, "none", "host", "container", "default")


def main(argv: list[str]) -> int:
    """Run one of the verbs; return the exit status."""
    args = parser().parse_args(argv)
    store = Store()
    if os.path.isdir(store.root) and not os.access(store.root, os.W_OK):
        raise MinidockerError(f"{store.root} is not yours to write to", "sudo minidocker network …")
    os.makedirs(store.root, 0o711, exist_ok=True)
    networks = Networks(Linux(), store.root)
    lock = networks.lock()
    try:
        if args.verb == "inspect":
            return tell(args.names, lambda name: about(networks, name), args.format)
        for line in VERBS[args.verb](networks, args):
            print(line)
    finally:
        os.close(lock)
    return 0


def parser() -> Parser:
    """Build the parser of the verbs."""
    made = make(
        "network",
        "Networks for containers. A network is a record: its bridge comes with its first\n"
        "container and goes with its last one.",
    )
    verbs = made.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create", help="make a network")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--subnet", default="", help="such as 10.99.0.0/24; else one that is free")
    ls = verbs.add_parser("ls", help="list networks")
    ls.add_argument("-q", "--quiet", action="store_true", help="names only")
    ls.add_argument("--format", default="", metavar="FORMAT",
                    help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    rm = verbs.add_parser("rm", help="remove networks without containers")
    inspect = verbs.add_parser("inspect", help="subnet, bridge and members, as JSON")
    for verb in (rm, inspect):
        verb.add_argument("names", nargs="+", metavar="NAME")
    add_format(inspect)
    prune = verbs.add_parser(
        "prune", help="remove what kills left, and every network without containers",
    )  # fmt: skip
    no_question(prune)
    return made


def create(networks: Networks, name: str, subnet: str) -> list[str]:
    """Write the record of a new network; return its name."""
    if os.geteuid():
        raise Blocked(
            "an ordinary user's container is on no network with others",
            f"minidocker run --network bridge   or sudo minidocker network create {name}",
        )
    if not (name[:1].isalnum() and name.isascii() and all(c.isalnum() or c in "_.-" for c in name)):
        raise UsageError(f"{name!r} is no name for a network", "letters, digits, _ . -")
    if name in RESERVED:
        raise UsageError(f"{name} is a word of --network already", "another name")
    if os.path.exists(f"{networks.root}/{name}"):
        raise Conflict(f"there is a network {name} already", f"minidocker network rm {name}")
    subnet = addresses.parse(subnet) if subnet else networks.free_subnet()
    for other in networks.names():
        if (used := networks.subnet(other)) and addresses.overlap(used, subnet):
            raise Conflict(f"{subnet} and {used} of network {other} overlap", "--subnet …")
    os.mkdir(f"{networks.root}/{name}", 0o711)
    networks.kernel.write(networks.path(name, "subnet"), f"{subnet}\n")
    tell_of(networks, "create", name)
    return [name]


def require(networks: Networks, name: str) -> None:
    """Refuse a name that no network has."""
    if name not in networks.names():
        raise NotFound(
            f"there is no network {name}", "minidocker network ls",
            docker=f"network {name} not found",
        )  # fmt: skip


def about(networks: Networks, name: str) -> dict[str, Any]:
    """Return what is known about a network, with Docker's keys, and Bridge; its id is its name."""
    require(networks, name)
    bridge, subnet = networks.up(name)
    subnet = subnet or networks.subnet(name)
    place = {"Subnet": subnet, "Gateway": addresses.gateway(subnet)} if subnet else {}
    members = Map()
    for address, owner in networks.members(name).items():
        id, *names = owner.split()
        directory = f"{networks.containers}/{id}"
        if networks.kernel.is_locked(f"{directory}/lock") or lives(directory):
            members[id] = {
                "Name": names[0] if names else id,
                "EndpointID": "",
                "MacAddress": addresses.mac(address),
                "IPv4Address": f"{address}/{addresses.prefix(subnet)}" if subnet else address,
                "IPv6Address": "",
                "Names": names,
            }
    return {
        "Name": name,
        "Id": name,
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [place] if place else []},
        "Internal": False,
        "Containers": members,
        "Options": Map(),
        "Labels": Map(),
        "Bridge": bridge,
    }


def show_all(networks: Networks, args: argparse.Namespace) -> list[str]:
    """Print a table, JSON or a template; return the names for --quiet."""
    if args.quiet:
        return networks.names()
    rows = []
    for name in networks.names():
        found = about(networks, name)
        place = (found["IPAM"]["Config"] or [{}])[0]
        rows.append({
            "Bridge": found["Bridge"] or "-", "Containers": str(len(found["Containers"])),
            "Driver": "bridge", "ID": name, "Name": name, "Scope": "local",
            "Subnet": place.get("Subnet") or "-",
        })  # fmt: skip
    show(rows, args.format, COLUMNS, "\t".join(f"{{{{.{name}}}}}" for name in USUAL))
    return []


def remove(networks: Networks, name: str) -> str:
    """Remove a network that has no container; return its name."""
    require(networks, name)
    networks.sweep(name)
    if members := networks.members(name):
        raise Conflict(
            f"network {name} has {len(members)} containers", "end them first (minidocker ps)"
        )
    if name == DEFAULT:
        raise UsageError("the network bridge is always there", "minidocker network prune")
    networks.kernel.remove_tree(f"{networks.root}/{name}")
    tell_of(networks, "destroy", name)
    return name


def tell_of(networks: Networks, action: str, name: str) -> None:
    """Tell what happens to a network."""
    root = os.path.dirname(networks.root)
    happened.tell_of("network", root, action, name, name=name, type="bridge")


VERBS: dict[str, Callable[[Networks, argparse.Namespace], list[str]]] = {
    "create": lambda networks, args: create(networks, args.name, args.subnet),
    "ls": show_all,
    "rm": lambda networks, args: [remove(networks, name) for name in args.names],
    "prune": lambda networks, args: left_over.prune_networks(networks, everything=True),
}
