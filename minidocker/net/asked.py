"""What a run asks of its network: ports, what contradicts what, and what to do without any."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.net import addresses
from minidocker.net.names import GATEWAY
from minidocker.net.programs import has_program
from minidocker.spec.spec import Net

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Port, Run, Spec
    from minidocker.spec.words import Asked

# What a container cannot have that lives in another one's network: the other one has it.
OTHERS = {
    "hostname": "hostname and the network mode",
    "add-host": "custom host-to-IP mapping and the network mode",
    "dns": "dns and the network mode",
    "mac-address": "mac-address and the network mode",
    "publish": "port publishing and the container type network mode",
    "publish-all": "port publishing and the container type network mode",
    "expose": "port exposing and the container type network mode",
}
PROGRAMS = (("nft", "nftables"), ("ip", "iproute2"), ("nsenter", "util-linux"))


def refuse_conflicts(mode: str, needing: list[str], spec: Spec, asked: Asked) -> None:
    """Refuse what cannot be had without a network, or in another container's one.

    In Docker's words, where it refuses that, too.
    """
    if len(asked.get("network", ())) > 1:
        raise one_alone(mode)
    others = [key for key in OTHERS if asked.get(key)] if ":" in mode else []
    docker = f"conflicting options: {OTHERS[others[0]]}" if others else ""
    if needing:
        raise UsageError(
            f"--{needing[0]} needs a network of its own", "--network bridge", docker=docker
        )
    if others:
        said = f"--{others[0]}: in the network {mode} that is the other container's"
        raise UsageError(said, "leave one out", docker=docker)
    hosts = spec.names.hosts if spec.names else ()
    for name, address in hosts if mode == "none" else ():
        if address == GATEWAY:
            raise UsageError(
                f"--add-host {name}:{GATEWAY}: without a network nothing leads to this host",
                "--network bridge", docker=f"unable to derive the IP value for {GATEWAY}",
            )  # fmt: skip


def wanted(
    first: dict[str, Any], others: Sequence[dict[str, Any]], asked: Asked, by_default: bool
) -> Net:
    """Return the network to plug into; `others` are those of further --network options."""
    mac = first.get("mac-address") or asked.get("mac-address")
    return Net(
        name=first["name"],
        address=first.get("ip") or asked.get("ip", ""),
        mac=addresses.parse_mac(mac, "--mac-address") if mac else "",
        aliases=[*asked.get("network-alias", ()), *first.get("alias", ())],
        ports=published(asked),
        more=further(first["name"], others) if others else [],
        by_default=by_default,
    )


def further(first: str, others: Sequence[dict[str, Any]]) -> list[Net]:
    """List the networks of further --network options: each with its own ip and aliases."""
    found, seen = [], {first}
    for one in others:
        name = one["name"]
        if name in ("none", "host") or ":" in name:
            raise one_alone(name)
        if name in seen:
            raise UsageError(f"--network {name} twice", "leave one out",
                             docker=f'network "{name}" is specified multiple times')  # fmt: skip
        if one.get("mac-address"):
            raise UsageError(
                f"--network {name},mac-address is refused: only the first network's can be chosen",
                "name that network first",
            )  # fmt: skip
        seen.add(name)
        found.append(Net(name=name, address=one.get("ip", ""), aliases=one.get("alias", []),
                         mac="", more=[], ports=[], by_default=False))  # fmt: skip
    return found


def one_alone(mode: str) -> UsageError:
    """Say that a mode goes with no other network."""
    return UsageError(
        f"--network {mode} goes with no other --network", "leave one out",
        docker="conflicting options: cannot attach both user-defined and non-user-defined "
        "network-modes",
    )  # fmt: skip


def published(asked: Asked) -> list[Port]:
    """List the ports to publish: those of -p, and with -P what is exposed besides."""
    found: list[Port] = [port for given in asked.get("publish", ()) for port in given]
    if "publish-all" not in asked:
        return found
    from minidocker.net import ports

    exposed = [port for given in asked.get("expose", ()) for port in given]
    for text in asked.image.get("ExposedPorts") or ():
        exposed += ports.exposed(text, "-P: the image's")
    for port in exposed:
        if (port.container, port.protocol) not in {(p.container, p.protocol) for p in found}:
            found.append(port)
    return found


def missing(kernel: Kernel, rootless: bool) -> str:
    """Say why this machine gives no network; "" where it can be tried."""
    if rootless:
        from minidocker.net import usermode

        return usermode.missing(kernel)
    for program, package in PROGRAMS:
        if not has_program(kernel, program, "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            return f"there is no program {program} (apt-get install {package})"
    return ""


def go_without(run: Run, reason: str) -> None:
    """Leave the container with loopback alone, and say so: nobody has asked for a network.

    Who asks for one, by --network or -p, gets it or an error.
    """
    run.spec.net = None
    run.facts.pop("gateway", None)  # of a network that could be joined in part only
    os.write(2, (
        f"minidocker: this container has no network but loopback: {reason.splitlines()[0]}\n"
        "  --network none asks for that, and says nothing; --network bridge insists\n"
    ).encode(errors="surrogateescape"))  # fmt: skip
