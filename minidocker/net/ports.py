"""Published ports: what -p says."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.net import addresses
from minidocker.spec.spec import Port

MOST = 1000  # ports in one -p: each one costs a socket and two rules


def port(host: int, container: int, protocol: str = "tcp", address: str = "") -> Port:
    """Make a Port, with its `match`."""
    where = f"ip daddr {address}" if address else "fib daddr type local"
    match = f"{where} {protocol} dport {host}"
    return Port(host=host, container=container, protocol=protocol, address=address, match=match)


def parse(text: str) -> list[Port]:
    """Read -p [ADDRESS:]HOST:CONTAINER[/udp]; HOST and CONTAINER may be ranges of equal length."""
    numbers, _, protocol = text.partition("/")
    words = numbers.split(":")
    if len(words) == 1:
        words = [words[0], words[0]]
    address = words.pop(0) if len(words) == 3 else ""
    if len(words) != 2 or protocol not in ("", "tcp", "udp"):
        raise _wrong(text)
    if address:
        try:
            addresses.number(address)
        except ValueError:
            raise _wrong(text) from None
    hosts, inside = (_range(word, text) for word in words)
    if len(hosts) != len(inside):
        raise UsageError(f"-p {text}: the two ranges differ in length", "-p 8000-8010:8000-8010")
    address = "" if address == "0.0.0.0" else address
    pairs = zip(hosts, inside, strict=True)
    return [port(host, container, protocol or "tcp", address) for host, container in pairs]


def _range(word: str, text: str) -> range:
    first, dash, last = word.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise _wrong(text)
    numbers = range(int(first), int(last or first) + 1)
    if not numbers or not 1 <= numbers[0] <= numbers[-1] <= 65535 or len(numbers) > MOST:
        raise _wrong(text)
    return numbers


def _wrong(text: str) -> UsageError:
    return UsageError(
        f"-p {text!r} is not [ADDRESS:]HOSTPORT:PORT[/udp]",
        "such as -p 8080:80   or   -p 127.0.0.1:8080:80/udp",
    )
