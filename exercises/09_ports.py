"""Lesson 09: ports and neighbours: addresses that are given out, ports that lead inside.

What you build here: `lease` and `publish`, parts of the stage `network`.
`minidocker run --mine -p 8080:80` takes them as they pass.

`kernel.run(["nft", "-f", "-"], lines)` says lines to a tool of the host, and returns its output.
kernel.read(path), kernel.rewrite(path, text), kernel.exists(path) and kernel.lock(path) are for
files. What the kernel or a tool refuses raises an OSError with its own words.

A `lease` is what a container has in a network:
    lease.address "10.77.0.2"    lease.prefix 24    lease.gateway "10.77.0.1"    lease.bridge "mdk0"
    lease.table, a name for a table of nft that belongs to this container alone

Judge your work with:  minidocker grade 09
"""

from __future__ import annotations

import ipaddress
import os


# 1. REPAIR (rung R2). Right when one container starts, wrong when twenty start at once. (4 lines)
def lease(kernel, path, subnet, owner):
    """Give `owner` the first free address of `subnet`, and write that into the table at `path`.

    Before the first lease there is no table; kernel.exists(path) says so.
    A line of the table: ADDRESS, a tab, the owner. All lines that were there stay. Never given:
    the first address (the network's name), the second (the bridge's), the last (everybody).
    LookupError when none is free. Two processes that ask at once get different addresses:
    hold kernel.lock(path + ".lock"), a descriptor, from the look to the entry. See flock(2).
    """
    table = kernel.read(path) if kernel.exists(path) else ""
    taken = {line.split("\t")[0] for line in table.splitlines()}
    for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
        address = str(host)
        if address not in taken:
            kernel.rewrite(path, f"{table}{address}\t{owner}\n")
            return address
    raise LookupError(f"no address of {subnet} is free")


# 2. CONTRACT (rung R5). A table of nft with two chains. (10 lines)
def publish(kernel, port, lease):
    """Let packets to a port of the host reach a port of the container, in the table lease.table.

    port.match is the first half of a rule: "packets to that port of this host", or of one of its
    addresses alone. port.container is the port inside. The second half sends them on: dnat to
    ADDRESS:PORT. Packets from elsewhere pass the hook `prerouting`. Those that a process of the
    host sends pass `output` instead. Rules of others stay as they are. Say it to
    ["nft", "-f", "-"], in this form:

        table ip NAME {
          chain ANYNAME {
            type nat hook HOOK priority -100
            RULE
          }
        }
    """
    raise NotImplementedError("publish is yours to write")
