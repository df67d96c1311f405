"""Checks of lesson 09: addresses that are given out, and ports that lead to a container."""

import json
import random

from looking_at_networks import command, containers, draw, reach, some, wait
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail

WORLD = "192.0.2.1"


# --- lease -----------------------------------------------------------------------------


def table_of(*numbers, base="10.77.0."):
    return "".join(f"{base}{number}\tbox{number}\n" for number in numbers)


def test_lease_free(subject, cell):
    """The gaps of a table are filled from below, and the table says so."""
    first, *rest = random.sample(range(5, 12), 3)
    rest += [2, 3]
    random.shuffle(rest)
    taken = [first, *rest, random.randrange(40, 50)]  # 4x, but not 4; 3 is neither first nor last
    free = [number for number in range(2, 20) if number not in taken][:3]
    base = draw()["base"]
    wanted = [f"{base}{number}" for number in free]
    owners = ["a1", "b2 web", "a1"]  # who asks twice has two addresses
    lines = table_of(*taken, base=base).splitlines(keepends=True)
    lines.insert(random.randrange(len(lines)), "10.250.3.4\ta box of another network\n")
    table = "".join(lines)
    with cell("lease", table=table, subnet=f"{base}0/24", owners=owners) as one:
        message = one.expect("leased")
        if message["seen"] != [repr(address) for address in wanted]:
            raise Fail("MD0934", ran=f"three leases; taken: {' '.join(map(str, sorted(taken)))}",
                       expected=" ".join(wanted), kernel=" ".join(message["seen"]))  # fmt: skip
        if not message["same_lock"]:
            raise Fail("MD0944", ran="a lease, and then two more")
        lines = sorted(message["table"].splitlines())
        right = sorted(table.splitlines()
                       + [f"{a}\t{o}" for a, o in zip(wanted, owners, strict=True)])  # fmt: skip
        if lines != right:
            lost = sorted(set(lines) ^ set(right))
            raise Fail("MD0935", ran="three leases", expected=f"{len(right)} lines",
                       kernel=f"{len(lines)} lines; different: {lost[:4]}")  # fmt: skip
    args = ["/run/leases", "10.9.8.0/24", "box"]
    errors_come_out(cell, "lease", args, ["lock", "rewrite"])


def test_lease_full(subject, cell):
    """A small subnet that does not begin at 0: its first host address is the bridge's."""
    base = draw()["base"]
    subnet = f"{base}16/29"
    full = table_of(*range(18, 23), base=base)
    with cell("lease_again", table=full, subnet=subnet, owner="late") as one:
        message = one.expect("leased")
        seen = message["seen"]
        ran = f"lease in {subnet}, of which 18 to 22 are taken"
        if seen[0] != "LookupError":
            raise Fail("MD0937", ran=ran, expected="LookupError", kernel=seen[0])
        if message["after"] != full:
            raise Fail("MD0935", ran=ran, expected="the table as it was, 5 lines",
                       kernel=f"{len(message['after'].splitlines())} lines")  # fmt: skip
        for number, found in ((18, seen[1]), (22, seen[2])):
            if found != repr(f"{base}{number}"):
                raise Fail("MD0934", ran=f"{ran}, and then {number} is free",
                           expected=f"{base}{number}", kernel=found)  # fmt: skip
    goes_on_after_255(cell)


def goes_on_after_255(cell):
    """In a subnet of 4096 addresses, one that ends in 255, or in 0, is like any other."""
    base = draw()["base"]
    nearest, _, third = base[:-1].rpartition(".")
    full = random.randrange(3, 9)  # so many times 256 addresses are taken
    last = f"{nearest}.{int(third) + full}."
    wanted = [f"{last}255", f"{nearest}.{int(third) + full + 1}.0"]
    table = table_of(*range(2, 256), base=base) + table_of(*range(255), base=last)
    table += "".join(table_of(*range(256), base=f"{nearest}.{int(third) + one}.")
                     for one in range(1, full))  # fmt: skip
    with cell("lease", table=table, subnet=f"{base}0/20", owners=["one", "more"]) as one:
        seen = one.expect("leased")["seen"]
        if seen != [repr(address) for address in wanted]:
            raise Fail("MD0934", ran=f"two leases in {base}0/20; taken: all up to {last}254",
                       expected=" ".join(wanted), kernel=" ".join(seen))  # fmt: skip


def test_lease_at_once(subject, cell):
    count, base = 20, draw()["base"]
    subnet = f"{base}0/24"
    with cell("lease_at_once", subnet=subnet, count=count) as one:
        message = one.expect("leased")
        seen, ran = message["seen"], f"{count} processes ask at once"
        wanted = {f"{base}{number}" for number in range(2, 2 + count)}
        if set(seen) != wanted or len(seen) != count:
            twice = sorted({address for address in seen if seen.count(address) > 1})
            told = f"twice: {' '.join(twice[:3])}" if twice else " ".join(sorted(seen)[:5])
            raise Fail("MD0936", ran=ran, expected=f"{count} different addresses",
                       kernel=f"{len(set(seen))} different; {told}")  # fmt: skip
        written = {line.partition("\t")[0] for line in message["table"].splitlines()}
        if written != wanted:
            raise Fail("MD0935", ran=ran, expected=f"{count} lines", kernel=f"{len(written)} lines")

    with cell("lease_beside", subnet=subnet, first=f"{base}2") as one:
        message = one.expect("leased")
        ran = f"another process holds PATH.lock, and enters {base}2 meanwhile"
        if message["seen"] != repr(f"{base}3"):
            raise Fail("MD0936", ran=ran, expected=repr(f"{base}3"), kernel=message["seen"])
        if f"{base}2\tother" not in message["table"].splitlines():
            raise Fail("MD0935", ran=ran, expected="the other's line stays",
                       kernel=repr(message["table"]))  # fmt: skip


# --- publish ---------------------------------------------------------------------------


def published(one):
    """Wait for publish: (container, other machine, rules before)."""
    box, far = containers(one, "box", "far")
    one.expect("before")
    before = rules(one.pid)
    one.answer()
    wait(one, "published", function="publish", code="MD0925")
    return box, far, before


def rules(pid):
    """The rules in a network namespace, without counters."""
    return json.loads(command(pid, "nft", "--json", "--stateless", "list", "ruleset"))["nftables"]


def a_port():
    """A port outside and one inside, neither of them usual."""
    return random.randrange(8100, 8999), random.randrange(3001, 3999)


def test_publish_outside(subject, cell):
    """From another machine, whose address the server must see."""
    for kind in ("tcp", "udp"):
        out, inner = a_port()
        (number,) = some()
        with cell("publish", host=out, container=inner, protocol=kind, net=draw(),
                  number=number) as one:  # fmt: skip
            box, far, _ = published(one)
            seen, peer = reach(box, "0.0.0.0", far, "198.51.100.1", inner, out, kind)
            ran = f"publish: {out} to {inner}/{kind}; another machine asks 198.51.100.1:{out}"
            if seen != "answer":
                raise Fail("MD0938", ran=ran, expected="an answer", kernel=seen)
            if peer != "198.51.100.2":
                raise Fail("MD0940", ran=ran, expected="198.51.100.2", kernel=peer)


def test_publish_host(subject, cell):
    """From the host itself, by each of its addresses."""
    out, inner = a_port()
    (number,) = some()
    second = (out + 1000, inner + 1000)  # a container can have two ports, one call for each
    with cell("publish", host=out, container=inner, protocol="tcp", net=draw(),
              number=number, second=list(second)) as one:  # fmt: skip
        box, _, _ = published(one)
        for target in (WORLD, "127.0.0.1"):
            for from_port, to_port in ((out, inner), second):
                seen, _ = reach(box, "0.0.0.0", one.pid, target, to_port, from_port)
                if seen != "answer":
                    ran = f"publish: {from_port} to {to_port}; the host asks {target}:{from_port}"
                    raise Fail("MD0939", ran=ran, expected="an answer", kernel=seen)


def test_publish_only(subject, cell):
    """That port and no other, in a table of its own, and everybody else's rules as they were."""
    out, inner = a_port()
    (number,) = some()
    with cell("publish", host=out, container=inner, protocol="tcp", net=draw(),
              number=number) as one:  # fmt: skip
        box, far, before = published(one)
        ran = f"publish: {out} to {inner}/tcp"
        table = f"minidocker_{number:012x}"
        after = rules(one.pid)
        other = {family(entry) for entry in after if owner(entry) == table} - {"ip"}
        if other:
            raise Fail("MD0945", ran=ran, expected=f"table ip {table}",
                       kernel=f"table {other.pop()} {table}")  # fmt: skip
        kept = [entry for entry in after if owner(entry) != table]
        if strip(kept) != strip(before):
            raise Fail("MD0941", ran=ran, expected=names(before), kernel=names(kept))
        for target, port in (("198.51.100.1", out + 1), ("198.51.100.1", inner)):
            seen, _ = reach(box, "0.0.0.0", far, target, inner, port)
            if seen == "answer":
                raise Fail("MD0942", ran=f"{ran}; another machine asks {target}:{port}",
                           expected="no answer", kernel="an answer")  # fmt: skip
        seen, _ = reach(box, "0.0.0.0", far, "198.51.100.1", inner, out, "udp")
        if seen == "answer":
            raise Fail("MD0942", ran=f"{ran}; another machine asks 198.51.100.1:{out}/udp",
                       expected="no answer", kernel="an answer")  # fmt: skip
        for asking in (box, one.pid):
            seen, _ = reach(far, "198.51.100.2", asking, "198.51.100.2", out, out)
            if seen != "answer":
                who = "the container" if asking == box else "the host"
                raise Fail("MD0943", ran=f"{ran}; {who} asks another machine, 198.51.100.2:{out}",
                           expected="an answer of that machine", kernel=seen)  # fmt: skip
    with cell("publish", host=out, container=inner, protocol="tcp", net=draw(), number=number,
              address="198.51.100.1") as one:  # fmt: skip
        box, far, _ = published(one)
        ran = f"publish: {out} of 198.51.100.1 to {inner}/tcp"
        seen, _ = reach(box, "0.0.0.0", far, "198.51.100.1", inner, out)
        if seen != "answer":
            raise Fail("MD0938", ran=f"{ran}; another machine asks 198.51.100.1:{out}",
                       expected="an answer", kernel=seen)  # fmt: skip
        seen, _ = reach(box, "0.0.0.0", one.pid, WORLD, inner, out)
        if seen == "answer":
            raise Fail("MD0946", ran=f"{ran}; the host asks {WORLD}:{out}", expected="no answer",
                       kernel="an answer")  # fmt: skip
    port = {"match": "tcp dport 80", "container": 80, "host": 80, "protocol": "tcp", "address": ""}
    lease = {"table": "one", "address": "10.9.8.2"}
    errors_come_out(cell, "publish", [port, lease], ["run"], pretended=["run"])


def family(entry):
    """The family of addresses that an entry of nft's list is for."""
    return next(iter(entry.values())).get("family", "")


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
