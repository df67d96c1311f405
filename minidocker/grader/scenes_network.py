"""What the scenes of lessons 08 and 09 share: a host in small, and networks beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

from minidocker.kernel import flags as f

WORLD = "192.0.2.1"  # an address of the host that is no neighbour of its containers
HERE = SimpleNamespace(bridge="", base="", prefix=0, gateway="")
"""The network of this cell. The check draws it anew each time; `settle` notes it."""


def settle(net: dict[str, Any]) -> None:
    """Let the network of this cell be what the check has drawn."""
    vars(HERE).update(net)


def forever() -> NoReturn:
    """Sleep until killed."""
    while True:
        signal.pause()


def lease(number: int) -> SimpleNamespace:
    """The lease of container `number`, as the runtime hands it to the parts."""
    return SimpleNamespace(
        address=f"{HERE.base}{number}", prefix=HERE.prefix, gateway=HERE.gateway,
        subnet=f"{HERE.base}0/{HERE.prefix}", bridge=HERE.bridge, device="eth0",
        link=f"mdv{number:012x}", mac=f"02:4d:0a:4d:00:{number:02x}",
        table=f"minidocker_{number:012x}",
    )  # fmt: skip


def ip(kernel: Any, lines: str, pid: int | None = None) -> Any:
    """Say lines to ip, in the network of process `pid`."""
    where = ["nsenter", f"--net=/proc/{pid}/ns/net"] if pid else []
    return kernel.run([*where, "ip", "-batch", "-"], lines)


def host(kernel: Any) -> None:
    """Make the cell's own network namespace a host with a bridge and one more address."""
    kernel.link_up("lo")
    bridge = HERE.bridge
    own = f"{HERE.gateway}/{HERE.prefix}"
    ip(kernel, f"link add {bridge} type bridge\naddr add {own} dev {bridge}\n"
               f"link set {bridge} up\naddr add {WORLD}/32 dev lo\n")  # fmt: skip
    kernel.write("/proc/sys/net/ipv4/ip_forward", "1")


def container(kernel: Any, talk: Any, name: str) -> int:
    """Start a process in a network namespace of its own; return its pid."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        kernel.unshare(f.CLONE_NEWNET)
        talk.say("container", name=name)
        os.write(done, b"!")
        forever()
    os.read(ready, 1)
    os.close(ready)
    os.close(done)
    return pid


def another_machine(kernel: Any, talk: Any) -> None:
    """Put another machine beside the host: 198.51.100.2, and the host is its gateway."""
    far = container(kernel, talk, "far")
    ip(kernel, f"link add wan type veth peer name eth0 netns {far}\n"
               "addr add 198.51.100.1/24 dev wan\nlink set wan up\n")  # fmt: skip
    ip(kernel, "link set lo up\naddr add 198.51.100.2/24 dev eth0\nlink set eth0 up\n"
               "route add default via 198.51.100.1\n", far)  # fmt: skip


def plugged(kernel: Any, pid: int, one: SimpleNamespace) -> None:
    """Plug a process in, as the reference does, and switch its loopback on."""
    ip(kernel, f"link add {one.link} master {one.bridge} up type veth "
               f"peer name eth0 address {one.mac} netns {pid}\n")  # fmt: skip
    ip(kernel, f"link set lo up\naddr add {one.address}/{one.prefix} dev eth0\n"
               "link set eth0 up\n", pid)  # fmt: skip


def tried(talk: Any, function: Callable[..., Any], *args: Any) -> tuple[Any, bool]:
    """Call a learner's function; an error of the kernel or a tool ends the scene: None, False."""
    try:
        return function(*args), True
    except OSError as problem:
        talk.ask("refused", text=str(problem)[:300])
        return None, False
