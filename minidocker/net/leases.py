"""The lease table of a network: who has which address.

    10.77.0.2	3f2a9c0b1d4e web box         one line a container: address, id, names

It is written as /etc/hosts is, and is the part of /etc/hosts that all its members have in common.
"""

from __future__ import annotations

import os

from minidocker.errors import Conflict
from minidocker.net import addresses
from minidocker.net.names import MORE
from minidocker.spec.record import Record

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

CABLES = "cables"  # in a container's directory: what is in changed.py
PREFIX = "minidocker_"  # begins the name of each of our tables in nft
LOCAL = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class Lease(Record):
    """What a container has in a network: texts, but for `prefix`.

    address "10.77.0.2", prefix 24, gateway "10.77.0.1", subnet "10.77.0.0/24", mac (Ethernet),
    bridge "mdk0", device "eth0", link (the host's end of its cable), table (the name of its tables
    in nft).
    """

    __slots__ = (
        "address", "bridge", "device", "gateway", "link", "mac", "prefix", "subnet", "table",
    )  # fmt: skip
    address: str
    bridge: str
    device: str
    gateway: str
    link: str
    mac: str
    prefix: int
    subnet: str
    table: str


def lease_for(id: str, address: str, bridge: str, subnet: str, number: int = 0) -> Lease:
    """Fill in what follows from a container's id, its address, its network and its device."""
    named = cable(id, number)
    return Lease(
        address=address, prefix=addresses.prefix(subnet), gateway=addresses.gateway(subnet),
        subnet=subnet, mac=addresses.mac(address), bridge=bridge, device=f"eth{number}",
        link=link(named), table=f"{PREFIX}{named}",
    )  # fmt: skip


def of_run(run: Run) -> Lease:
    """Return the lease of a run, from its facts."""
    facts: dict[str, Any] = run.facts
    lease = lease_for(run.id, facts["address"], facts["bridge"], facts["subnet"])
    lease.mac = facts.get("mac") or lease.mac
    return lease


def cable(id: str, number: int) -> str:
    """Name a container's cable: its id for the first one, ID_NUMBER for another."""
    return f"{id}_{number}" if number else id


def link(cable: str) -> str:
    """Name the host's end of a cable, ID or ID_NUMBER: 15 bytes at most, and an id has 12."""
    id, _, number = cable.partition("_")
    return f"md{number or 'v'}{id[:12]}"


def parse(table: str) -> dict[str, str]:
    """Read a table: {address: "ID NAME…"}."""
    lines = (line.partition("\t") for line in table.splitlines() if "\t" in line)
    return {address: owner for address, _, owner in lines}


def render(leases: dict[str, str]) -> str:
    """Write a table."""
    return "".join(f"{address}\t{owner}\n" for address, owner in leases.items())


def ids(leases: dict[str, str]) -> list[str]:
    """Return the ids of the containers in the order of the table."""
    return [owner.split()[0] for owner in leases.values() if owner]


def read(kernel: Kernel, path: str) -> dict[str, str]:
    """Read the table of a network; {} when there is none yet."""
    return parse(kernel.read(path)) if kernel.exists(path) else {}


def tell_members(kernel: Kernel, containers: str, leases: dict[str, str]) -> None:
    """Write the names into /etc/hosts of every member, those that run already too.

    The file is bound into the container, so it is changed in place, and not replaced. Lines of
    --add-host are one member's own.
    """
    names = render(leases)
    for id in ids(leases):
        tell(kernel, f"{containers}/{id}", names)


def tell(kernel: Kernel, directory: str, names: str) -> None:
    """Write the names of its network into one container's /etc/hosts, or of all that it is in."""
    path, more = f"{directory}/hosts", f"{directory}/{MORE}"
    if not kernel.exists(path):  # a container on the host's own root has none
        return
    if kernel.exists(f"{directory}/{CABLES}"):
        names = neighbours(kernel, directory)
    kernel.rewrite(path, LOCAL + names + (kernel.read(more) if kernel.exists(more) else ""))


def neighbours(kernel: Kernel, directory: str) -> str:
    """Return the tables of all networks that a container is in."""
    id, containers = os.path.basename(directory), os.path.dirname(directory)
    root = f"{os.path.dirname(containers)}/networks"
    found = sorted(os.listdir(root)) if os.path.isdir(root) else []  # in a rehearsal there is none
    tables = (read(kernel, f"{root}/{name}/leases") for name in found)
    return "".join(render(table) for table in tables if id in ids(table))


def owner(id: str, *names: str) -> str:
    """Say whose an address is: the id, and each name once."""
    return " ".join(dict.fromkeys(word for word in (id, *names) if word))


def enter(
    kernel: Kernel, path: str, subnet: str, owner: str, address: str,
    first_free: Callable[[Kernel, str, str, str], str],
) -> str:  # fmt: skip
    """Write an owner into the table at `path`; return its address: this one, or "" any."""
    if address:
        return take(kernel, path, subnet, owner, address)
    try:
        return first_free(kernel, path, subnet, owner)
    except LookupError as full:
        raise Conflict(str(full), "minidocker network ls") from None


def take(kernel: Kernel, path: str, subnet: str, owner: str, address: str) -> str:
    """Give the owner the address of --ip; Conflict when it is taken or no host's of the subnet."""
    table = read(kernel, path)
    first, last = addresses.span(subnet)
    if not first + 1 < addresses.number(address) < last:
        raise Conflict(f"--ip {address} is not for a container of {subnet}", "leave --ip out")
    if address in table:
        raise Conflict(
            f"--ip {address} is taken by {table[address].split()[0]}", "leave --ip out",
            docker="Address already in use",
        )  # fmt: skip
    kernel.rewrite(path, render({**table, address: owner}))
    return address
