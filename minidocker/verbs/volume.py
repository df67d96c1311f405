"""`minidocker volume create|ls|inspect|rm|prune`."""

from __future__ import annotations

import argparse
import os

from minidocker.engine.listing import decimal
from minidocker.engine.told import pruned
from minidocker.errors import FlagError, MinidockerError, UsageError
from minidocker.formats.rows import show
from minidocker.formats.values import NO_MAP, Map
from minidocker.images.store import files
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.runtime import happened
from minidocker.verbs.each import one_by_one
from minidocker.verbs.inspecting import add_format, tell
from minidocker.verbs.narrow import (
    add_filter,
    by_label,
    by_switch,
    by_text,
    by_word,
    cells,
    labels_of,
    narrow,
    without_label,
)
from minidocker.verbs.owners import with_owners
from minidocker.verbs.parser import Parser, make, no_question
from minidocker.volumes.store import Volumes
from minidocker.volumes.words import volume_name

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

COLUMNS = {"Driver": "DRIVER", "Labels": "LABELS", "Links": "LINKS", "Mountpoint": "MOUNTPOINT",
           "Name": "VOLUME NAME", "Scope": "SCOPE", "Size": "SIZE"}  # fmt: skip
LISTED = {"name": by_text("Name"), "driver": by_word("Driver"), "label": by_label,
          "dangling": by_switch("Dangling")}  # fmt: skip
PRUNED = {"label": by_label, "label!": without_label, "all": lambda value: lambda row: True}
SAME = {"list": "ls", "remove": "rm"}


def main(argv: list[str]) -> int:
    """Run one of the verbs; return the exit status."""
    args = parser().parse_args(argv)
    store = Store()
    if os.path.isdir(store.root) and not os.access(store.root, os.W_OK):
        raise MinidockerError(f"{store.root} is not yours to write to", "sudo minidocker volume …")
    return with_owners(lambda: work(store, args))


def work(store: Store, args: argparse.Namespace) -> int:
    """Do it under the lock over all volumes."""
    os.makedirs(store.root, 0o711, exist_ok=True)
    volumes = Volumes(Linux(), store.root)
    lock = volumes.lock()
    try:
        if args.verb == "inspect":
            return tell(args.names, lambda name: about(volumes, name), args.format)
        if args.verb in ("rm", "remove"):
            return one_by_one(args.names, lambda name: remove(volumes, name, args.force))
        for line in VERBS[SAME.get(args.verb, args.verb)](volumes, args):
            print(line)
    finally:
        os.close(lock)
    return 0


def parser() -> Parser:
    """Build the parser of the verbs."""
    made = make(
        "volume",
        "Volumes: directories of the store that outlive containers. `run -v NAME:/data` makes one\n"
        "by itself, and fills it with what the image has there.",
    )
    verbs = made.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create", help="make a volume; print its name")
    create.add_argument(
        "name", metavar="NAME", nargs="?", default="", help="if not said, a new one"
    )
    create.add_argument("--name", default="", dest="typed", help=argparse.SUPPRESS)
    create.add_argument("--label", action="append", default=[], metavar="NAME[=VALUE]")
    create.add_argument("-d", "--driver", default="local", help="there is only local")
    create.add_argument("-o", "--opt", action="append", default=[], help=argparse.SUPPRESS)
    ls = verbs.add_parser("ls", aliases=["list"], help="list volumes")
    add_filter(ls, "name, label, driver, dangling")
    ls.add_argument("-q", "--quiet", action="store_true", help="names only")
    ls.add_argument("--format", default="", metavar="FORMAT",
                    help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    ls.add_argument("--dangling", action="store_true", help="those that no container names")
    inspect = verbs.add_parser("inspect", help="where it is, its labels and its users, as JSON")
    inspect.add_argument("names", nargs="+", metavar="NAME")
    add_format(inspect)
    gone = "remove volumes that no container names, with their files"
    rm = verbs.add_parser("rm", aliases=["remove"], help=gone)
    rm.add_argument("-f", "--force", action="store_true", help="what is not there is no error")
    rm.add_argument("names", nargs="+", metavar="NAME")
    prune = verbs.add_parser("prune", help="remove anonymous volumes that no container names")
    prune.add_argument("-a", "--all", action="store_true", help="also those with a name")
    add_filter(prune, "label, label!", short=False)
    no_question(prune)
    return made


def create(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Make a volume; one that is there stays as it is, as in Docker."""
    if args.driver != "local":
        raise UsageError(f"there is no driver {args.driver}", "leave --driver out")
    if args.opt:
        raise FlagError(
            f"--opt {args.opt[0]} is refused: volumes are plain directories of the store",
            "leave --opt out; for a file system in memory: run --tmpfs",
        )
    if args.name and args.typed:
        raise UsageError(
            f"two names: {args.typed} and {args.name}", "leave --name out", 1,
            "conflicting options: cannot specify a volume-name through both --name and as a "
            "positional arg",
        )  # fmt: skip
    asked = args.name or args.typed
    name = volume_name(asked) if asked else os.urandom(32).hex()
    labels = labels_of(args.label)
    if name not in volumes.names():
        volumes.make(name, labels, anonymous=not asked)
        tell_of(volumes, "create", name)
    return [name]


def tell_of(volumes: Volumes, action: str, name: str) -> None:
    """Tell what happens to a volume."""
    happened.tell_of("volume", os.path.dirname(volumes.root), action, name, driver="local")


def show_all(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Print a table, JSON or a template; return the names for --quiet."""
    rows = narrow(described(volumes), args.filter, LISTED)
    rows = [row for row in rows if row["Dangling"] or not args.dangling]
    if args.quiet:
        return [row["Name"] for row in rows]
    show(cells(rows, COLUMNS), args.format, COLUMNS, "{{.Driver}}\t{{.Name}}")
    return []


def described(volumes: Volumes) -> list[dict[str, Any]]:
    """Return a row for each volume: what a list shows of it, and what a filter asks for."""
    users = volumes.users()
    return [
        {"Driver": "local", "Labels": volumes.about(name).get("labels") or {},
         "Links": str(len(users.get(name, ()))), "Mountpoint": volumes.data(name), "Name": name,
         "Scope": "local", "Size": "N/A", "Dangling": name not in users}
        for name in volumes.names()
    ]  # fmt: skip


def about(volumes: Volumes, name: str) -> dict[str, object]:
    """Return what is known about a volume, with Docker's keys."""
    found = volumes.about(name)
    return {
        "CreatedAt": found["created"],
        "Driver": "local",
        "Labels": Map(found["labels"]),
        "Mountpoint": volumes.data(name),
        "Name": name,
        "Options": NO_MAP,
        "Scope": "local",
        "Containers": volumes.users().get(name, []),
    }


def remove(volumes: Volumes, name: str, force: bool) -> str:
    """Remove a volume, which need not be there with `force`; return its name."""
    if not force or name in volumes.names():
        volumes.remove(name)
        tell_of(volumes, "destroy", name)
    return name


def prune(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Remove volumes that nobody uses, and that are asked for; say which, and what was freed."""
    told, freed = unused_gone(volumes, args.all, args.filter)
    return [*told, f"Total reclaimed space: {decimal(freed)}"]


def unused_gone(
    volumes: Volumes, everything: bool, texts: Sequence[str]
) -> tuple[list[str], int]:
    """Remove volumes that nobody uses, those without a name of yours if not `everything`."""
    everything = everything or any(text in ("all=1", "all=true") for text in texts)
    fit = {row["Name"] for row in narrow(described(volumes), texts, PRUNED)}
    names = [name for name in volumes.unused(everything) if name in fit]
    freed = 0
    for name in names:
        freed += files.usage(volumes.data(name))
        volumes.remove(name)
        tell_of(volumes, "destroy", name)
    pruned(os.path.dirname(volumes.root), "volume", freed)
    return ["Deleted Volumes:", *names, ""] if names else [], freed


VERBS: dict[str, Callable[[Volumes, argparse.Namespace], list[str]]] = {
    "create": create,
    "ls": show_all,
    "prune": prune,
}
