"""`minidocker wait`: until containers end, and how they did."""

from __future__ import annotations

import sys
from typing import Any

from minidocker.engine import ending
from minidocker.images.store.store import Store
from minidocker.verbs.each import each
from minidocker.verbs.parser import make

UNKNOWN = "?"


def main(argv: list[str]) -> int:
    """Wait for each; print its exit status, or "?" where both of its keepers were killed."""
    parser = make("wait", "Wait until containers have ended; print the exit status of each.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    unknown = []

    def status(record: dict[str, Any]) -> object:
        found = ending.wait(record)
        if found is None:
            unknown.append(record)
            sys.stderr.write(
                f"minidocker: nobody saw how {record['name'] or record['id']} ended: "
                "both of its keepers were killed\n"
            )
        return UNKNOWN if found is None else found

    return each(Store(), args.names, status) or (125 if unknown else 0)
