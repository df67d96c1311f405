"""Published ports: what -p says."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.net import addresses
from minidocker.spec.spec import Port
from minidocker.spec.words import is_address, is_number

MOST = 1000  # ports in one -p: each one costs a socket and two rules


def port(
    host: int, container: int, protocol: str = "tcp", address: str = "", last: int = 0
) -> Port:
    """Make a Port, with its `match`; `host` 0, or a `last`, leaves the choice to the host."""
    where = f"ip daddr {address}" if address else "fib daddr type local"
    match = f"{where} {protocol} dport {host}"
    return Port(
        host=host, container=container, protocol=protocol, address=address, match=match, last=last
    )


def parse(text: str, _: str = "-p") -> list[Port]:
    """Read -p [[ADDRESS:]HOST:]CONTAINER[/udp]; HOST and CONTAINER may be ranges of equal length.

    A range for one port of the container means "the first of these that is free", and an empty
    HOST, or none, means any that is free.
    """
    plain = _short(text) if "=" in text else text
    numbers, _, protocol = plain.partition("/")
    protocol = protocol.lower() or "tcp"
    address, *words = numbers.rsplit(":", 2) if numbers.count(":") > 1 else [""]
    words = words or numbers.split(":")
    if len(words) == 1:
        words = ["", words[0]]
    if not words[1]:
        raise _wrong(text, f"no port specified: {numbers}<empty>")
    if protocol == "sctp":
        raise UsageError(f"-p {text} is refused: sctp is not passed on here", "tcp or udp")
    if protocol != "tcp" and protocol != "udp":
        raise _wrong(text, f"invalid proto: {protocol}")
    address = _address(address, text)
    inside = _range(words[1], text)
    if words[0].strip("0") == "":
        return [port(0, container, protocol, address) for container in inside]
    hosts = _range(words[0], text, "invalid hostPort")
    if len(inside) == 1 and len(hosts) > 1:
        return [port(hosts[0], inside[0], protocol, address, hosts[-1])]
    if len(hosts) != len(inside):
        raise UsageError(
            f"-p {text}: the two ranges differ in length", "-p 8000-8010:8000-8010",
            docker="invalid ranges specified for container and host Ports: "
            f"{words[1]} and {words[0]}",
        )  # fmt: skip
    pairs = zip(hosts, inside, strict=True)
    return [port(host, container, protocol, address) for host, container in pairs]


def exposed(text: str, option: str) -> list[Port]:
    """Read --expose PORT[-PORT][/udp], and an image's word for the same; the host chooses."""
    numbers, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    try:
        if protocol not in ("tcp", "udp"):
            raise _wrong(text)
        return [port(0, container, protocol) for container in _range(numbers, text)]
    except UsageError:
        raise UsageError(
            f"{option} {text!r} is not PORT[-PORT][/udp]", f"such as {option} 80",
            docker=f"invalid range format for --expose: {text}",
        ) from None  # fmt: skip


def _short(text: str) -> str:
    """Turn Docker's long words, target=80,published=8080,protocol=udp, into the short ones."""
    found = {"protocol": "tcp", "published": ""}
    for field in text.split(","):
        key, _, value = field.partition("=")
        if key not in ("target", "published", "protocol", "mode"):
            raise _wrong(text, f"invalid field key {key}")
        found[key] = value
    if not found.get("target"):
        raise _wrong(text, f"invalid argument {text!r}: target is missing")
    return f"{found['published']}:{found['target']}/{found['protocol']}"


def _address(address: str, text: str) -> str:
    """Check an address of this host; "" for all that it has. 0.0.0.0 says the same."""
    plain = address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address
    if ":" in plain and is_address(plain):
        raise UsageError(
            f"-p {text} is refused: our networks have no IPv6", "an IPv4 address, or none"
        )
    try:
        addresses.number(plain or "0.0.0.0")
    except ValueError:
        raise _wrong(text, f"invalid IP address: {address}") from None
    return "" if plain == "0.0.0.0" else plain


def _range(word: str, text: str, what: str = "invalid containerPort") -> range:
    first, dash, last = word.partition("-")
    numerals = [first, last] if dash else [first]
    if not all(is_number(numeral) for numeral in numerals):
        raise _wrong(text, f"{what}: {word}")
    numbers = range(int(first), int(last or first) + 1)
    if not numbers or not 1 <= numbers[0] <= numbers[-1] <= 65535 or len(numbers) > MOST:
        raise _wrong(text, f"{what}: {word}")
    return numbers


def _wrong(text: str, docker: str = "") -> UsageError:
    return UsageError(
        f"-p {text!r} is not [ADDRESS:]HOSTPORT:PORT[/udp]",
        "such as -p 8080:80   or   -p 127.0.0.1:8080:80/udp", docker=docker,
    )  # fmt: skip
