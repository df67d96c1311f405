"""`minidocker update`: other limits for containers, while they run, and other policies."""

from __future__ import annotations

from typing import Any

from minidocker.engine import told
from minidocker.engine.updating import update
from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.stages.cgroup import Cgroup
from minidocker.verbs.each import each
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker update -m 128m --memory-swap 128m web
  minidocker update --cpus 0.5 --pids-limit 100 web db
  minidocker update --restart on-failure:3 web

What is not said stays as it is. A container that has ended has the new limits at its next start.
"""


def main(argv: list[str]) -> int:
    """Change limits; print the name of each container; return the exit status."""
    args = vars(parser().parse_args(argv))
    names = args.pop("names")
    texts = {key.replace("_", "-"): text for key, text in args.items() if text is not None}
    if not texts:
        raise UsageError(
            "nothing is to be changed", "minidocker update -m 128m web",
            docker="You must provide one or more flags when using this command.",
        )  # fmt: skip

    def work(record: dict[str, Any]) -> None:
        update(record, texts)
        told.tell(record, "update")

    return each(Store(), names, work)


def parser() -> Parser:
    """Build the parser from the options of the stage; completion reads it, too."""
    made = make("update", "Change the limits of containers, and when they start again.", AFTER)
    for option in Cgroup.options:
        made.add_argument(*option.names, metavar=option.placeholder, help=option.help)
    made.add_argument("--restart", metavar="POLICY", help="start it again when it ends: no, "
                      "always, unless-stopped, on-failure[:TIMES]")  # fmt: skip
    made.add_argument("names", nargs="+", metavar="CONTAINER")
    return made
