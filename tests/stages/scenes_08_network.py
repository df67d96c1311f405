"""Scenes of lesson 08: what runs in a cell, next to the learner's functions."""

import os
import signal

from minidocker.grader.scenes_network import (
    HERE,
    another_machine,
    container,
    forever,
    host,
    ip,
    lease,
    plugged,
    settle,
    tried,
)
from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel import flags as f

# --- loopback_up -----------------------------------------------------------------------


def act_loopback(learner, kernel, talk):
    """Let loopback_up do its work in a new network namespace."""
    function = learner.loopback_up
    kernel.unshare(f.CLONE_NEWNET)
    ip(kernel, "link add beside0 type veth peer name beside1\n")  # others' interfaces, down
    talk.step("loopback_up(kernel)")
    if tried(talk, function, kernel)[1]:
        talk.ask("up")


# --- CONNECT_ORDER ---------------------------------------------------------------------


def cast_order(kernel, talk, net):
    settle(net)
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
                           f"link set {one.link} master {one.bridge}\n")  # fmt: skip
            elif step == "move":
                ip(kernel, f"link set eth0 netns {cast}\n")
                moved = cast
            elif step == "address":
                ip(kernel, f"addr add {one.address}/{one.prefix} dev eth0\n", moved)
            elif step == "up":
                ip(kernel, f"link set {one.link} up\n")
                ip(kernel, "link set eth0 up\n", moved)
            else:
                ip(kernel, f"route add default via {one.gateway}\n", moved)
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem)[:200], order=list(order))
            return
    talk.ask("done with the order", order=list(order))


# --- connect ---------------------------------------------------------------------------


def cast_connect(kernel, talk, numbers, net):
    """A host, and one unplugged container for each number."""
    settle(net)
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


def cast_route(kernel, talk, net, number):
    settle(net)
    host(kernel)
    another_machine(kernel, talk)


def act_route(learner, kernel, talk, number):
    """Be the container: enter a new network, get plugged in, call default_route."""
    function = learner.default_route
    begin, go = os.pipe()
    done, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        kernel.unshare(f.CLONE_NEWNET)
        os.write(tell, b"!")
        os.read(begin, 1)
        talk.step(f"default_route(kernel, {HERE.gateway!r})")
        try:
            if tried(talk, function, kernel, HERE.gateway)[1]:
                talk.ask("routed")
        except Exception as problem:
            talk.ask("refused", text=f"{type(problem).__name__}: {problem}"[:300])
        forever()
    os.read(done, 1)
    plugged(kernel, pid, lease(number))
    os.write(go, b"!")
    forever()
