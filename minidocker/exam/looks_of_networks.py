"""Looks at a container's network: from a child of ours in its namespace, and at /proc."""

from __future__ import annotations

import fcntl
import socket
import struct
import time

from minidocker.exam.looks import SECONDS, Seen, Wrong, in_namespaces
from minidocker.kernel import flags as f

SIOCGIFFLAGS, SIOCGIFADDR, IFF_UP = 0x8913, 0x8915, 1


def loopback(seen: Seen) -> str:
    """loopback_up: lo is up in a network of its own."""
    seen.apart("net")

    def ask() -> str:
        with socket.socket() as any_socket:
            answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        return str(struct.unpack("16sH14x", answer)[1] & IFF_UP)

    if in_namespaces(seen, f.CLONE_NEWNET, ask) != "1":
        raise Wrong("its loopback is down")
    return "lo is up in a network of its own"


def cable(seen: Seen) -> str:
    """connect and lease: eth0 is there; its address is told by the room's lease, see containers."""
    seen.apart("net")

    def ask() -> str:
        with socket.socket() as any_socket:
            answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", b"eth0", 0))
        return str(struct.unpack("16sH14x", answer)[1] & IFF_UP)

    if in_namespaces(seen, f.CLONE_NEWNET, ask) != "1":
        raise Wrong("its eth0 is down")
    return "eth0 is up, on a cable to the bridge"


def route(seen: Seen) -> str:
    """default_route: a gateway for all that is no neighbour's."""
    with open(f"/proc/{seen.pid}/net/route", encoding="ascii") as file:
        rows = [line.split() for line in file]
    ways = [row[2] for row in rows[1:] if row[1] == "00000000"]
    if not ways:
        raise Wrong("it has no default route")
    return "default via " + ".".join(str(byte) for byte in bytes.fromhex(ways[0])[::-1])


def address(seen: Seen) -> str:
    """lease: an address of the bridge's network, and not the gateway's."""

    def ask() -> str:
        with socket.socket() as any_socket:
            answer = fcntl.ioctl(any_socket, SIOCGIFADDR, struct.pack("16sH14x", b"eth0", 2))
        return socket.inet_ntoa(answer[20:24])

    found = in_namespaces(seen, f.CLONE_NEWNET, ask)
    gateway = route(seen).rpartition(" ")[2]
    if found == gateway or found.split(".")[:3] != gateway.split(".")[:3]:
        raise Wrong(f"its address {found} is no neighbour's of the gateway {gateway}")
    return f"address {found}"


def published(seen: Seen) -> str:
    """publish: who asks the room's port is answered from inside."""
    port = int(seen.asked["port"])

    def ask() -> str:
        until = time.monotonic() + SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as stream:
                    if answer := stream.recv(100):
                        return answer.decode()
            except OSError:
                pass
            if time.monotonic() > until:
                return ""
            time.sleep(0.02)

    room = Seen(seen.yard, seen.yard.inner, seen.asked)
    if in_namespaces(room, f.CLONE_NEWNET, ask).strip() != seen.asked["word"]:
        raise Wrong(f"nobody answers at port {port}")
    return f"port {port} is answered from inside"
