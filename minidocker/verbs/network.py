"""`minidocker network create|ls|rm|inspect|prune`; `connect` and `disconnect`: network_cable.py."""

from __future__ import annotations

import argparse
import json
import os

from minidocker.engine import left_over
from minidocker.engine.filters import network_of
from minidocker.engine.told import pruned
from minidocker.errors import Conflict, FlagError, MinidockerError, NotFound, UsageError
from minidocker.formats.rows import show
from minidocker.formats.values import NO_MAP, Map
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.net import addresses
from minidocker.net.networks import DEFAULT, Networks
from minidocker.proc.living import is_kept
from minidocker.runtime import happened, reading
from minidocker.verbs import network_cable
from minidocker.verbs.each import one_by_one
from minidocker.verbs.inspecting import add_format, tell
from minidocker.verbs.narrow import (
    add_filter,
    by_label,
    by_switch,
    by_text,
    by_word,
    cells,
    labels_of,
    narrow,
    older_than,
    without_label,
)
from minidocker.verbs.parser import Parser, make, no_question

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

COLUMNS = {"Bridge": "BRIDGE", "Containers": "CONTAINERS", "Driver": "DRIVER", "ID": "NETWORK ID",
           "Name": "NAME", "Scope": "SCOPE", "Subnet": "SUBNET"}  # fmt: skip
USUAL = ("ID", "Name", "Driver", "Scope", "Subnet", "Bridge", "Containers")
# What is there without a record: the host's own network, and no network at all.
BUILT_IN = {"host": "host", "none": "null"}
RESERVED = (DEFAULT, *BUILT_IN, "container", "default")
LISTED = {"name": by_text("Name"), "id": by_text("ID"), "driver": by_word("Driver"),
          "scope": by_word("Scope"), "type": by_word("Type"), "label": by_label,
          "dangling": by_switch("Dangling")}  # fmt: skip
PRUNED = {"label": by_label, "label!": without_label, "until": older_than("Made")}
SAME = {"list": "ls", "remove": "rm"}
# Options of Docker's `network create`: does it take a value, and why is it refused?
REFUSED = {
    "-o --opt": (True, "a bridge of ours has no options"),
    "--ip-range": (True, "addresses are given out from the whole subnet"),
    "--aux-address": (True, "an address that nobody shall have is not kept"),
    "--ipam-driver": (True, "addresses are given out by minidocker itself"),
    "--ipam-opt": (True, "addresses are given out by minidocker itself"),
    "--internal": (False, "each network of ours leads to the outside: --network none has no way"),
    "--ipv6": (False, "our networks have no IPv6"),
    "--attachable": (False, "it is for networks of Docker's Swarm"),
    "--ingress": (False, "it is for networks of Docker's Swarm"),
    "--scope": (True, "it is for networks of Docker's Swarm"),
    "--config-only": (False, "it is for networks of Docker's Swarm"),
    "--config-from": (True, "it is for networks of Docker's Swarm"),
}


def main(argv: list[str]) -> int:
    """Run one of the verbs; return the exit status."""
    args = parser().parse_args(argv)
    store = Store()
    if os.path.isdir(store.root) and not os.access(store.root, os.W_OK):
        raise MinidockerError(f"{store.root} is not yours to write to", "sudo minidocker network …")
    os.makedirs(store.root, 0o711, exist_ok=True)
    networks = Networks(Linux(), store.root)
    if args.verb in ("connect", "disconnect"):
        return network_cable.main(store, networks, args)
    lock = networks.lock()
    try:
        if args.verb == "inspect":
            return tell(args.names, lambda name: about(networks, name), args.format)
        if args.verb in ("rm", "remove"):
            return one_by_one(args.names, lambda name: remove(networks, name), args.force)
        for line in VERBS[SAME.get(args.verb, args.verb)](networks, args):
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
    create.add_argument("--gateway", default="", help="the subnet's first address, as it is")
    create.add_argument("--label", action="append", default=[], metavar="NAME[=VALUE]")
    create.add_argument("-d", "--driver", default="bridge", help="there is only bridge")
    for names, (value, _) in REFUSED.items():
        create.add_argument(*names.split(), action="append" if value else "store_true",
                            help=argparse.SUPPRESS)  # fmt: skip
    ls = verbs.add_parser("ls", aliases=["list"], help="list networks")
    add_filter(ls, "name, id, label, driver, scope, type, dangling")
    ls.add_argument("--no-trunc", action="store_true", help="taken; nothing is cut off here")
    ls.add_argument("-q", "--quiet", action="store_true", help="names only")
    ls.add_argument("--format", default="", metavar="FORMAT",
                    help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    rm = verbs.add_parser("rm", aliases=["remove"], help="remove networks without containers")
    rm.add_argument("-f", "--force", action="store_true", help="what is not there is no error")
    inspect = verbs.add_parser("inspect", help="subnet, bridge and members, as JSON")
    for verb in (rm, inspect):
        verb.add_argument("names", nargs="+", metavar="NAME")
    add_format(inspect)
    network_cable.add(verbs)
    prune = verbs.add_parser(
        "prune", help="remove what kills left, and every network without containers",
    )  # fmt: skip
    add_filter(prune, "label, label!, until", short=False)
    no_question(prune)
    return made


def create(networks: Networks, args: argparse.Namespace) -> list[str]:
    """Write the record of a new network; return its name."""
    name, subnet = args.name, args.subnet
    labels = labels_of(args.label)
    refuse_options(args)
    if not (name[:1].isalnum() and name.isascii() and all(c.isalnum() or c in "_.-" for c in name)):
        raise UsageError(f"{name!r} is no name for a network", "letters, digits, _ . -")
    if name in RESERVED:
        raise UsageError(
            f"{name} is a word of --network already", "another name", 1,
            f"operation is not permitted on predefined {name} network",
        )  # fmt: skip
    if os.path.exists(f"{networks.root}/{name}"):
        raise Conflict(
            f"there is a network {name} already", f"minidocker network rm {name}",
            docker=f"network with name {name} already exists",
        )  # fmt: skip
    subnet = addresses.parse(subnet) if subnet else networks.free_subnet()
    for other in networks.names():
        if (used := networks.subnet(other)) and addresses.overlap(used, subnet):
            raise Conflict(
                f"{subnet} and {used} of network {other} overlap", "--subnet …",
                docker="invalid pool request: Pool overlaps with other one on this address space",
            )
    if args.gateway and args.gateway != addresses.gateway(subnet):
        raise UsageError(
            f"--gateway {args.gateway} is refused: a bridge of ours has its subnet's first address",
            f"--gateway {addresses.gateway(subnet)}, or leave it out",
        )
    os.mkdir(f"{networks.root}/{name}", 0o711)
    if labels:
        networks.kernel.write(networks.path(name, "labels"), json.dumps(labels) + "\n")
    networks.kernel.write(networks.path(name, "subnet"), f"{subnet}\n")
    tell_of(networks, "create", name)
    return [name]


def refuse_options(args: argparse.Namespace) -> None:
    """Refuse by name what Docker's networks have and ours have not."""
    if args.driver != "bridge":
        raise UsageError(
            f"--driver {args.driver} is refused: every network is a bridge", "leave --driver out"
        )
    for names, (_, reason) in REFUSED.items():
        option = names.split()[-1]
        if given := getattr(args, option[2:].replace("-", "_")):
            said = f"{option} {given[0]}" if isinstance(given, list) else option
            raise FlagError(f"{said} is refused: {reason}", f"leave {option} out")


def labels(networks: Networks, name: str) -> dict[str, str]:
    """Return what --label has said of a network."""
    path = networks.path(name, "labels")
    try:
        return dict(json.loads(networks.kernel.read(path))) if networks.kernel.exists(path) else {}
    except ValueError:  # cut off by a full disk
        return {}


def require(networks: Networks, name: str) -> None:
    """Refuse a name that no network has."""
    if name not in (*networks.names(), *BUILT_IN):
        raise NotFound(
            f"there is no network {name}", "minidocker network ls",
            docker=f"network {name} not found",
        )  # fmt: skip


def about(networks: Networks, name: str) -> dict[str, Any]:
    """Return what is known about a network, with Docker's keys, and Bridge; its id is its name."""
    require(networks, name)
    if name in BUILT_IN:
        return without_cable(networks, name)
    bridge, subnet = networks.up(name)
    subnet = subnet or networks.subnet(name)
    place = {"Subnet": subnet, "Gateway": addresses.gateway(subnet)} if subnet else {}
    members = Map()
    for address, owner in networks.members(name).items():
        id, *names = owner.split()
        directory = f"{networks.containers}/{id}"
        if networks.kernel.is_locked(f"{directory}/lock") or is_kept(directory):
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
        "IPAM": {"Driver": "default", "Options": NO_MAP, "Config": [place] if place else []},
        "Internal": False,
        "Containers": members,
        "Options": Map(),
        "Labels": Map(labels(networks, name)),
        "Bridge": bridge,
    }


def without_cable(networks: Networks, name: str) -> dict[str, Any]:
    """Return what is known about `host` or `none`, which are no records and have no address."""
    members = Map()
    for record in reading.records(os.path.dirname(networks.root)):
        if record["alive"] and network_of(record) == name:
            members[record["id"]] = {
                "Name": record["name"] or record["id"], "EndpointID": "", "MacAddress": "",
                "IPv4Address": "", "IPv6Address": "",
                "Names": [record["name"]] if record["name"] else [],
            }  # fmt: skip
    return {
        "Name": name, "Id": name, "Scope": "local", "Driver": BUILT_IN[name], "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": NO_MAP, "Config": []}, "Internal": False,
        "Containers": members, "Options": Map(), "Labels": Map(), "Bridge": "",
    }  # fmt: skip


def show_all(networks: Networks, args: argparse.Namespace) -> list[str]:
    """Print a table, JSON or a template; return the names for --quiet."""
    names = sorted((*networks.names(), *BUILT_IN))
    rows = narrow([described(networks, name) for name in names], args.filter, LISTED)
    if args.quiet:
        return [row["Name"] for row in rows]
    usual = "\t".join(f"{{{{.{name}}}}}" for name in USUAL)
    show(cells(rows, COLUMNS), args.format, COLUMNS, usual)
    return []


def described(networks: Networks, name: str) -> dict[str, Any]:
    """Return a row: what a list shows of a network, and what a filter asks for."""
    found = about(networks, name)
    place = (found["IPAM"]["Config"] or [{}])[0]
    path = networks.path(name, "subnet")
    return {
        "Bridge": found["Bridge"] or "-", "Containers": str(len(found["Containers"])),
        "Driver": found["Driver"], "ID": name, "Name": name, "Scope": "local",
        "Subnet": place.get("Subnet") or "-", "Labels": found["Labels"],
        "Type": "builtin" if name in RESERVED else "custom",
        "Dangling": name not in RESERVED and not found["Containers"],
        "Made": os.stat(path).st_mtime if os.path.exists(path) else 0.0,
    }  # fmt: skip


def remove(networks: Networks, name: str) -> str:
    """Remove a network that has no container; return its name."""
    require(networks, name)
    if name in BUILT_IN:
        raise always_there(name)
    networks.sweep(name)
    if members := networks.members(name):
        raise Conflict(
            f"network {name} has {len(members)} containers", "end them first (minidocker ps)",
            docker=f"network {name} has active endpoints",
        )  # fmt: skip
    if name == DEFAULT:
        raise always_there(name)
    networks.kernel.remove_tree(f"{networks.root}/{name}")
    tell_of(networks, "destroy", name)
    return name


def always_there(name: str) -> Conflict:
    """Say that a network is no record that could go."""
    return Conflict(
        f"the network {name} is always there", "minidocker network prune",
        docker=f"{name} is a pre-defined network and cannot be removed",
    )  # fmt: skip


def tell_of(networks: Networks, action: str, name: str) -> None:
    """Tell what happens to a network."""
    root = os.path.dirname(networks.root)
    happened.tell_of("network", root, action, name, name=name, type="bridge")


def prune(networks: Networks, args: argparse.Namespace) -> list[str]:
    """Remove what kills left, and networks that nobody is in and that are asked for; say which."""
    rows = [described(networks, name) for name in networks.names()]
    fit = [row["Name"] for row in narrow(rows, args.filter, PRUNED)]
    said = left_over.prune_networks(networks, fit)
    sign = "removed network "
    gone = [line.removeprefix(sign) for line in said if line.startswith(sign)]
    for name in gone:
        tell_of(networks, "destroy", name)
    pruned(os.path.dirname(networks.root), "network", 0)
    told = ["Deleted Networks:", *gone, ""] if gone else []
    return [line for line in said if not line.startswith(sign)] + told


VERBS: dict[str, Callable[[Networks, argparse.Namespace], list[str]]] = {
    "create": create,
    "ls": show_all,
    "prune": prune,
}
