"""netlink(7): messages to the kernel's tables of devices and packet rules, and its answers.

A message is a head of 16 bytes, a body of a fixed form, and attributes: length, kind, value, with
zeros up to the next multiple of four. An attribute may hold others.
"""

from __future__ import annotations

import os
from errno import EBADMSG

from minidocker.errors import KernelError
from minidocker.kernel.libc import ask, call, ctypes, libc

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

AF_INET, AF_NETLINK, SOCK_DGRAM, SOCK_CLOEXEC = 2, 16, 2, 0o2000000
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 1, 4, 0x200, 0x400, 0x800
NLM_F_ACK_TLVS = 0x200
NLMSG_ERROR, NLMSGERR_ATTR_MSG = 2, 1
NLA_F_NESTED = 0x8000
HEAD = 16  # struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 port; }
SIOCGIFINDEX = 0x8933
MSG_DONTWAIT = 0x40
LARGEST = 1 << 16
KEPT: dict[tuple[int, int], int] = {}  # (process, network namespace) → a socket
NAMES = {16: "RTM_NEWLINK", 17: "RTM_DELLINK", 20: "RTM_NEWADDR", 24: "RTM_NEWROUTE",
         0xA00: "NFT_MSG_NEWTABLE", 0xA02: "NFT_MSG_DELTABLE", 0xA03: "NFT_MSG_NEWCHAIN",
         0xA06: "NFT_MSG_NEWRULE"}  # fmt: skip


def attribute(kind: int, *parts: bytes) -> bytes:
    """Return an attribute: its value is the parts, one after the other."""
    value = b"".join(parts)
    head = (4 + len(value)).to_bytes(2, "little") + kind.to_bytes(2, "little")
    return head + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Return an attribute that holds others."""
    return attribute(kind | NLA_F_NESTED, *attributes)


def text(kind: int, value: str) -> bytes:
    """Return an attribute whose value is a text."""
    return attribute(kind, os.fsencode(value), b"\0")


def message(kind: int, flags: int, *parts: bytes) -> bytes:
    """Return a message, whose answer is asked for when `flags` have NLM_F_ACK."""
    body = b"".join(parts)
    numbers = ((HEAD + len(body), 4), (kind, 2), (NLM_F_REQUEST | flags, 2), (0, 4), (0, 4))
    return b"".join(number.to_bytes(size, "little") for number, size in numbers) + body


def within(pid: int, kind: int, protocol: int) -> int:
    """Make a socket of a family in the network namespace of a process (0: ours); its descriptor.

    A socket stays in the namespace that it was made in, and so does what is said over it. We
    are back before anything else is done; where that fails, nothing may go on.
    """
    if not pid:
        return call("socket(2)", libc.socket, kind, SOCK_DGRAM | SOCK_CLOEXEC, protocol)
    home = ask("open(2)", "/proc/self/ns/net", os.open, "/proc/self/ns/net", os.O_CLOEXEC)
    try:
        there = f"/proc/{pid}/ns/net"
        door = ask("open(2)", there, os.open, there, os.O_RDONLY | os.O_CLOEXEC)
        try:
            call("setns(2)", libc.setns, door, 0, path=there)
        finally:
            os.close(door)
        try:
            return call("socket(2)", libc.socket, kind, SOCK_DGRAM | SOCK_CLOEXEC, protocol)
        finally:
            call("setns(2)", libc.setns, home, 0, path="/proc/self/ns/net")
    finally:
        os.close(home)


def index(device: str, pid: int) -> int:
    """Return the number of a network device, in the network namespace of a process. netdevice(7)"""
    fd = within(pid, AF_INET, 0)
    try:
        # struct ifreq { char name[16]; int index; … }: 40 bytes
        request = ctypes.create_string_buffer(os.fsencode(device)[:15], 40)
        call("ioctl(2) SIOCGIFINDEX", libc.ioctl, fd, SIOCGIFINDEX, request, path=device)
        return int.from_bytes(request.raw[16:20], "little")
    finally:
        os.close(fd)


def say(protocol: int, messages: Sequence[bytes], pid: int, about: str) -> None:
    """Send messages at once, and read an answer to each that asks for one; an error raises."""
    fd = kept() if protocol == NETLINK_NETFILTER and not pid else within(pid, AF_NETLINK, protocol)
    try:
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):  # short answers, with the kernel's words
            one = (ctypes.c_uint * 1)(1)
            libc.setsockopt(fd, SOL_NETLINK, option, one, 4)
        waiting = {
            number: int.from_bytes(one[4:6], "little")
            for number, one in enumerate(messages, 1) if one[6] & NLM_F_ACK
        }  # fmt: skip
        data = b"".join(
            one[:8] + number.to_bytes(4, "little") + one[12:]
            for number, one in enumerate(messages, 1)
        )
        # struct sockaddr_nl { u16 family; u16 pad; u32 port; u32 groups; }: port 0 is the kernel
        kernel = ctypes.create_string_buffer(AF_NETLINK.to_bytes(2, "little"), 12)
        text = ctypes.create_string_buffer(data, len(data))
        call("sendto(2)", libc.sendto, fd, text, len(data), 0, kernel, 12, path=about)
        answer = ctypes.create_string_buffer(LARGEST)
        while waiting:
            # The kernel has answered before sendto(2) returned: what is missing never comes.
            length = call("recv(2)", libc.recv, fd, answer, LARGEST, MSG_DONTWAIT, path=about)
            for number, errno, words in answers(answer.raw[:length]):
                kind = waiting.pop(number, 0)
                if errno:
                    name = NAMES.get(kind, "batch")
                    raise KernelError(f"netlink(7) {name}", errno, about, words)
    finally:
        if fd not in KEPT.values():
            os.close(fd)


def kept() -> int:
    """Return our socket for packet rules, of this network namespace; it ends with the process.

    To close one waits until nf_tables has forgotten what was removed: a grace period of RCU.
    """
    here = (os.getpid(), ask("stat(2)", "/proc/self/ns/net", os.stat, "/proc/self/ns/net").st_ino)
    if here not in KEPT:
        KEPT[here] = within(0, AF_NETLINK, NETLINK_NETFILTER)
    return KEPT[here]


def answers(data: bytes) -> list[tuple[int, int, str]]:
    """Read the kernel's answers: (the message's number, errno or 0, what it says about it)."""
    found = []
    while len(data) >= HEAD + 4:
        length = int.from_bytes(data[:4], "little")
        if not HEAD + 4 <= length <= len(data):
            raise KernelError("recv(2)", EBADMSG)
        if int.from_bytes(data[4:6], "little") == NLMSG_ERROR:
            number = int.from_bytes(data[8:12], "little")
            errno = -int.from_bytes(data[16:20], "little", signed=True)
            told = int.from_bytes(data[6:8], "little") & NLM_F_ACK_TLVS
            found.append((number, errno, words(data[36:length]) if told else ""))
        data = data[length + -length % 4 :]
    return found


def words(attributes: bytes) -> str:
    """Return the sentence among an answer's attributes. NLMSGERR_ATTR_MSG"""
    while len(attributes) >= 4:
        length = int.from_bytes(attributes[:2], "little")
        if length < 4:
            break
        if int.from_bytes(attributes[2:4], "little") & 0x3FFF == NLMSGERR_ATTR_MSG:
            return attributes[4:length].rstrip(b"\0").decode(errors="replace")
        attributes = attributes[length + -length % 4 :]
    return ""
