"""`minidocker port`: which port of this host leads to which port of a container."""

from __future__ import annotations

from minidocker.engine import revival
from minidocker.errors import NotFound, UsageError
from minidocker.images.store.store import Store
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker port web              80/tcp -> 0.0.0.0:8080
  minidocker port web 80           0.0.0.0:8080
  minidocker port web 53/udp
"""


def main(argv: list[str]) -> int:
    """Print one line a published port; return the exit status."""
    args = parser().parse_args(argv)
    record = revival.find(Store(), args.name)
    net = record.get("spec", {}).get("net") if record["alive"] else None
    for line in lines((net or {}).get("ports") or [], args.port, args.name):
        print(line)
    return 0


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("port", "List the published ports of a container that runs.", AFTER)
    made.add_argument("name", metavar="CONTAINER", help="a name, an id, or its beginning")
    made.add_argument("port", metavar="PORT[/udp]", nargs="?", default="", help="this one alone")
    return made


def lines(ports: list[dict[str, object]], wanted: str, name: str) -> list[str]:
    """Return "80/tcp -> 0.0.0.0:32768" for each, or for the wanted one what follows the arrow."""
    found = [
        (
            f"{port['container']}/{port['protocol']}",
            f"{port['address'] or '0.0.0.0'}:{port['host']}",
        )
        for port in ports
    ]
    if not wanted:
        return [f"{inside} -> {outside}" for inside, outside in found]
    number, slash, protocol = wanted.partition("/")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) < 65536) or (
        slash and protocol not in ("tcp", "udp")
    ):
        raise UsageError(
            f"{wanted!r} is no port", "80 or 53/udp", docker=f"invalid port '{wanted}'"
        )
    full = f"{int(number)}/{protocol or 'tcp'}"
    chosen = [outside for inside, outside in found if inside == full]
    if not chosen:
        raise NotFound(
            f"the port {full} of {name} is not published", f"minidocker port {name}", 1,
            docker=f"no public port '{full}' published for {name}",
        )  # fmt: skip
    return chosen
