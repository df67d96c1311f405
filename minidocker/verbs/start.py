"""`minidocker start`: containers that were created, or that have ended."""

from __future__ import annotations

from minidocker.engine import again, revival
from minidocker.engine.keys import USUAL, detach_keys
from minidocker.engine.log_file import LOG
from minidocker.engine.logs import Reader
from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.runtime import reading
from minidocker.verbs.attach import attached
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
    parser.add_argument("-a", "--attach", action="store_true", help="show what it says; its status")
    parser.add_argument("-i", "--interactive", action="store_true",
                        help="attach, and pass standard input on")  # fmt: skip
    parser.add_argument("--detach-keys", default=USUAL, metavar="KEYS", help="what leaves it")
    args = parser.parse_args(argv)
    if not (args.attach or args.interactive):
        return each(Store(), args.names, again.start)
    if len(args.names) > 1:
        raise UsageError(
            "start -a takes one container", "start them without -a",
            docker="you cannot start and attach multiple containers at once",
        )  # fmt: skip
    keys = detach_keys(args.detach_keys)
    record = revival.find(Store(), args.names[0])
    reader = Reader(record["directory"], f"{record['directory']}/{LOG}")
    reader.back(1)  # what it said in its earlier runs is for `logs`
    again.start(record)
    return attached(reading.find(Store().root, record["id"]), reader, args.interactive, keys)
