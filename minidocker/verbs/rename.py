"""`minidocker rename`: another name for a container."""

from __future__ import annotations

from minidocker.engine import revival
from minidocker.engine.renaming import rename
from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.spec.words import parse_container_name
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker rename web old-web      also while it runs; who is in its network knows the new name
  minidocker rename 3f2a box         a container without a name gets one
"""


def main(argv: list[str]) -> int:
    """Rename a container; return the exit status."""
    args = parser().parse_args(argv)
    store = Store()
    new = parse_container_name(args.new, "rename")
    if not new:
        raise UsageError(
            "the new name is empty", "minidocker rename web old-web",
            docker="Error when allocating new name: neither old nor new names may be empty",
        )  # fmt: skip
    rename(store, revival.find(store, args.container), new)
    return 0


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("rename", "Give a container another name.", AFTER)
    made.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    made.add_argument("new", metavar="NEW_NAME")
    return made
