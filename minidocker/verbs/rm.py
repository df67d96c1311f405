"""`minidocker rm`."""

from __future__ import annotations

from minidocker.errors import Conflict
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.runtime import state
from minidocker.stages import STAGES
from minidocker.verbs.parser import make


def main(argv: list[str]) -> int:
    """Remove containers; return the exit status."""
    parser = make("rm", "Remove containers that have ended.")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    parser.add_argument("-v", "--volumes", action="store_true",
                        help="also their anonymous volumes")  # fmt: skip
    args = parser.parse_args(argv)
    return remove(Store(), args.names, args.volumes)


def remove(store: Store, names: list[str], volumes: bool = False) -> int:
    """Remove containers that have ended; a running one raises Conflict."""
    for name in names:
        record = state.find(store.root, name)
        if not state.clean_up(record, STAGES, Linux(), volumes):
            raise Conflict(
                f"container {name} is running", "stop it first (Ctrl-C, or kill its process)"
            )
        print(name)
    return 0
