"""Checks of lesson 08: the network: a cable, a bridge, a route."""

import json
import random

from looking_at_networks import HIGHEST, command, containers, draw, reach, some, wait
from looking_at_orders import broken, explained
from looking_at_refusals import errors_come_out

from minidocker.chamber.cell_needs import patience
from minidocker.course.outcomes import Fail

WORLD = "192.0.2.1"


def addresses(link):
    """The addresses of a link, each with its prefix."""
    return [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]
            if one["family"] == "inet"]  # fmt: skip


def routes_of_somebody(pid):
    """The routes that the kernel has not made by itself, in words."""
    routes = json.loads(command(pid, "ip", "-json", "route", "show"))
    return [f"a route to {one['dst']}" for one in routes if one.get("protocol") != "kernel"]


def links(pid):
    """Return {name: facts} of the links of a process's network: ip -json addr."""
    found = json.loads(command(pid, "ip", "-json", "-details", "addr", "show"))
    return {link["ifname"]: link for link in found}


# --- loopback_up -----------------------------------------------------------------------


def test_loopback(subject, cell):
    with cell("loopback") as one:
        pid = wait(one, "up", function="loopback_up").sender
        seen, _ = reach(pid, "127.0.0.1", pid, "127.0.0.1")
        if seen != "answer":
            state = " ".join(word for word in links(pid)["lo"]["flags"])
            raise Fail("MD0801", ran="loopback_up(kernel), then a connection to 127.0.0.1",
                       expected="an answer, lo UP", kernel=f"{seen}; lo: {state}")  # fmt: skip
        up = [name for name, link in links(pid).items() if name != "lo" and "UP" in link["flags"]]
        if up:
            raise Fail("MD0825", ran="loopback_up(kernel)", expected="lo alone is switched on",
                       kernel=f"up too: {' '.join(sorted(up))}")  # fmt: skip
        more = [address for address in addresses(links(pid)["lo"]) if address != "127.0.0.1/8"]
        more += routes_of_somebody(pid)
        if more:
            raise Fail("MD0825", ran="loopback_up(kernel)", expected="127.0.0.1, and no route",
                       kernel=f"there is {', '.join(more)}")  # fmt: skip
    errors_come_out(cell, "loopback_up", [], ["link_up"])


# --- CONNECT_ORDER ---------------------------------------------------------------------


NEEDS = (
    ("pair", "move", "There is no eth0 before the pair is made"),
    ("pair", "address", "There is no eth0 before the pair is made"),
    ("pair", "up", "There is no cable before the pair is made"),
    ("move", "route", "eth0 is not in the container yet"),
    ("move", "address", "A device that moves leaves its addresses behind"),
    ("move", "up", "A device that moves goes down"),
    ("address", "route", "The gateway is in no network before eth0 has an address"),
    ("up", "route", "A device that is down has no routes"),
)
"""What must come before what, and why; the first that was broken before a step explains it."""


def test_connect_order(subject, cell):
    with cell("order", net=draw()) as one:
        (box,) = containers(one, "box")
        message = one.expect("done with the order", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD0802", what=message["what"])
        if message.event == "refused":
            raise Fail("MD0803", step=message["step"], text=explained(message, NEEDS))
        seen, _ = reach(one.pid, WORLD, box, WORLD)
        if seen != "answer":
            why = [f": {why}" for _, _, why in broken(list(message["order"]), NEEDS)]
            raise Fail("MD0804", ran="the steps of CONNECT_ORDER", why="".join(why[:1]),
                       expected=f"an answer from {WORLD}", kernel=seen)  # fmt: skip


# --- connect ---------------------------------------------------------------------------


def test_connect_plugged(subject, cell):
    (number,), net = some(), draw()
    address, mac = f"{net['base']}{number}", f"02:4d:0a:4d:00:{number:02x}"
    with cell("connect", numbers=[number], net=net) as one:
        (box,) = containers(one, str(number))
        wait(one, "connected", function="connect")
        ran = f"connect(kernel, pid, the lease of {address})"
        inside, outside = links(box), links(one.pid)
        look_at_the_ends(ran, inside, outside, f"mdv{number:012x}", net["bridge"])
        found = addresses(inside["eth0"])
        wanted = f"{address}/{net['prefix']}"
        if found != [wanted]:
            raise Fail("MD0809", ran=ran, expected=wanted, kernel=" ".join(found) or "none")
        if inside["eth0"]["address"] != mac:
            raise Fail("MD0824", ran=ran, expected=mac, kernel=inside["eth0"]["address"])
        more = ["lo is up"] if "UP" in inside["lo"]["flags"] else []
        more += routes_of_somebody(box)
        end = outside[f"mdv{number:012x}"]
        more += [f"{address} at the host's end" for address in addresses(end)]
        if more:
            raise Fail("MD0826", ran=ran, expected="a cable and an address",
                       kernel=", ".join(more))  # fmt: skip
        gateway = net["gateway"]
        seen, peer = reach(one.pid, gateway, box, gateway)
        if (seen, peer) != ("answer", address):
            raise Fail("MD0810", ran=ran, expected=f"an answer from {gateway} for {address}",
                       kernel=f"{seen} {peer}")  # fmt: skip
    lease = {"link": "mdv1", "bridge": "mdk1", "mac": mac, "address": address, "prefix": 24}
    errors_come_out(cell, "connect", [1, lease], ["run"], pretended=["run"])


def look_at_the_ends(ran, inside, outside, link, bridge):
    """A cable has two ends: where is each one, is it up, is it plugged in?"""
    if "eth0" not in inside:
        raise Fail("MD0806", ran=ran, expected="lo, eth0", kernel=", ".join(sorted(inside)))
    if link not in outside:
        raise Fail("MD0823", ran=ran, expected=link, kernel=", ".join(sorted(outside)))
    for name, facts in ((f"{link}, the host's", outside[link]), ("eth0, the container's", inside["eth0"])):
        if "UP" not in facts["flags"]:
            raise Fail("MD0807", ran=ran, which=name, kernel=f"flags: {' '.join(facts['flags'])}")
    if outside[link].get("master") != bridge:
        raise Fail("MD0808", ran=ran, expected=f"{link}: master {bridge}",
                   kernel=f"{link}: master {outside[link].get('master', 'none')}")  # fmt: skip


def test_connect_neighbours(subject, cell):
    (first, second), net = some(2), draw()
    asked, asking = f"{net['base']}{first}", f"{net['base']}{second}"
    with cell("connect", numbers=[first, second], net=net) as one:
        a, b = containers(one, str(first), str(second))
        wait(one, "connected", function="connect")
        seen, peer = reach(a, "0.0.0.0", b, asked)
        if (seen, peer) != ("answer", asking):
            raise Fail("MD0811", ran=f"{asking} asks {asked}",
                       expected=f"an answer for {asking}", kernel=f"{seen} {peer}")  # fmt: skip


def shape(found):
    """What must not change: links and addresses, without counters."""
    return sorted(
        f"{name} {address['local']}" for name, link in found.items()
        for address in [*link["addr_info"], {"local": "", "family": "inet"}]
        if address["family"] == "inet"
    )  # fmt: skip


def test_connect_clean(subject, cell):
    (number,), net = some(), draw()
    bridge, gateway = net["bridge"], net["gateway"]
    with cell("connect", numbers=[number], net=net) as one:
        containers(one, str(number))
        before = [f"{bridge} ", f"{bridge} {gateway}", "lo ", "lo 127.0.0.1", f"lo {WORLD}"]
        wait(one, "connected", function="connect")
        one.answer()
        one.expect("ended")
        found = settled(lambda: shape(links(one.pid)), before)
        if found != before:
            more = sorted(set(found) ^ set(before))
            raise Fail("MD0812", ran="connect(…), then the container ends",
                       expected=f"lo and {bridge}, as before", kernel=f"different: {', '.join(more)}")  # fmt: skip


def settled(look, wanted):
    """Look again for a while: the kernel takes an ended namespace apart a little later."""
    import time

    end = time.monotonic() + 3 * patience()
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return found


# --- default_route ---------------------------------------------------------------------


def a_few_of_the_world():
    """An address in each eighth of all, and none of a neighbour."""
    starts = (16, 48, 80, 112, 144, 176, 193, 208)
    return [f"{at + random.randrange(10)}.{random.randrange(256)}.1.1" for at in starts]


def test_route(subject, cell):
    (number,), net = some(), draw()
    gateway = net["gateway"]
    with cell("route", net=net, number=number) as one:
        (far,) = containers(one, "far")
        pid = wait(one, "routed", function="default_route").sender
        for server, target in ((one.pid, gateway), (far, "198.51.100.2")):
            seen, peer = reach(server, target, pid, target)
            if (seen, peer) != ("answer", f"{net['base']}{number}"):
                routes = command(pid, "ip", "route").replace("\n", "; ")
                raise Fail("MD0813", ran=f"default_route(kernel, {gateway!r})",
                           expected=f"an answer from {target}", kernel=f"{seen}; {routes}")  # fmt: skip
        near = f"{net['base']}{random.choice([one for one in range(2, HIGHEST) if one != number])}"
        found = command(pid, "sh", "-c", f"ip route get {near} 2>&1; true")
        if " via " in found or "eth0" not in found:
            raise Fail("MD0827", ran=f"default_route(kernel, {gateway!r})",
                       expected=f"the neighbour {near} is reached by eth0 itself",
                       kernel=command(pid, "ip", "route").replace("\n", "; "))  # fmt: skip
        for target in a_few_of_the_world():
            found = command(pid, "sh", "-c", f"ip route get {target} 2>&1; true")
            if f"{target} via {gateway} " not in found:
                raise Fail("MD0813", ran=f"default_route(kernel, {gateway!r})",
                           expected=f"{target} is reached via {gateway}",
                           kernel=command(pid, "ip", "route").replace("\n", "; "))  # fmt: skip
    errors_come_out(cell, "default_route", ["10.9.8.1"], ["route_add"], pretended=["route_add"])
