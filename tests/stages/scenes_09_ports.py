"""Scenes of lesson 09: what runs in a cell, next to the learner's functions."""

import os
import time
from types import SimpleNamespace

from minidocker.grader.scenes_network import (
    HERE,
    another_machine,
    container,
    host,
    ip,
    lease,
    plugged,
    settle,
    tried,
)
from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.grader.scenes_resting import until_at_rest

TABLE = "/tmp/leases"
PAUSE = 0.02  # seconds between a look into the table and what follows


# --- lease -----------------------------------------------------------------------------


def act_lease(learner, kernel, talk, table, subnet, owners):
    """Let lease give each owner an address, one after the other; then show the table."""
    function = learner.lease
    with open(TABLE, "w") as file:
        file.write(table)
    seen, locks = [], []
    for owner in owners:
        talk.step(f"lease(kernel, {TABLE!r}, {subnet!r}, {owner!r})")
        try:
            seen.append(repr(function(kernel, TABLE, subnet, owner)))
        except LookupError:
            seen.append("LookupError")
        locks.append(os.stat(TABLE + ".lock").st_ino if os.path.exists(TABLE + ".lock") else 0)
    with open(TABLE) as file:
        talk.ask("leased", seen=seen, table=file.read(), same_lock=len({*locks}) == 1 and 0 not in locks)


def act_lease_again(learner, kernel, talk, table, subnet, owner):
    """No address is free; then the first one is, then the last; the same process asks again."""
    function = learner.lease
    seen, after = [], []
    lines = table.splitlines(keepends=True)
    for text in (table, "".join(lines[1:]), "".join(lines[:-1])):
        with open(TABLE, "w") as file:
            file.write(text)
        talk.step(f"lease(kernel, {TABLE!r}, {subnet!r}, {owner!r})")
        try:
            seen.append(repr(function(kernel, TABLE, subnet, owner)))
        except LookupError:
            seen.append("LookupError")
        with open(TABLE) as file:
            after.append(file.read())
    talk.ask("leased", seen=seen, after=after[0])


def act_lease_beside(learner, kernel, talk, subnet, first):
    """Another process holds the table's lock, and enters `first` before it lets go."""
    function = learner.lease
    with open(TABLE, "w"):
        pass
    held, begin = os.pipe()
    if os.fork() == 0:
        lock = kernel.lock(TABLE + ".lock")
        os.write(begin, b"x")
        until_at_rest(os.getppid())  # it waits for the lock, or has not asked for it and is done
        with open(TABLE, "a") as file:
            file.write(f"{first}\tother\n")
        os.close(lock)
        os._exit(0)
    os.read(held, 1)
    talk.step(f"lease(kernel, {TABLE!r}, {subnet!r}, 'mine')")
    seen = repr(function(kernel, TABLE, subnet, "mine"))
    os.wait()
    with open(TABLE) as file:
        talk.ask("leased", seen=seen, table=file.read())


class Slow:
    """The kernel, a little slow between a look and an entry: as if the machine were busy."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __getattr__(self, name):
        return getattr(self.kernel, name)

    def read(self, path):
        text = self.kernel.read(path)
        time.sleep(PAUSE)
        return text

    def rewrite(self, path, text):
        time.sleep(PAUSE)  # whoever gets a lock that was let go too early looks meanwhile
        return self.kernel.rewrite(path, text)


def act_lease_at_once(learner, kernel, talk, subnet, count):
    """Start many processes; when all are there, each asks for an address. There is no table yet."""
    function = learner.lease
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
    table = kernel.read(TABLE) if os.path.exists(TABLE) else ""
    talk.ask("leased", seen=text.decode().split("\n")[:-1], table=table)


# --- publish ---------------------------------------------------------------------------

FOREIGN = """\
table ip others {
  chain mine {
    type filter hook input priority 5
    tcp dport 1 counter drop
  }
}
"""
NETWORK = """\
table ip network {
  chain postrouting {
    type nat hook postrouting priority 100
    oifname "BRIDGE" ct status dnat ip saddr 127.0.0.0/8 masquerade
  }
}
"""


def cast_publish(kernel, talk, net, number, **port):
    """A host with rules of others, a container on its bridge, and another machine beside it."""
    settle(net)
    host(kernel)
    kernel.write(f"/proc/sys/net/ipv4/conf/{HERE.bridge}/route_localnet", "1")
    kernel.run(["nft", "-f", "-"], FOREIGN + NETWORK.replace("BRIDGE", HERE.bridge))
    box = container(kernel, talk, "box")
    plugged(kernel, box, lease(number))
    ip(kernel, f"route add default via {HERE.gateway}\n", box)
    another_machine(kernel, talk)


def act_publish(learner, kernel, talk, host, container, protocol, number, second=None, address=""):
    """Let publish open one port, of one address perhaps, and a second one where there is one."""
    function = learner.publish
    one = lease(number)
    talk.ask("before")
    for out, inner in filter(None, ((host, container), second)):
        where = f"ip daddr {address}" if address else "fib daddr type local"
        port = SimpleNamespace(host=out, container=inner, protocol=protocol, address=address,
                               match=f"{where} {protocol} dport {out}")  # fmt: skip
        talk.step(f"publish(kernel, {out} to {inner}/{protocol}, the lease of {one.address})")
        if not tried(talk, function, kernel, port, one)[1]:
            return
    talk.ask("published")
