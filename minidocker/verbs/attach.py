"""`minidocker attach`: join the terminal to a container that runs."""

from __future__ import annotations

import os
import sys
from typing import Any

from minidocker.engine import revival, told
from minidocker.engine.attaching import LEFT, Attached
from minidocker.engine.keys import USUAL, detach_keys
from minidocker.engine.log_file import LOG
from minidocker.engine.logs import Reader
from minidocker.errors import Conflict
from minidocker.images.store.store import Store
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker run -dit --name box base sh; minidocker attach box     ctrl-p ctrl-q leaves it running
  minidocker logs box                                               what it said before

It shows what is said from now on; of what runs in another terminal no more than that. Exit status:
that of the container's command; 0 by the keys."""


def main(argv: list[str]) -> int:
    """Attach; return the container's exit status."""
    args = parser().parse_args(argv)
    record = revival.find(Store(), args.name)
    path = f"{record['directory']}/{LOG}"
    if not record["alive"]:
        raise Conflict(
            f"container {args.name} is not running", f"minidocker start -a {args.name}", 1,
            docker="You cannot attach to a stopped container, start it first",
        )  # fmt: skip
    if not record.get("keeper") and not os.path.exists(path):
        raise Conflict(f"container {args.name} runs in another terminal, and speaks to that alone",
                       "minidocker run -d …   or without --rm", 1)  # fmt: skip
    reader = Reader(record["directory"], path)
    told.tell(record, "attach")
    reader.back(1)  # what was said before is for `logs`
    keys = detach_keys(args.detach_keys)
    if not record.get("keeper"):
        return overhear(record, reader, args.sig_proxy != "false")
    return attached(record, reader, not args.no_stdin, keys, args.sig_proxy != "false")


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("attach", "Join this terminal to a container that runs.", AFTER)
    made.add_argument("--detach-keys", default=USUAL, metavar="KEYS", help="what leaves it running")
    made.add_argument("--no-stdin", action="store_true", help="only listen")
    made.add_argument("--sig-proxy", nargs="?", default="true", const="true", metavar="false",
                      help="pass signals on, which is so if nothing is said")  # fmt: skip
    made.add_argument("name", metavar="CONTAINER", help="a name, an id, or its beginning")
    return made


def overhear(record: dict[str, Any], reader: Reader, proxy: bool) -> int:
    """Show what a container says that runs in another terminal, whose input stays that one's."""
    if record["spec"]["process"].get("interactive"):
        sys.stderr.write("minidocker: it runs in another terminal, which has its input\n")
    return told_status(Attached(record, reader, False, b"", proxy).overhear())


def attached(
    record: dict[str, Any], reader: Reader, hears: bool, keys: bytes, proxy: bool = True
) -> int:
    """Serve until it ends; the exit status, 0 for who has left, 125 where nobody knows."""
    status = Attached(record, reader, hears, keys, proxy).serve()
    if status == LEFT:
        sys.stderr.write("\r\nminidocker: left; it runs on\r\n")
        return 0
    return told_status(status)


def told_status(status: int | None) -> int:
    """Return a container's exit status; 125, and why, where nobody knows it."""
    if status is None:
        sys.stderr.write("minidocker: nobody saw how it ended: both of its keepers were killed\n")
        return 125
    return status
