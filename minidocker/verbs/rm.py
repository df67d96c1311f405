"""`minidocker rm`."""

from __future__ import annotations

from minidocker.engine import ending
from minidocker.images.store.store import Store
from minidocker.verbs.each import each
from minidocker.verbs.parser import make


def main(argv: list[str]) -> int:
    """Remove containers; return the exit status."""
    parser = make("rm", "Remove containers that have ended; with -f those that run, too.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    parser.add_argument("-f", "--force", action="store_true",
                        help="kill those that run; one that is not there is no error")  # fmt: skip
    parser.add_argument("-v", "--volumes", action="store_true",
                        help="also their anonymous volumes")  # fmt: skip
    args = parser.parse_args(argv)
    return each(
        Store(), args.names, lambda found: ending.remove(found, args.force, args.volumes),
        missing_ok=args.force,
    )  # fmt: skip
