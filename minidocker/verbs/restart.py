"""`minidocker restart`: stop, then start."""

from __future__ import annotations

from typing import Any

from minidocker.engine import again, ending, told
from minidocker.errors import Conflict
from minidocker.images.store.store import Store
from minidocker.plan.notes import signal_number
from minidocker.runtime import reading
from minidocker.verbs.each import each
from minidocker.verbs.parser import make
from minidocker.verbs.stop import stop_words


def main(argv: list[str]) -> int:
    """Restart containers; print the name of each; return the exit status."""
    parser = make("restart", "Stop containers that run, then start them again.")
    parser.add_argument("-s", "--signal", default="", help="this signal instead of its own")
    stop_words(parser)
    args = parser.parse_args(argv)
    number = signal_number(args.signal, "--signal") if args.signal else None
    store = Store()

    def restart(record: dict[str, Any]) -> None:
        if record["alive"]:
            name = record["name"] or record["id"]
            if not record.get("keeper"):
                raise Conflict(f"{name} runs in the foreground of another command",
                               "start it with -d")  # fmt: skip
            if record["spec"].get("remove"):
                raise Conflict(f"{name} was started with --rm: it goes when it stops",
                               "run it without --rm")  # fmt: skip
        ending.stop(record, number, args.timeout)
        again.start(reading.find(store.root, record["id"]))
        told.tell(record, "restart")

    return each(store, args.names, restart)
