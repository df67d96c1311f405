"""`minidocker unpause`."""

from __future__ import annotations

from minidocker.engine import freezing
from minidocker.images.store.store import Store
from minidocker.verbs.each import each
from minidocker.verbs.parser import make


def main(argv: list[str]) -> int:
    """Let the processes of paused containers go on; print the name of each."""
    parser = make("unpause", "Let the processes of paused containers go on.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    return each(Store(), args.names, freezing.unfreeze)
