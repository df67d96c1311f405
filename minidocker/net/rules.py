"""What is said to nft(8): a table for each network, and tables for each container.

Nothing of ours stands in a table of others, and removing ours is removing these tables. A network's
is `ip minidocker_mdk0`; a container's are `ip minidocker_ID` and `netdev minidocker_ID`.
"""

from __future__ import annotations

from minidocker.net import addresses
from minidocker.net.leases import PREFIX

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidocker.net.leases import Lease

FAMILIES = ("ip", "netdev")


def network(bridge: str, subnet: str) -> str:
    """The rules of one network, whoever is in it.

    raw: route_localnet lets answers to 127.0.0.1 in; nobody shall use it to reach loopback.
    forward: what belongs to a network stays in it, but for published ports and what goes out.
    postrouting: what leaves takes the host's address; what the bridge turns around takes the
    bridge's, or the answer would go straight to the asker, who waits for another address.
    """
    return f"""\
table ip {PREFIX}{bridge} {{
  chain raw {{
    type filter hook prerouting priority -300
    iifname "{bridge}" ip daddr 127.0.0.0/8 counter drop
  }}
  chain forward {{
    type filter hook forward priority 0
    iifname "{bridge}" oifname "{bridge}" counter accept
    ct state established,related counter accept
    ct status dnat counter accept
    iifname "{bridge}" oifname "mdk*" counter drop
    oifname "{bridge}" counter drop
  }}
  chain postrouting {{
    type nat hook postrouting priority 100
    oifname != "{bridge}" ip saddr {subnet} counter masquerade
    oifname "{bridge}" ct status dnat ip saddr {{ 127.0.0.0/8, {subnet} }} counter masquerade
  }}
}}
"""


def guard(lease: Lease) -> str:
    """The rules at the host's end of a container's cable: it may speak for itself only.

    No frame from another Ethernet address, no packet from another IPv4 address, no ARP that
    claims one, and no other protocol (IPv6 router advertisements, for one: CVE-2020-13401).
    """
    return f"""\
table netdev {lease.table} {{
  chain guard {{
    type filter hook ingress device "{lease.link}" priority 0
    ether saddr != {lease.mac} counter drop
    ip saddr != {lease.address} counter drop
    arp saddr ip != {lease.address} counter drop
    arp saddr ether != {lease.mac} counter drop
    ether type != ip ether type != arp counter drop
  }}
}}
"""


def gone(names: Iterable[str]) -> str:
    """Remove tables, by "ip NAME": each is named first, so that one which is not there is fine."""
    return "".join(f"table {name} {{ }}\ndelete table {name}\n" for name in names)


def of_cable(cable: str) -> list[str]:
    """Return the names of the tables of a container's cable: ID or ID_NUMBER."""
    return [f"{family} {PREFIX}{cable}" for family in FAMILIES]


def bridge_up(bridge: str, subnet: str, mac: str) -> str:
    """What is said to `ip -batch -` to make a bridge with an Ethernet address that stays."""
    return f"""\
link add {bridge} address {mac} type bridge
addr add {addresses.gateway(subnet)}/{addresses.prefix(subnet)} dev {bridge}
link set {bridge} up
"""


def foreign_drops(chains: str) -> list[str]:
    """Find others' chains that drop by policy, in `nft list chains`: "ip filter FORWARD"."""
    found, table, chain = [], "", ""
    for line in chains.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            table = " ".join(words[1:3])
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif "hook forward" in line and "policy drop" in line and PREFIX not in table:
            found.append(f"{table} {chain}")
    return found
