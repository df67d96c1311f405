"""What is said to nf_tables in bytes, of the rules that every start and every end of a run has.

The texts in `rules` say the same to nft(8), whose start takes as long as a third of a run.
tests/unit/test_net.py lets nft(8) read both, and compares.
"""

from __future__ import annotations

from minidocker.kernel.netlink import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_APPEND,
    NLM_F_CREATE,
    attribute,
    message,
    nested,
    text,
)
from minidocker.net import rules
from minidocker.net.addresses import number

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidocker.kernel.interface import Kernel
    from minidocker.net.leases import Lease

NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 16, 17
NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE = 0xA00, 0xA02, 0xA03, 0xA06
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
FAMILIES = {"inet": 1, "ip": 2, "netdev": 5}
NAME = 1  # NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE: which table it is
LINK, NETWORK = 0, 1  # where an offset begins: NFT_PAYLOAD_LL_HEADER, NFT_PAYLOAD_NETWORK_HEADER
PROTOCOL, IIFTYPE = 1, 8  # NFT_META_PROTOCOL, NFT_META_IIFTYPE
EQUAL, OTHER = 0, 1  # NFT_CMP_EQ, NFT_CMP_NEQ
ETHERNET = b"\1\0"  # ARPHRD_ETHER, in the order of this machine
IP, ARP = b"\x08\x00", b"\x08\x06"  # ETH_P_IP, ETH_P_ARP, in the network's
REGISTER = (1, 1)  # attribute 1, NFT_REG_1


def batch(messages: Iterable[bytes]) -> list[bytes]:
    """Let the messages be done all or none."""
    head = bytes(2) + SUBSYSTEM.to_bytes(2, "big")
    return [message(NFNL_MSG_BATCH_BEGIN, 0, head), *messages, message(NFNL_MSG_BATCH_END, 0, head)]


def about(family: str) -> bytes:
    """Return what each message begins with. struct nfgenmsg { u8 family; u8 version; u16 id; }"""
    return bytes((FAMILIES[family], 0, 0, 0))


def word(kind: int, value: int) -> bytes:
    """Return an attribute whose value is a number, in the network's order."""
    return attribute(kind, value.to_bytes(4, "big"))


def expression(name: str, *attributes: bytes) -> bytes:
    """Return one step of a rule. NFTA_LIST_ELEM of NFTA_EXPR_NAME, NFTA_EXPR_DATA"""
    return nested(1, text(1, name), nested(2, *attributes))


def meta(key: int, value: bytes) -> bytes:
    """Go on when what is known beside the packet has this value."""
    return expression("meta", word(2, key), word(*REGISTER)) + compare(EQUAL, value)


def payload(base: int, offset: int, value: bytes) -> bytes:
    """Go on when these bytes of the packet have another value."""
    place = word(2, base) + word(3, offset) + word(4, len(value))
    return expression("payload", word(*REGISTER), place) + compare(OTHER, value)


def compare(how: int, value: bytes) -> bytes:
    """Go on when the register has, or has not, this value."""
    return expression("cmp", word(*REGISTER), word(2, how), nested(3, attribute(1, value)))


def counted_drop() -> bytes:
    """Count the packet, and drop it: register 0 is the verdict, NF_DROP is 0."""
    drop = expression("immediate", word(1, 0), nested(2, nested(2, word(1, 0))))
    return expression("counter") + drop


def watch(kernel: Kernel, lease: Lease) -> None:
    """Set the guard at the host's end of a container's cable."""
    kernel.netlink(NETLINK_NETFILTER, guard(lease), f"nft -f - <<'.'\n{rules.guard(lease)}.")


def forget(kernel: Kernel, names: list[str]) -> None:
    """Remove tables, by "ip NAME"; what is not there is fine."""
    kernel.netlink(NETLINK_NETFILTER, gone(names), f"nft -f - <<'.'\n{rules.gone(names)}.")


def guard(lease: Lease) -> list[bytes]:
    """The rules of `rules.guard`: a container speaks for itself only."""
    head = about("netdev") + text(NAME, lease.table)
    mac = bytes.fromhex(lease.mac.replace(":", ""))
    ip = number(lease.address).to_bytes(4, "big")
    steps = (
        meta(IIFTYPE, ETHERNET) + payload(LINK, 6, mac),
        meta(PROTOCOL, IP) + payload(NETWORK, 12, ip),
        meta(PROTOCOL, ARP) + payload(NETWORK, 14, ip),
        meta(PROTOCOL, ARP) + payload(NETWORK, 8, mac),
        meta(IIFTYPE, ETHERNET) + payload(LINK, 12, IP) + payload(LINK, 12, ARP),
    )
    hook = nested(4, word(1, 0), word(2, 0), text(3, lease.link))  # ingress, priority 0, device
    flags = NLM_F_ACK | NLM_F_CREATE
    rules = (
        message(NFT_MSG_NEWRULE, flags | NLM_F_APPEND,
                head, text(2, "guard"), nested(4, step, counted_drop()))
        for step in steps
    )  # fmt: skip
    return batch((
        message(NFT_MSG_NEWTABLE, flags, head),
        message(NFT_MSG_NEWCHAIN, flags, head, text(3, "guard"), hook, text(7, "filter")),
        *rules,
    ))  # fmt: skip


def gone(names: Iterable[str]) -> list[bytes]:
    """Remove tables, by "ip NAME": each is named first, so that one which is not there is fine."""
    messages = []
    for family, name in (one.split() for one in names):
        head = about(family) + text(NAME, name)
        messages += [
            message(NFT_MSG_NEWTABLE, NLM_F_ACK | NLM_F_CREATE, head),
            message(NFT_MSG_DELTABLE, NLM_F_ACK, head),
        ]
    return batch(messages)
