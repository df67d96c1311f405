"""Ports of the host: taken by a socket that nobody reads, so that nobody else gets them."""

from __future__ import annotations

import os
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL

from minidocker.errors import Blocked, Conflict, KernelError, UsageError
from minidocker.net import ports
from minidocker.net.taken import by_whom

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Port, Run


def take_ports(kernel: Kernel, run: Run, keep: bool) -> list[int]:
    """Take every port of a run: the sockets. Without `keep` somebody else takes them for us."""
    assert run.spec.net
    taken = [take_port(kernel, run, port) for port in run.spec.net.ports]
    if keep:
        return taken
    for fd in taken:
        if fd >= 0:
            os.close(fd)
    return []


def take_port(kernel: Kernel, run: Run, port: Port) -> int:
    """Take the port of the host that a Port names, or one that it leaves open; say which.

    Returns the socket: the port is taken until that is closed.
    """
    last, taken = port.last or port.host, -1
    for number in range(port.host, last + 1):
        chosen = ports.port(number, port.container, port.protocol, port.address)
        try:
            taken = reserve(kernel, chosen, run)
        except Conflict:
            if number == last:
                raise
            continue
        if not number:
            number = kernel.port_of(taken)
            chosen = ports.port(number, port.container, port.protocol, port.address)
        port.host, port.match, port.last = number, chosen.match, 0
        break
    return taken


def reserve(kernel: Kernel, port: Port, run: Run) -> int:
    """Take one port; Conflict says who has it."""
    try:
        return kernel.reserve(port.protocol, port.address, port.host)
    except KernelError as problem:
        where = f"{port.address + ':' if port.address else ''}{port.host}/{port.protocol}"
        if problem.errno == EADDRINUSE:
            raise taken(kernel, port, where, run) from None
        if problem.errno == EADDRNOTAVAIL:
            raise UsageError(
                f"-p {where}: {port.address} is no address of this host", "ip addr",
                docker="bind: cannot assign requested address",
            ) from None  # fmt: skip
        if problem.errno == EACCES:
            first = kernel.read("/proc/sys/net/ipv4/ip_unprivileged_port_start").strip()
            raise Blocked(
                f"port {where}: an ordinary user has the ports from {first} on",
                f"such as -p {port.host + 8000}:{port.container}",
            ) from None
        raise


def taken(kernel: Kernel, port: Port, where: str, run: Run) -> Conflict:
    """Say that a port is taken, and by whom."""
    whose = by_whom(kernel, os.path.dirname(run.directory), port.protocol, port.host)
    return Conflict(
        f"port {where} of this host is taken",
        f"such as -p {port.host + 1}:{port.container}   "
        f"({whose + ' has it' if whose else 'ss -lntup says whose it is'})",
        docker=f"Bind for {port.address or '0.0.0.0'}:{port.host} failed: "
        "port is already allocated",
    )
