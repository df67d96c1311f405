"""IPv4 subnets as numbers. (The module ipaddress costs a start 10 ms.)"""

from __future__ import annotations

from minidocker.errors import UsageError

OURS = "10.77.{}.0/24"
"""What a network gets when nobody says a subnet: the first of these that is free."""


def number(address: str) -> int:
    """Turn "10.77.0.2" into a number; ValueError for what is no IPv4 address."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise ValueError(f"{address!r} is no IPv4 address")
    return int.from_bytes(bytes(map(int, parts)), "big")


def text(value: int) -> str:
    """Turn a number back into "10.77.0.2"."""
    return ".".join(map(str, value.to_bytes(4, "big")))


def span(subnet: str) -> tuple[int, int]:
    """Return the first and the last number of "10.77.0.0/24": the network's and the broadcast."""
    network, _, bits = subnet.partition("/")
    size = 1 << 32 - int(bits)
    first = number(network)
    return first, first + size - 1


def gateway(subnet: str) -> str:
    """Return the first address for a host: the bridge has it."""
    return text(span(subnet)[0] + 1)


def prefix(subnet: str) -> int:
    """Return 24 for "10.77.0.0/24"."""
    return int(subnet.partition("/")[2])


def mac(address: str) -> str:
    """Make an Ethernet address from an IPv4 address.

    A container that gets an address again gets this one again too: no neighbour has an old one
    in its table. The first byte says "given locally", to one receiver.
    """
    return ethernet(0x4D, number(address))


def ethernet(kind: int, value: int) -> str:
    """Make an Ethernet address of our own: 02, what it is for, 32 bits."""
    return ":".join(f"{byte:02x}" for byte in bytes((2, kind)) + value.to_bytes(4, "big"))


def parse_address(text: str, option: str) -> str:
    """Check an IPv4 address; "" asks for none."""
    try:
        number(text or "0.0.0.0")
    except ValueError:
        raise UsageError(f"{option} {text} is no IPv4 address", f"{option} 10.77.0.9") from None
    return text


def parse_mac(text: str, option: str) -> str:
    """Check the Ethernet address of one device, and write it as ip(8) does."""
    parts = text.strip().lower().replace("-", ":").split(":")
    if (
        len(parts) != 6
        or any(len(part) != 2 or part.strip("0123456789abcdef") for part in parts)
        or int(parts[0], 16) & 1  # for a group of receivers
        or set(parts) == {"00"}
    ):
        raise UsageError(
            f"{option} {text!r} is no Ethernet address of one device",
            f"such as {option} 02:42:ac:11:00:02", docker=f"{text} is not a valid mac address",
        )  # fmt: skip
    return ":".join(parts)


def overlap(one: str, other: str) -> bool:
    """Say whether two subnets have an address in common."""
    (a, b), (c, d) = span(one), span(other)
    return a <= d and c <= b


def parse(subnet: str) -> str:
    """Check --subnet: private enough to have hosts, written by its first address."""
    remedy = "such as --subnet 10.99.0.0/24"
    network, slash, bits = subnet.partition("/")
    try:
        first = number(network)
    except ValueError:
        first = -1
    if first < 0 or not slash or not bits.isdecimal() or not 8 <= int(bits) <= 29:
        raise UsageError(f"--subnet {subnet!r} is no IPv4 subnet of /8 to /29", remedy)
    start = first >> 32 - int(bits) << 32 - int(bits)
    if start != first:
        raise UsageError(
            f"--subnet {subnet} does not begin a /{bits}", f"--subnet {text(start)}/{bits}"
        )
    if overlap(subnet, "127.0.0.0/8") or number("224.0.0.0") <= span(subnet)[1]:
        raise UsageError(f"--subnet {subnet} has addresses that no host can have", remedy)
    return subnet


def routed(table: str) -> list[str]:
    """Read /proc/net/route: the subnets that this host reaches already, without "default"."""
    found = []
    for line in table.splitlines()[1:]:
        words = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(words[n]), "little") for n in (1, 7))
        if mask:
            found.append(f"{text(destination)}/{mask.bit_count()}")
    return found
