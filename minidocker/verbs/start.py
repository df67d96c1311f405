"""`minidocker start`: containers that were created, or that have ended."""

from __future__ import annotations

from minidocker.engine import again
from minidocker.images.store.store import Store
from minidocker.verbs.each import each
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker create --name box base sh -c 'date >> /days; cat /days'
  minidocker start box; minidocker wait box; minidocker start box; minidocker logs box

It starts as it was asked for: names resolve anew, and its files are those that it left."""


def main(argv: list[str]) -> int:
    """Start containers; print the name of each; return the exit status."""
    parser = make("start", "Start containers that were created, or that have ended.", AFTER)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    return each(Store(), args.names, again.start)
