"""What is said to rtnetlink(7): a cable between a bridge and a process, as bytes.

ip(8) would say the same. Two starts of it took longer than all else that a bridge asks of a run.
"""

from __future__ import annotations

from minidocker.kernel.netlink import (
    NETLINK_ROUTE,
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_EXCL,
    attribute,
    message,
    nested,
    text,
)
from minidocker.net.addresses import number

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidocker.kernel.interface import Kernel
    from minidocker.net.leases import Lease

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 17, 20, 24
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_PID = 1, 3, 10, 18, 19
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
VETH_INFO_PEER, IFLA_BRPORT_MODE = 1, 4
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_GATEWAY, RT_TABLE_MAIN, RTPROT_BOOT, RTN_UNICAST = 5, 254, 3, 1
AF_INET, IFF_UP = 2, 1


def lay(kernel: Kernel, pid: int, lease: Lease) -> None:
    """Put a cable between the bridge and process `pid`, whose end has the address of the lease."""
    kernel.netlink(
        NETLINK_ROUTE, pair(pid, lease, kernel.index_of(lease.bridge)),
        f"ip link add {lease.link} master {lease.bridge} up type veth "
        f"peer name {lease.device} address {lease.mac} netns {pid}\n"
        f"ip link set {lease.link} type bridge_slave hairpin on",
    )  # fmt: skip
    enter = f"nsenter --net=/proc/{pid}/ns/net ip"
    kernel.netlink(
        NETLINK_ROUTE, address(lease, kernel.index_of(lease.device, pid)),
        f"{enter} addr add {lease.address}/{lease.prefix} dev {lease.device}\n"
        f"{enter} link set {lease.device} up",
        pid,
    )  # fmt: skip


def cut(kernel: Kernel, devices: list[str]) -> None:
    """Remove devices, each by itself; where one could not be, it raises."""
    shell = "\n".join(f"ip link del {name}" for name in devices)
    kernel.netlink(NETLINK_ROUTE, gone(devices), shell)


def link_head(index: int = 0, up: bool = False) -> bytes:
    """Return what a message about a device begins with; up: it shall be switched on."""
    # struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change; }
    return bytes(4) + b"".join(n.to_bytes(4, "little") for n in (index, up * IFF_UP, up * IFF_UP))


def pair(pid: int, lease: Lease, bridge: int) -> list[bytes]:
    """Make the pair, one end in the bridge (its number), the other in the network of `pid`.

    hairpin: a frame may leave by the port that it came from. So a container reaches its own
    published port also where bridged frames pass the host's rules (br_netfilter).
    """
    mac = bytes.fromhex(lease.mac.replace(":", ""))
    peer = (
        text(IFLA_IFNAME, lease.device), attribute(IFLA_ADDRESS, mac),
        attribute(IFLA_NET_NS_PID, pid.to_bytes(4, "little")),
    )  # fmt: skip
    made = message(
        RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
        link_head(up=True),
        text(IFLA_IFNAME, lease.link),
        attribute(IFLA_MASTER, bridge.to_bytes(4, "little")),
        nested(
            IFLA_LINKINFO,
            text(IFLA_INFO_KIND, "veth"),
            nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, link_head(), *peer)),
        ),
    )  # fmt: skip
    hairpin = message(
        RTM_NEWLINK, NLM_F_ACK,
        link_head(),
        text(IFLA_IFNAME, lease.link),
        nested(
            IFLA_LINKINFO,
            text(IFLA_INFO_SLAVE_KIND, "bridge"),
            nested(IFLA_INFO_SLAVE_DATA, attribute(IFLA_BRPORT_MODE, b"\1")),
        ),
    )  # fmt: skip
    return [made, hairpin]


def address(lease: Lease, device: int) -> list[bytes]:
    """Give the device (its number) the address of the lease, and switch it on."""
    value = number(lease.address).to_bytes(4, "big")
    # struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index; }
    head = bytes((AF_INET, lease.prefix, 0, 0)) + device.to_bytes(4, "little")
    given = message(
        RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
        head, attribute(IFA_LOCAL, value), attribute(IFA_ADDRESS, value),
    )  # fmt: skip
    return [given, message(RTM_NEWLINK, NLM_F_ACK, link_head(device, up=True))]


def default(gateway: str) -> bytes:
    """Send all that is for no neighbour to the gateway; EEXIST where there is a way out already."""
    # struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }
    head = bytes((AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, 0, RTN_UNICAST)) + bytes(4)
    way = attribute(RTA_GATEWAY, number(gateway).to_bytes(4, "big"))
    return message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, head, way)


def named(device: int, mac: str) -> bytes:
    """Give the device (its number) its Ethernet address."""
    address = attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    return message(RTM_NEWLINK, NLM_F_ACK, link_head(device), address)


def gone(devices: Iterable[str]) -> list[bytes]:
    """Remove devices: each by itself, whatever becomes of the others."""
    return [
        message(RTM_DELLINK, NLM_F_ACK, link_head(), text(IFLA_IFNAME, name)) for name in devices
    ]
