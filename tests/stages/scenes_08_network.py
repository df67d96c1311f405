"""Scenes of lesson 08: a host in small, with a bridge, and processes in networks of their own."""

import os
import signal
import time
from types import SimpleNamespace

from minidocker.kernel import flags as f

BRIDGE = "mdk0"
SUBNET = "10.77.0.0/24"
GATEWAY = "10.77.0.1"
WORLD = "192.0.2.1"  # an address of the host that is no neighbour of its containers
TABLE = "/tmp/leases"
PAUSE = 0.02  # seconds between a look into the table and what follows


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def lease(number):
    """The lease of container `number`, as the runtime hands it to the parts."""
    return SimpleNamespace(
        address=f"10.77.0.{number}", prefix=24, gateway=GATEWAY, subnet=SUBNET, bridge=BRIDGE,
        link=f"mdv{number:012x}", mac=f"02:4d:0a:4d:00:{number:02x}",
        table=f"minidocker_{number:012x}",
    )  # fmt: skip


def ip(kernel, lines, pid=None):
    """Say lines to ip, in the network of process `pid`."""
    where = ["nsenter", f"--net=/proc/{pid}/ns/net"] if pid else []
    return kernel.run([*where, "ip", "-batch", "-"], lines)


def host(kernel):
    """Make the cell's own network namespace a host with a bridge and one more address."""
    kernel.link_up("lo")
    ip(kernel, f"link add {BRIDGE} type bridge\naddr add {GATEWAY}/24 dev {BRIDGE}\n"
               f"link set {BRIDGE} up\naddr add {WORLD}/32 dev lo\n")  # fmt: skip
    kernel.write("/proc/sys/net/ipv4/ip_forward", "1")


def container(kernel, talk, name):
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


def another_machine(kernel, talk):
    """Put another machine beside the host: 198.51.100.2, and the host is its gateway."""
    far = container(kernel, talk, "far")
    ip(kernel, f"link add wan type veth peer name eth0 netns {far}\n"
               "addr add 198.51.100.1/24 dev wan\nlink set wan up\n")  # fmt: skip
    ip(kernel, "link set lo up\naddr add 198.51.100.2/24 dev eth0\nlink set eth0 up\n"
               "route add default via 198.51.100.1\n", far)  # fmt: skip


def plugged(kernel, pid, one):
    """Plug a process in, as the reference does, and switch its loopback on."""
    ip(kernel, f"link add {one.link} master {BRIDGE} up type veth "
               f"peer name eth0 address {one.mac} netns {pid}\n")  # fmt: skip
    ip(kernel, f"link set lo up\naddr add {one.address}/24 dev eth0\nlink set eth0 up\n", pid)


def tried(talk, function, *args):
    """Call a learner's function; an error of the kernel or a tool ends the scene: None, False."""
    try:
        return function(*args), True
    except OSError as problem:
        talk.ask("refused", text=str(problem)[:300])
        return None, False


# --- loopback_up -----------------------------------------------------------------------


def act_loopback(learner, kernel, talk):
    """Let loopback_up do its work in a new network namespace."""
    function = learner.loopback_up
    kernel.unshare(f.CLONE_NEWNET)
    talk.step("loopback_up(kernel)")
    if tried(talk, function, kernel)[1]:
        talk.ask("up")


# --- CONNECT_ORDER ---------------------------------------------------------------------


def cast_order(kernel, talk):
    host(kernel)
    return container(kernel, talk, "box")


def act_order(learner, kernel, talk, cast):
    """Do the steps of CONNECT_ORDER, in that order."""
    order = learner.CONNECT_ORDER
    one, moved = lease(2), None
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != [
        "address", "move", "pair", "route", "up",
    ]:  # fmt: skip
        talk.ask("wrong", what=repr(order)[:80])
        return
    for step in order:
        talk.doing = step
        try:
            if step == "pair":
                ip(kernel, f"link add {one.link} type veth peer name eth0\n"
                           f"link set {one.link} master {BRIDGE}\n")  # fmt: skip
            elif step == "move":
                ip(kernel, f"link set eth0 netns {cast}\n")
                moved = cast
            elif step == "address":
                ip(kernel, f"addr add {one.address}/24 dev eth0\n", moved)
            elif step == "up":
                ip(kernel, f"link set {one.link} up\n")
                ip(kernel, "link set eth0 up\n", moved)
            else:
                ip(kernel, f"route add default via {GATEWAY}\n", moved)
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem)[:200])
            return
    talk.ask("done with the order")


# --- connect ---------------------------------------------------------------------------


def cast_connect(kernel, talk, numbers):
    """A host, and one unplugged container for each number."""
    host(kernel)
    return [container(kernel, talk, str(number)) for number in numbers]


def act_connect(learner, kernel, talk, numbers, cast):
    """Let connect plug in each of the containers."""
    function = learner.connect
    for number, pid in zip(numbers, cast, strict=True):
        talk.step(f"connect(kernel, {pid}, the lease of {lease(number).address})")
        if not tried(talk, function, kernel, pid, lease(number))[1]:
            return
    talk.ask("connected")
    for pid in cast:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    talk.ask("ended")


# --- default_route ---------------------------------------------------------------------


def cast_route(kernel, talk):
    host(kernel)
    another_machine(kernel, talk)


def act_route(learner, kernel, talk, cast):
    """Be the container: enter a new network, get plugged in, call default_route."""
    function = learner.default_route
    begin, go = os.pipe()
    done, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        kernel.unshare(f.CLONE_NEWNET)
        os.write(tell, b"!")
        os.read(begin, 1)
        talk.step(f"default_route(kernel, {GATEWAY!r})")
        try:
            if tried(talk, function, kernel, GATEWAY)[1]:
                talk.ask("routed")
        except Exception as problem:
            talk.ask("refused", text=f"{type(problem).__name__}: {problem}"[:300])
        forever()
    os.read(done, 1)
    plugged(kernel, pid, lease(2))
    os.write(go, b"!")
    forever()


# --- lease -----------------------------------------------------------------------------


def act_lease(learner, kernel, talk, table, subnet, owners):
    """Let lease give each owner an address, one after the other; then show the table."""
    function = learner.lease
    with open(TABLE, "w") as file:
        file.write(table)
    seen = []
    for owner in owners:
        talk.step(f"lease(kernel, {TABLE!r}, {subnet!r}, {owner!r})")
        try:
            seen.append(repr(function(kernel, TABLE, subnet, owner)))
        except LookupError:
            seen.append("LookupError")
    with open(TABLE) as file:
        talk.ask("leased", seen=seen, table=file.read())


def act_lease_again(learner, kernel, talk, table, subnet, owner):
    """No address is free; then one is, and the same process asks again."""
    function = learner.lease
    seen = []
    for text in (table, table.partition("\n")[2]):
        with open(TABLE, "w") as file:
            file.write(text)
        talk.step(f"lease(kernel, {TABLE!r}, {subnet!r}, {owner!r})")
        try:
            seen.append(repr(function(kernel, TABLE, subnet, owner)))
        except LookupError:
            seen.append("LookupError")
    talk.ask("leased", seen=seen)


class Slow:
    """The kernel, a little slow after each look into a file: as if the machine were busy."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __getattr__(self, name):
        return getattr(self.kernel, name)

    def read(self, path):
        text = self.kernel.read(path)
        time.sleep(PAUSE)
        return text


def act_lease_at_once(learner, kernel, talk, subnet, count):
    """Start many processes; when all are there, each asks for an address."""
    function = learner.lease
    with open(TABLE, "w"):
        pass
    gate, opened = os.pipe()
    answers, tell = os.pipe()
    for number in range(count):
        if os.fork() == 0:
            os.close(opened)
            os.read(gate, 1)
            try:
                found = function(Slow(kernel), TABLE, subnet, f"box{number}")
            except Exception as problem:
                found = f"{type(problem).__name__}: {problem}"[:80]
            os.write(tell, f"{found}\n".encode())
            os._exit(0)
    talk.step(f"{count} processes at once: lease(kernel, {TABLE!r}, {subnet!r}, …)")
    os.close(tell)
    os.close(opened)
    text = b"".join(iter(lambda: os.read(answers, 4096), b""))
    with open(TABLE) as file:
        talk.ask("leased", seen=text.decode().split("\n")[:-1], table=file.read())


# --- publish ---------------------------------------------------------------------------

FOREIGN = """\
table ip others {
  chain mine {
    type filter hook input priority 5
    tcp dport 1 counter drop
  }
}
"""
NETWORK = f"""\
table ip network {{
  chain postrouting {{
    type nat hook postrouting priority 100
    oifname "{BRIDGE}" ct status dnat ip saddr 127.0.0.0/8 masquerade
  }}
}}
"""


def cast_publish(kernel, talk, **port):
    """A host with rules of others, a container on its bridge, and another machine beside it."""
    host(kernel)
    kernel.write(f"/proc/sys/net/ipv4/conf/{BRIDGE}/route_localnet", "1")
    kernel.run(["nft", "-f", "-"], FOREIGN + NETWORK)
    box = container(kernel, talk, "box")
    plugged(kernel, box, lease(2))
    ip(kernel, f"route add default via {GATEWAY}\n", box)
    another_machine(kernel, talk)


def act_publish(learner, kernel, talk, host, container, protocol, cast):
    """Let publish open one port."""
    function = learner.publish
    port = SimpleNamespace(host=host, container=container, protocol=protocol, address="",
                           match=f"fib daddr type local {protocol} dport {host}")  # fmt: skip
    talk.ask("before")
    talk.step(f"publish(kernel, {host} to {container}/{protocol}, the lease of {lease(2).address})")
    if tried(talk, function, kernel, port, lease(2))[1]:
        talk.ask("published")
