"""Escapes by what processes say to each other: host name, shared memory, sockets, ARP."""

from __future__ import annotations

import os
import socket
import subprocess
import threading

from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import Yard

SHARED_MEMORY = """
libc.shmat.restype = ctypes.c_void_p
room = libc.shmget(int(os.environ["M_KEY"]), 64, 0)
if room == -1:
    sys.exit("shmget: " + os.strerror(ctypes.get_errno()))
print(ctypes.string_at(libc.shmat(room, None, 0)).decode())
"""
PUT_SHARED_MEMORY = """
libc.shmat.restype = ctypes.c_void_p
room = libc.shmget(int(os.environ["M_KEY"]), 64, 0o1600)
ctypes.memmove(libc.shmat(room, None, 0), os.environb[b"M_SECRET"] + b"\\0", 25)
"""
ABSTRACT = """
import socket
friend = socket.socket(socket.AF_UNIX)
friend.connect("\\0" + "minidocker-escape")
print(friend.recv(100).decode())
"""
ARP = """
import socket
packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for card in [name for _, name in socket.if_nameindex() if name != "lo"]:
    packet.bind((card, 0x0806))
    me = packet.getsockname()[4]
    gateway = socket.inet_aton(os.environ["M_GATEWAY"])
    for _ in range(80):                    # a fresh entry is not overwritten in its first second
        packet.send(b"\\xff" * 6 + me + bytes.fromhex("0806 0001 0800 0604 0002") + me + gateway
                    + me + gateway)
        time.sleep(0.05)
"""
GATEWAY, VICTIM = "10.99.9.1", "10.99.9.2"


def serve(server: socket.socket, secret: str) -> None:
    """Answer everybody with the secret, in a thread of the yard's process 1."""

    def answer() -> None:
        while True:
            friend, _ = server.accept()
            with friend:
                friend.sendall(secret.encode() + b"\n")

    server.listen(5)
    threading.Thread(target=answer, daemon=True).start()


def loopback_service(yard: Yard) -> None:
    """Let a service of the yard's listen on 127.0.0.1 alone."""
    server = socket.create_server(("127.0.0.1", 0))
    yard.facts["M_PORT"] = str(server.getsockname()[1])
    serve(server, yard.secret)


def abstract_service(yard: Yard) -> None:
    """Let a service of the yard's listen at a name that is in no file system."""
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0minidocker-escape")
    serve(server, yard.secret)


def shared_memory(yard: Yard) -> None:
    """Let a program of the yard's keep the secret in System V shared memory."""
    yard.facts["M_KEY"] = str(int.from_bytes(os.urandom(3), "big") + 1)
    yard.python(PUT_SHARED_MEMORY, M_SECRET=yard.secret)


def renamed(yard: Yard) -> bool:
    """The yard has another host name."""
    return os.uname().nodename == f"owned-{yard.facts['M_NONCE']}"


def neighbours(yard: Yard) -> None:
    """Let a victim, in a network namespace of its own, know the hardware address of its gateway."""
    ip = ["ip", "-batch", "-"]
    victim = yard.spawn(["unshare", "--net", "sleep", "100"], {"PATH": os.environ["PATH"]})
    own = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{victim}/ns/net") == own:
        pass
    made = f"""link add card type veth peer name eth0 netns {victim}
addr add {GATEWAY}/24 dev card
link set card up
"""
    inside = f"""addr add {VICTIM}/24 dev eth0
link set eth0 up
neigh replace {GATEWAY} lladdr 02:00:00:00:00:01 dev eth0 nud stale
"""
    subprocess.run(ip, input=made, text=True, check=True, capture_output=True)
    enter = ["nsenter", "--net", "--target", str(victim)]
    subprocess.run([*enter, *ip], input=inside, text=True, check=True, capture_output=True)
    yard.facts["M_GATEWAY"] = GATEWAY
    yard.enter = enter


def misled(yard: Yard) -> bool:
    """The victim sends to another hardware address now, when it means its gateway."""
    told = subprocess.run(
        [*yard.enter, "ip", "neigh", "show", GATEWAY], capture_output=True, text=True
    ).stdout
    return "lladdr" in told and "02:00:00:00:00:01" not in told


ESCAPES = (
    Escape("rename_host", "give the host another name", "sethostname(2)",
           "hostname owned-$M_NONCE", probe=renamed),
    Escape("shared_memory", "read the shared memory of a program of the host", "shmget(2)",
           SHARED_MEMORY, python=True, setup=shared_memory),
    Escape("loopback", "talk to a service of the host that listens on 127.0.0.1", "ip(7)",
           "nc 127.0.0.1 $M_PORT", setup=loopback_service),
    Escape("abstract_socket", "talk to a service of the host by an abstract socket",
           "CVE-2020-15257", ABSTRACT, python=True, setup=abstract_service),
    Escape("arp_spoof", "tell a neighbour that the gateway lives here", "arp(7), packet(7)", ARP,
           python=True, setup=neighbours, probe=misled),
)  # fmt: skip
