"""`minidocker network connect` and `disconnect`: one more cable for a container, or one less."""

from __future__ import annotations

import argparse
import os
from typing import Any

from minidocker.engine import revival
from minidocker.engine.filters import network_of, networks_of
from minidocker.errors import Conflict, FlagError, UsageError
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.net import addresses, changed, leases, more
from minidocker.net.networks import Networks
from minidocker.proc.living import lives
from minidocker.runtime import happened
from minidocker.spec.words import parse_name
from minidocker.stages.network import Network, bridged
from minidocker.verbs.parser import Parser

REFUSED = {
    "ip6": "our networks have no IPv6",
    "link": "containers of a network find each other by name: --alias NAME",
    "link-local-ip": "an address comes from the network: --ip asks for one",
    "driver-opt": "a bridge of ours has no options",
    "gw-priority": "the way out is the first network's",
}
FREE = "such as --alias db"


def add(verbs: Any) -> None:
    """Add both words to the parser of `network`."""
    connect: Parser = verbs.add_parser("connect", help="plug a container into one more network")
    connect.add_argument("--alias", action="append", default=[], metavar="NAME",
                         help="one more name for its neighbours there")  # fmt: skip
    connect.add_argument("--ip", default="", metavar="ADDRESS", help="this address, if it is free")
    for name in REFUSED:
        connect.add_argument(f"--{name}", action="append", help=argparse.SUPPRESS)
    disconnect: Parser = verbs.add_parser("disconnect", help="take a container out of a network")
    disconnect.add_argument("-f", "--force", action="store_true", help="taken; it is never needed")
    for verb in (connect, disconnect):
        verb.add_argument("network", metavar="NETWORK")
        verb.add_argument("container", metavar="CONTAINER")


def main(store: Store, networks: Networks, args: argparse.Namespace) -> int:
    """Connect or disconnect; return the exit status."""
    record = revival.find(store, args.container)
    refuse(record, args)
    lock = networks.lock()
    try:
        networks.require(args.network)
        (connect if args.verb == "connect" else disconnect)(networks, record, args)
    finally:
        os.close(lock)
    happened.tell_of("network", store.root, args.verb, args.network, container=record["id"],
                     name=args.network, type="bridge")  # fmt: skip
    return 0


def refuse(record: dict[str, Any], args: argparse.Namespace) -> None:
    """Refuse by name what cannot be done to this container, or not at all."""
    for name, reason in REFUSED.items():
        if args.verb == "connect" and (given := getattr(args, name.replace("-", "_"))):
            raise FlagError(f"--{name} {given[0]} is refused: {reason}", f"leave --{name} out")
    if os.geteuid():
        raise UsageError(
            f"network {args.verb} is refused: an ordinary user's container has its cables from its "
            "start, by programs that end with it", f"minidocker run --network {args.network} …", 1,
        )  # fmt: skip
    mode = network_of(record)
    if not bridged(mode) and not changed.names(record["directory"]):
        docker = {"none": "container cannot be connected to multiple networks with one of the "
                  "networks in private (none) mode",
                  "host": "container sharing network namespace with another container or host "
                  "cannot be connected to any other network"}  # fmt: skip
        raise Conflict(
            f"{args.container} has --network {mode}, which goes with no other",
            f"minidocker run --network {args.network} …", docker=docker.get(mode, docker["host"]),
        )  # fmt: skip


def connect(networks: Networks, record: dict[str, Any], args: argparse.Namespace) -> None:
    """Add the network to the container's, and its cable if it runs."""
    name, directory, id = args.network, record["directory"], record["id"]
    write_first(record)
    if name in networks_of(record):
        raise Conflict(
            f"{args.container} is in the network {name} already", "minidocker network inspect",
            docker=f"endpoint with name {args.container} already exists in network {name}",
        )  # fmt: skip
    asked = addresses.parse_address(args.ip, "--ip") if args.ip else ""
    aliases = [parse_name(alias, "--alias") for alias in args.alias]
    before = changed.read(directory)
    more.wish(directory, name, asked, aliases)
    if not record["alive"]:
        return
    kernel = Linux()
    try:
        networks.sweep(name)
        spec = record["spec"]
        owner = leases.owner(id, happened.name_of(directory, record["name"]), spec["hostname"])
        more.enter(kernel, directory, networks, name, owner, Network.lease)
        mine = changed.read(directory)["more"][name]
        more.plug(kernel, record["pid"], id, mine)
        more.way_out(kernel, record["pid"], mine["subnet"])
    except BaseException:
        networks.leave(name, [id])
        changed.write(directory, before)
        leases.tell(kernel, directory, "")
        raise
    if not lives(directory) and record.get("keeper"):  # it ended meanwhile: nothing is left here
        networks.leave(name, [id])


def write_first(record: dict[str, Any]) -> None:
    """Write down the networks that a container was made with, unless its file says them."""
    if not changed.names(record["directory"]):
        for net in (record["spec"].get("net") or {}).get("more") or ():
            more.wish(record["directory"], net["name"], net["address"], net["aliases"])


def disconnect(networks: Networks, record: dict[str, Any], args: argparse.Namespace) -> None:
    """Take the network from the container's, and its cable if it runs."""
    name, directory = args.network, record["directory"]
    write_first(record)
    if name not in networks_of(record):
        raise Conflict(
            f"{args.container} is not in the network {name}", "minidocker inspect",
            docker=f"container {record['id']} is not connected to network {name}",
        )  # fmt: skip
    found = changed.read(directory)
    first = name not in found["more"]
    if first and record["alive"] and (record["spec"].get("net") or {}).get("ports"):
        raise Conflict(
            f"the published ports of {args.container} lead into the network {name}",
            "stop it first: they go with it into the next network at its start",
        )  # fmt: skip
    if record["alive"]:
        networks.leave(name, [record["id"]])
    found["left"] = found["left"] or first
    found["more"].pop(name, None)
    changed.write(directory, found)
    if record["alive"]:
        leases.tell(networks.kernel, directory, "")
        first_left = next(iter(found["more"].values()), None)
        if first_left and found["left"]:
            more.way_out(networks.kernel, record["pid"], first_left["subnet"])
