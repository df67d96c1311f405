"""Checks of lesson 08: the network, looked at from outside, and used.

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
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux

GATEWAY, WORLD, SUBNET = "10.77.0.1", "192.0.2.1", "10.77.0.0/24"
PORT = 4000
SECONDS = 1.5  # so long may an answer take, on a network that is all in one machine


def joined(look, *pids):
    """Call look(enter) in a child of ours; enter(n) moves it into the network of pids[n]."""
    end, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            doors = [os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in pids]
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


def links(pid):
    """Return {name: facts} of the links of a process's network: ip -json addr."""
    found = json.loads(command(pid, "ip", "-json", "-details", "addr", "show"))
    return {link["ifname"]: link for link in found}


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


def wait(one, *events, function=""):
    """Wait for an event of the scene; what the kernel or a tool refused is a failure."""
    message = one.expect(*events, "refused")
    if message.event == "refused":
        raise Fail("MD0805", ran=one.doing, function=function, text=message["text"])
    return message


def containers(one, *names):
    """Collect the containers that the scene has started: name → pid out here."""
    found = {}
    while len(found) < len(names):
        message = one.expect("container")
        found[message["name"]] = message.sender
    return [found[name] for name in names]


# --- loopback_up -----------------------------------------------------------------------


def test_loopback(subject, cell):
    with cell("loopback") as one:
        pid = wait(one, "up", function="loopback_up").sender
        seen, _ = reach(pid, "127.0.0.1", pid, "127.0.0.1")
        if seen != "answer":
            state = " ".join(word for word in links(pid)["lo"]["flags"])
            raise Fail("MD0801", ran="loopback_up(kernel), then a connection to 127.0.0.1",
                       expected="an answer, lo UP", kernel=f"{seen}; lo: {state}")  # fmt: skip


# --- CONNECT_ORDER ---------------------------------------------------------------------


def test_connect_order(subject, cell):
    with cell("order") as one:
        (box,) = containers(one, "box")
        message = one.expect("done with the order", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD0802", what=message["what"])
        if message.event == "refused":
            raise Fail("MD0803", step=message["step"], text=message["text"])
        seen, _ = reach(one.pid, WORLD, box, WORLD)
        if seen != "answer":
            raise Fail("MD0804", ran="the steps of CONNECT_ORDER",
                       expected=f"an answer from {WORLD}", kernel=seen)  # fmt: skip


# --- connect ---------------------------------------------------------------------------


def test_connect_plugged(subject, cell):
    number = random.randrange(2, 250)
    address, mac = f"10.77.0.{number}", f"02:4d:0a:4d:00:{number:02x}"
    with cell("connect", numbers=[number]) as one:
        (box,) = containers(one, str(number))
        wait(one, "connected", function="connect")
        ran = f"connect(kernel, pid, the lease of {address})"
        inside, outside = links(box), links(one.pid)
        look_at_the_ends(ran, inside, outside, f"mdv{number:012x}")
        found = [f"{a['local']}/{a['prefixlen']}" for a in inside["eth0"]["addr_info"]
                 if a["family"] == "inet"]  # fmt: skip
        if found != [f"{address}/24"]:
            raise Fail("MD0809", ran=ran, expected=f"{address}/24", kernel=" ".join(found) or "none")
        if inside["eth0"]["address"] != mac:
            raise Fail("MD0824", ran=ran, expected=mac, kernel=inside["eth0"]["address"])
        seen, peer = reach(one.pid, GATEWAY, box, GATEWAY)
        if (seen, peer) != ("answer", address):
            raise Fail("MD0810", ran=ran, expected=f"an answer from {GATEWAY} for {address}",
                       kernel=f"{seen} {peer}")  # fmt: skip


def look_at_the_ends(ran, inside, outside, link):
    """A cable has two ends: where is each one, is it up, is it plugged in?"""
    if "eth0" not in inside:
        raise Fail("MD0806", ran=ran, expected="lo, eth0", kernel=", ".join(sorted(inside)))
    if link not in outside:
        raise Fail("MD0823", ran=ran, expected=link, kernel=", ".join(sorted(outside)))
    for name, facts in ((f"{link}, the host's", outside[link]), ("eth0, the container's", inside["eth0"])):
        if "UP" not in facts["flags"]:
            raise Fail("MD0807", ran=ran, which=name, kernel=f"flags: {' '.join(facts['flags'])}")
    if outside[link].get("master") != "mdk0":
        raise Fail("MD0808", ran=ran, expected=f"{link}: master mdk0",
                   kernel=f"{link}: master {outside[link].get('master', 'none')}")  # fmt: skip


def test_connect_neighbours(subject, cell):
    first, second = random.sample(range(2, 250), 2)
    with cell("connect", numbers=[first, second]) as one:
        a, b = containers(one, str(first), str(second))
        wait(one, "connected", function="connect")
        seen, peer = reach(a, "0.0.0.0", b, f"10.77.0.{first}")
        if (seen, peer) != ("answer", f"10.77.0.{second}"):
            raise Fail("MD0811", ran=f"10.77.0.{second} asks 10.77.0.{first}",
                       expected=f"an answer for 10.77.0.{second}", kernel=f"{seen} {peer}")  # fmt: skip


def shape(found):
    """What must not change: links and addresses, without counters."""
    return sorted(
        f"{name} {address['local']}" for name, link in found.items()
        for address in [*link["addr_info"], {"local": "", "family": "inet"}]
        if address["family"] == "inet"
    )  # fmt: skip


def test_connect_clean(subject, cell):
    number = random.randrange(2, 250)
    with cell("connect", numbers=[number]) as one:
        containers(one, str(number))
        before = ["lo ", "lo 127.0.0.1", f"lo {WORLD}", "mdk0 ", f"mdk0 {GATEWAY}"]
        wait(one, "connected", function="connect")
        one.answer()
        one.expect("ended")
        found = settled(lambda: shape(links(one.pid)), before)
        if found != before:
            more = sorted(set(found) ^ set(before))
            raise Fail("MD0812", ran="connect(…), then the container ends",
                       expected="lo and mdk0, as before", kernel=f"different: {', '.join(more)}")  # fmt: skip


def settled(look, wanted):
    """Look again for a while: the kernel takes an ended namespace apart a little later."""
    import time

    end = time.monotonic() + 3 * patience()
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return found


# --- default_route ---------------------------------------------------------------------


def test_route(subject, cell):
    with cell("route") as one:
        (far,) = containers(one, "far")
        pid = wait(one, "routed", function="default_route").sender
        for server, target in ((one.pid, GATEWAY), (far, "198.51.100.2")):
            seen, peer = reach(server, target, pid, target)
            if (seen, peer) != ("answer", "10.77.0.2"):
                routes = command(pid, "ip", "route").replace("\n", "; ")
                raise Fail("MD0813", ran=f"default_route(kernel, {GATEWAY!r})",
                           expected=f"an answer from {target}", kernel=f"{seen}; {routes}")  # fmt: skip


# --- lease -----------------------------------------------------------------------------


def table_of(*numbers, base="10.77.0."):
    return "".join(f"{base}{number}\tbox{number}\n" for number in numbers)


def test_lease_free(subject, cell):
    """The gaps of a table are filled from below, and the table says so."""
    taken = [2, 3, *random.sample(range(5, 12), 3), random.randrange(40, 50)]  # 4, but not 4x
    random.shuffle(taken)
    free = [number for number in range(2, 20) if number not in taken][:3]
    wanted = [f"10.77.0.{number}" for number in free]
    owners = ["a1", "b2 web", "c3"]
    with cell("lease", table=table_of(*taken), subnet=SUBNET, owners=owners) as one:
        message = one.expect("leased")
        if message["seen"] != [repr(address) for address in wanted]:
            raise Fail("MD0814", ran=f"three leases; taken: {' '.join(map(str, sorted(taken)))}",
                       expected=" ".join(wanted), kernel=" ".join(message["seen"]))  # fmt: skip
        lines = sorted(message["table"].splitlines())
        right = sorted(table_of(*taken).splitlines()
                       + [f"{a}\t{o}" for a, o in zip(wanted, owners, strict=True)])  # fmt: skip
        if lines != right:
            lost = sorted(set(lines) ^ set(right))
            raise Fail("MD0815", ran="three leases", expected=f"{len(right)} lines",
                       kernel=f"{len(lines)} lines; different: {lost[:4]}")  # fmt: skip


def test_lease_full(subject, cell):
    """A small subnet that does not begin at 0: its first host address is the bridge's."""
    subnet, base = "10.99.0.16/29", "10.99.0."
    full = table_of(*range(18, 23), base=base)
    with cell("lease_again", table=full, subnet=subnet, owner="late") as one:
        seen = one.expect("leased")["seen"]
        ran = f"lease in {subnet}, of which 18 to 22 are taken"
        if seen[0] != "LookupError":
            raise Fail("MD0817", ran=ran, expected="LookupError", kernel=seen[0])
        if seen[1] != repr(f"{base}18"):
            raise Fail("MD0814", ran=f"{ran}, and then 18 is free", expected=f"{base}18",
                       kernel=seen[1])  # fmt: skip


def test_lease_at_once(subject, cell):
    count = 20
    with cell("lease_at_once", subnet=SUBNET, count=count) as one:
        message = one.expect("leased")
        seen, ran = message["seen"], f"{count} processes ask at once"
        wanted = {f"10.77.0.{number}" for number in range(2, 2 + count)}
        if set(seen) != wanted or len(seen) != count:
            twice = sorted({address for address in seen if seen.count(address) > 1})
            told = f"twice: {' '.join(twice[:3])}" if twice else " ".join(sorted(seen)[:5])
            raise Fail("MD0816", ran=ran, expected=f"{count} different addresses",
                       kernel=f"{len(set(seen))} different; {told}")  # fmt: skip
        written = {line.partition("\t")[0] for line in message["table"].splitlines()}
        if written != wanted:
            raise Fail("MD0815", ran=ran, expected=f"{count} lines", kernel=f"{len(written)} lines")


# --- publish ---------------------------------------------------------------------------


def published(one):
    """Wait for publish: (container, other machine, rules before)."""
    box, far = containers(one, "box", "far")
    one.expect("before")
    before = rules(one.pid)
    one.answer()
    wait(one, "published", function="publish")
    return box, far, before


def rules(pid):
    """The rules in a network namespace, without counters."""
    return json.loads(command(pid, "nft", "--json", "--stateless", "list", "ruleset"))["nftables"]


def a_port():
    return random.randrange(8000, 9000), random.randrange(3000, 4000)


def test_publish_outside(subject, cell):
    """From another machine, whose address the server must see."""
    for kind in ("tcp", "udp"):
        out, inner = a_port()
        with cell("publish", host=out, container=inner, protocol=kind) as one:
            box, far, _ = published(one)
            seen, peer = reach(box, "0.0.0.0", far, "198.51.100.1", inner, out, kind)
            ran = f"publish: {out} to {inner}/{kind}; another machine asks 198.51.100.1:{out}"
            if seen != "answer":
                raise Fail("MD0818", ran=ran, expected="an answer", kernel=seen)
            if peer != "198.51.100.2":
                raise Fail("MD0820", ran=ran, expected="198.51.100.2", kernel=peer)


def test_publish_host(subject, cell):
    """From the host itself, by each of its addresses."""
    out, inner = a_port()
    with cell("publish", host=out, container=inner, protocol="tcp") as one:
        box, _, _ = published(one)
        for target in (WORLD, "127.0.0.1"):
            seen, _ = reach(box, "0.0.0.0", one.pid, target, inner, out)
            if seen != "answer":
                raise Fail("MD0819", ran=f"publish: {out} to {inner}; the host asks {target}:{out}",
                           expected="an answer", kernel=seen)  # fmt: skip


def test_publish_only(subject, cell):
    """That port and no other, in a table of its own, and everybody else's rules as they were."""
    out, inner = a_port()
    with cell("publish", host=out, container=inner, protocol="tcp") as one:
        box, far, before = published(one)
        ran = f"publish: {out} to {inner}/tcp"
        table = f"minidocker_{2:012x}"
        after = rules(one.pid)
        kept = [entry for entry in after if owner(entry) != table]
        if strip(kept) != strip(before):
            raise Fail("MD0821", ran=ran, expected=names(before), kernel=names(kept))
        for target, port in (("198.51.100.1", out + 1), ("198.51.100.1", inner)):
            seen, _ = reach(box, "0.0.0.0", far, target, inner, port)
            if seen == "answer":
                raise Fail("MD0822", ran=f"{ran}; another machine asks {target}:{port}",
                           expected="no answer", kernel="an answer")  # fmt: skip


def owner(entry):
    """The table that an entry of nft's list belongs to."""
    kind, facts = next(iter(entry.items()))
    return facts.get("name") if kind == "table" else facts.get("table", "")


def strip(entries):
    """Entries without what is no rule: the version of nft, and the numbers that it gives."""
    return [
        {kind: {name: value for name, value in facts.items() if name != "handle"}}
        for entry in entries for kind, facts in entry.items() if kind != "metainfo"
    ]  # fmt: skip


def names(entries):
    counted = [owner(entry) for entry in entries if "rule" in entry]
    told = ", ".join(f"{name}: {counted.count(name)}" for name in sorted(set(counted)))
    return f"rules by table: {told or 'none'}"
