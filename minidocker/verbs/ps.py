"""`minidocker ps`: the containers, as Docker lists them."""

from __future__ import annotations

import sys

from minidocker.engine import filters
from minidocker.engine.listing import COLUMNS, SHORT, USUAL, chosen, row
from minidocker.engine.own_words import differing
from minidocker.formats.rows import one_line, show
from minidocker.images.store.store import Store
from minidocker.verbs.narrow import add_filter
from minidocker.verbs.own_parts import add_mine, own_of
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker ps                                     those that run
  minidocker ps -a                                  also those that have ended
  minidocker ps -aq --filter status=exited          ids, for another command
  minidocker ps -a --format '{{.Names}}: {{.Status}}'
  minidocker ps --format 'table {{.ID}}\\t{{.Ports}}' --filter label=shop=open
  minidocker ps --format json | jq -r .Names

filters: id, name, label, status, exited, ancestor, before, since, volume, network, publish, health.
Two of one name: either will do; two labels: both. "Exited (?)": its own processes of minidocker
were killed, and nobody saw how the command ended.
"""


def main(argv: list[str]) -> int:
    """List containers; return the exit status."""
    args = parser().parse_args(argv)
    if args.quiet and args.format:
        print("minidocker: --format counts for nothing beside -q", file=sys.stderr)
    store = Store()
    asked = filters.read(store, args.filter)
    records = chosen(store, asked, args.all, args.last if args.last >= 0 or not args.latest else 1)
    if args.quiet:
        for record in records:
            print(record["id"] if args.no_trunc else record["id"][:SHORT])
        return 0
    sized = args.size or ".Size" in args.format
    rows = [row(store, record, args.no_trunc, sized) for record in records]
    if own := own_of(args, "ps", "status_of", ""):
        for record, shown in zip(records, rows, strict=True):
            if said := differing(record, own):
                shown["Status"] = one_line(f"{said} (says your status_of; ours: {shown['Status']})")
    show(rows, args.format, COLUMNS, USUAL + ("\t{{.Size}}" if args.size else ""))
    return 0


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("ps", "List containers.", AFTER)
    made.add_argument("-a", "--all", action="store_true", help="also those that have ended")
    add_filter(made, "what stands below")
    made.add_argument("--format", default="", metavar="FORMAT",
                      help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    made.add_argument("-n", "--last", type=int, default=-1, metavar="N",
                      help="the N that were created last, running or not")  # fmt: skip
    made.add_argument("-l", "--latest", action="store_true", help="the one created last")
    made.add_argument("--no-trunc", action="store_true", help="cut nothing off")
    made.add_argument("-q", "--quiet", action="store_true", help="ids only")
    add_mine(made, "let your own status_of say how they are (lesson 14)")
    made.add_argument("-s", "--size", action="store_true", help="also how much disk they take")
    return made
