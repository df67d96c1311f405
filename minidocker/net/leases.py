"""The lease table of a network: who has which address.

    10.77.0.2	3f2a9c0b1d4e web box         one line a container: address, id, names

It is written as /etc/hosts is, and is the part of /etc/hosts that all its members have in common.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

LOCAL = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


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

    The file is bound into the container, so it is changed in place, and not replaced.
    """
    names = LOCAL + render(leases)
    for id in ids(leases):
        path = f"{containers}/{id}/hosts"
        if kernel.exists(path):  # a container on the host's own root has none
            kernel.rewrite(path, names)
