"""What the checks of lessons 08 and 09 share: networks, looked at from outside, and used.

A check enters the network namespaces of the cell for a moment. It asks ip and nft what is there,
and sends a token over TCP or UDP: what arrives, and from which address, is what counts.
"""

import errno
import json
import os
import random
import secrets
import socket
import subprocess

from minidocker.chamber.cell_needs import patience
from minidocker.course.outcomes import Fail
from minidocker.grader.files import join_user
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux

PORT = 4000
HIGHEST = 50
"""Numbers of containers go up to here; the gateway is beyond: all prefixes have room for both."""


def draw():
    """A network for a cell that no file can know beforehand: bridge, addresses, prefix, gateway.

    The gateway is neither the first nor the last address, whatever the prefix.
    """
    second, third = random.randrange(16, 200), random.randrange(0, 256, 16)
    base = f"10.{second}.{third}."
    return {"bridge": f"br{random.randrange(10**6):06}", "base": base,
            "prefix": random.choice([20, 23, 25, 26]),
            "gateway": f"{base}{random.randrange(HIGHEST + 1, 62)}"}  # fmt: skip


def some(count=1):
    """Numbers of containers, drawn anew; a first container would have 2."""
    return random.sample(range(3, HIGHEST), count)


SECONDS = 1.5  # so long may an answer take, on a network that is all in one machine


def joined(look, *pids):
    """Call look(enter) in a child of ours; enter(n) moves it into the network of pids[n]."""
    end, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            doors = [os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in pids]
            join_user(pids[0])
            result = look(lambda n: Linux().setns(doors[n], f.CLONE_NEWNET))
            os.write(begin, json.dumps(result).encode())
        finally:
            os._exit(0)
    os.close(begin)
    text = b"".join(iter(lambda: os.read(end, 65536), b""))
    os.close(end)
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(f"no look into the networks of {pids}")
    return json.loads(text)


def command(pid, *words):
    """Run a tool of this machine in the network of a process; its output."""

    def look(enter):
        enter(0)
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    return joined(look, pid)


def reach(server, bind, client, target, port=PORT, target_port=PORT, kind="tcp"):
    """Serve in the network of one process and ask from that of another: (what came, peer's address).

    The first is "answer", or what the kernel said instead: "ENETUNREACH", "no answer", …
    """
    token = secrets.token_hex(8)
    how = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM

    def look(enter):
        enter(0)
        serving = socket.socket(socket.AF_INET, how)
        serving.settimeout(SECONDS * patience())
        serving.bind((bind, port))
        if kind == "tcp":
            serving.listen()
        enter(1)
        asking = socket.socket(socket.AF_INET, how)
        asking.settimeout(SECONDS * patience())
        try:
            asking.connect((target, target_port))
            if kind == "udp":
                asking.send(b"?")
                _, peer = serving.recvfrom(99)
                serving.sendto(token.encode(), peer)
            else:
                answering, peer = serving.accept()
                answering.send(token.encode())
            return asking.recv(99).decode(), peer[0]
        except TimeoutError:
            return "no answer", ""
        except OSError as problem:
            return errno.errorcode.get(problem.errno, str(problem)), ""

    text, peer = joined(look, server, client)
    return ("answer" if text == token else text), peer


def wait(one, *events, function="", code="MD0805"):
    """Wait for an event of the scene; what the kernel or a tool refused is a failure."""
    message = one.expect(*events, "refused")
    if message.event == "refused":
        raise Fail(code, ran=one.doing, function=function, text=message["text"])
    return message


def containers(one, *names):
    """Collect the containers that the scene has started: name → pid out here."""
    found = {}
    while len(found) < len(names):
        message = one.expect("container")
        found[message["name"]] = message.sender
    return [found[name] for name in names]
