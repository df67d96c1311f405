"""A network of an ordinary user's: containers that find each other by name, and a way out for each.

    eth0   slirp4netns: router, NAT and published ports, as in usermode.py
    eth1   the network's own cable: an address of its subnet, and neighbours with names

The host has no part in it, no address and no device: what is sent at eth1 goes to sockets in
ROOT/networks/NAME/cable, where only containers of this network listen. See kernel/taps.py.
"""

from __future__ import annotations

import os

from minidocker.kernel.netlink import NETLINK_ROUTE
from minidocker.net import addresses, cable, leases

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.kernel.interface import Kernel
    from minidocker.net.networks import Networks
    from minidocker.spec.spec import Run

DEVICE = "eth1"


def join(
    kernel: Kernel, run: Run, networks: Networks, first_free: Callable[[Kernel, str, str, str], str]
) -> None:
    """Become a member of the run's network: an address, and names. The lock is held."""
    net = run.spec.net
    assert net
    subnet = networks.subnet(net.name)
    owner = leases.owner(run.id, run.spec.name, run.spec.hostname, *net.aliases)
    path = networks.path(net.name, "leases")
    address = leases.enter(kernel, path, subnet, owner, net.address, first_free)
    mac = net.mac or addresses.mac(address)
    run.facts.update(network=net.name, address=address, subnet=subnet, mac=mac)
    leases.tell_members(kernel, networks.containers, networks.members(net.name))


def connect(kernel: Kernel, run: Run, pid: int, networks: Networks, alive: int) -> list[int]:
    """Plug process `pid` in; return the pids of those who pass its frames on."""
    facts = run.facts
    subnet, mac = str(facts["subnet"]), str(facts["mac"])
    lease = leases.lease_for(run.id, str(facts["address"]), "", subnet)

    def configure(device: int) -> None:
        kernel.netlink(
            NETLINK_ROUTE, [cable.named(device, mac), *cable.address(lease, device)],
            f"ip addr add {lease.address}/{lease.prefix} dev {DEVICE}",
        )  # fmt: skip

    directory = networks.path(str(facts["network"]), "cable")
    networks.make(directory)
    name, address = mac.replace(":", ""), addresses.number(lease.address).to_bytes(4, "big")
    return kernel.plug(pid, DEVICE, configure, directory, name, address, alive)


def forget(kernel: Kernel, run: Run, networks: Networks) -> None:
    """Remove the container's socket, when nobody is there to listen any more."""
    mac = str(run.facts.get("mac") or "").replace(":", "")
    path = f"{networks.path(str(run.facts['network']), 'cable')}/{mac}"
    if mac and os.path.lexists(path):
        kernel.unlink(path)


