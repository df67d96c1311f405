"""More networks than one: what a container has beside its first one, eth0.

Each is a cable of its own, as the first: a pair of veth devices, a guard, a lease with names. Its
devices are eth1, eth2, …; the host's ends are md1ID, md2ID, …
"""

from __future__ import annotations

from errno import EEXIST

from minidocker.errors import KernelError
from minidocker.kernel.netlink import NETLINK_ROUTE
from minidocker.net import addresses, cable, changed, leases, tables
from minidocker.spec.spec import Net

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.net.networks import Networks
    from minidocker.spec.spec import Run

    FirstFree = Callable[[Kernel, str, str, str], str]


def begin(run: Run, nets: list[Net]) -> None:
    """Before the first start: write down the networks that were asked for beside the first."""
    for net in nets:
        wish(run.directory, net.name, net.address, net.aliases)
    run.facts["more networks"] = True


def wish(directory: str, name: str, asked: str, aliases: list[str]) -> None:
    """Add a network to those of a container, for its next start."""
    found = changed.read(directory)
    taken = {other["device"] for other in found["more"].values()}
    number = next(n for n in range(1, 1000) if n not in taken)
    found["more"][name] = {"device": number, "asked": asked, "aliases": aliases}
    changed.write(directory, found)


def settle(run: Run) -> None:
    """Before a start: where the first network was left, the next one is the first now."""
    found = changed.read(run.directory)
    if not found["left"] and not found["more"]:
        return
    if found["left"]:
        ports = run.spec.net.ports if run.spec.net else []
        run.spec.net = None
        for name, other in list(found["more"].items())[:1]:
            run.spec.net = Net(name=name, address=other["asked"], mac="", ports=ports,
                               aliases=other["aliases"], more=[], by_default=False)  # fmt: skip
            del found["more"][name]
            found["left"] = False
        for number, other in enumerate(found["more"].values(), 1):
            other["device"] = number
        changed.write(run.directory, found)
    if run.spec.net is None:
        run.facts["network"] = ""  # in none now: what comes while it runs is left at its end, too
    run.facts["more networks"] = bool(found["more"])


def join(kernel: Kernel, run: Run, networks: Networks, first_free: FirstFree) -> None:
    """Become a member of each, with its bridge and its names. The lock is held."""
    assert run.spec.net
    if run.spec.net.more and not changed.names(run.directory):
        begin(run, run.spec.net.more)
    owner = leases.owner(run.id, run.spec.name, run.spec.hostname)
    for name in changed.read(run.directory)["more"]:
        networks.require(name)
        networks.sweep(name)
        enter(kernel, run.directory, networks, name, owner, first_free)


def enter(
    kernel: Kernel, directory: str, networks: Networks, name: str, owner: str, first_free: FirstFree
) -> None:  # fmt: skip
    """Take an address of the network, and write down which."""
    found = changed.read(directory)
    mine = found["more"][name]
    bridge, subnet = networks.stand(name)
    owner = " ".join((owner, *mine["aliases"]))
    path = networks.path(name, "leases")
    address = leases.enter(kernel, path, subnet, owner, mine["asked"], first_free)
    mine.update(address=address, subnet=subnet, bridge=bridge)
    changed.write(directory, found)
    leases.tell_members(kernel, networks.containers, networks.members(name))


def lease_of(id: str, mine: dict[str, Any]) -> leases.Lease:
    """Return the lease of one of them."""
    return leases.lease_for(id, mine["address"], mine["bridge"], mine["subnet"], mine["device"])


def plug(kernel: Kernel, pid: int, id: str, mine: dict[str, Any]) -> None:
    """Lay the cable to process `pid`, with its guard."""
    lease = lease_of(id, mine)
    cable.lay(kernel, pid, lease)
    tables.watch(kernel, lease)


def plug_all(kernel: Kernel, run: Run, pid: int) -> None:
    """Lay the cables of all of them, for a container that starts."""
    for mine in changed.read(run.directory)["more"].values():
        plug(kernel, pid, run.id, mine)


def way_out(kernel: Kernel, pid: int, subnet: str) -> None:
    """Give process `pid` a way out by this network, unless it has one."""
    gateway = addresses.gateway(subnet)
    shell = f"nsenter --net=/proc/{pid}/ns/net ip route add default via {gateway}"
    try:
        kernel.netlink(NETLINK_ROUTE, [cable.default(gateway)], shell, pid)
    except KernelError as problem:
        if problem.errno != EEXIST:
            raise
