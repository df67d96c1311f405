"""`minidocker stop`: a signal, some patience, then SIGKILL."""

from __future__ import annotations

from minidocker.engine import ending
from minidocker.images.store.store import Store
from minidocker.plan.notes import signal_number
from minidocker.verbs.each import each
from minidocker.verbs.own_parts import add_mine, own_of
from minidocker.verbs.parser import Parser, make


def main(argv: list[str]) -> int:
    """Stop containers; print the name of each; return the exit status."""
    parser = make(
        "stop",
        "End containers: their stop signal first (run's --stop-signal, or the image's; else\n"
        "SIGTERM), and SIGKILL for those that still run after the timeout.",
    )
    parser.add_argument("-s", "--signal", default="", help="this signal instead")
    stop_words(parser)
    add_mine(parser, "let your own stop end them (lesson 14)")
    args = parser.parse_args(argv)
    number = signal_number(args.signal, "--signal") if args.signal else None
    own = own_of(args, "stop", "stop", " ".join(args.names))
    return each(Store(), args.names, lambda found: ending.stop(found, number, args.timeout, own))


def stop_words(parser: Parser) -> None:
    """Add what stop and restart are told alike: how long to wait, and for whom."""
    parser.add_argument(
        "-t", "--timeout", "--time", type=int, default=None, metavar="SECONDS",
        help="10, or what --stop-timeout of run said; -1 waits for ever",
    )  # fmt: skip
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
