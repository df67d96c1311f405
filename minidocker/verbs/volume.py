"""`minidocker volume create|ls|inspect|rm|prune`."""

from __future__ import annotations

import argparse
import os

from minidocker.errors import MinidockerError, UsageError
from minidocker.formats.rows import show
from minidocker.formats.values import Map
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.runtime import happened
from minidocker.verbs.inspecting import add_format, tell
from minidocker.verbs.owners import with_owners
from minidocker.verbs.parser import Parser, make, no_question
from minidocker.volumes.store import Volumes
from minidocker.volumes.words import volume_name

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = {"Driver": "DRIVER", "Labels": "LABELS", "Links": "LINKS", "Mountpoint": "MOUNTPOINT",
           "Name": "VOLUME NAME", "Scope": "SCOPE", "Size": "SIZE"}  # fmt: skip


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
        for line in VERBS[args.verb](volumes, args):
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
    create.add_argument("--label", action="append", default=[], metavar="NAME[=VALUE]")
    create.add_argument("-d", "--driver", default="local", help="there is only local")
    ls = verbs.add_parser("ls", help="list volumes")
    ls.add_argument("-q", "--quiet", action="store_true", help="names only")
    ls.add_argument("--format", default="", metavar="FORMAT",
                    help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    ls.add_argument("--dangling", action="store_true", help="those that no container names")
    inspect = verbs.add_parser("inspect", help="where it is, its labels and its users, as JSON")
    inspect.add_argument("names", nargs="+", metavar="NAME")
    add_format(inspect)
    rm = verbs.add_parser("rm", help="remove volumes that no container names, with their files")
    rm.add_argument("-f", "--force", action="store_true", help="what is not there is no error")
    rm.add_argument("names", nargs="+", metavar="NAME")
    prune = verbs.add_parser("prune", help="remove anonymous volumes that no container names")
    prune.add_argument("-a", "--all", action="store_true", help="also those with a name")
    no_question(prune)
    return made


def create(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Make a volume; one that is there stays as it is, as in Docker."""
    if args.driver != "local":
        raise UsageError(f"there is no driver {args.driver}", "leave --driver out")
    name = volume_name(args.name) if args.name else os.urandom(32).hex()
    labels = {key: value for key, _, value in (text.partition("=") for text in args.label)}
    if name not in volumes.names():
        volumes.make(name, labels, anonymous=not args.name)
        tell_of(volumes, "create", name)
    return [name]


def tell_of(volumes: Volumes, action: str, name: str) -> None:
    """Tell what happens to a volume."""
    happened.tell_of("volume", os.path.dirname(volumes.root), action, name, driver="local")


def show_all(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Print a table, JSON or a template; return the names for --quiet."""
    names = volumes.unused(everything=True) if args.dangling else volumes.names()
    if args.quiet:
        return names
    users = volumes.users()
    rows = []
    for name in names:
        labels = volumes.about(name).get("labels") or {}
        rows.append({
            "Driver": "local", "Labels": ",".join(f"{k}={v}" for k, v in sorted(labels.items())),
            "Links": str(len(users.get(name, ()))), "Mountpoint": volumes.data(name),
            "Name": name, "Scope": "local", "Size": "N/A",
        })  # fmt: skip
    show(rows, args.format, COLUMNS, "{{.Driver}}\t{{.Name}}")
    return []


def about(volumes: Volumes, name: str) -> dict[str, object]:
    """Return what is known about a volume, with Docker's keys."""
    found = volumes.about(name)
    return {
        "CreatedAt": found["created"],
        "Driver": "local",
        "Labels": Map(found["labels"]),
        "Mountpoint": volumes.data(name),
        "Name": name,
        "Options": None,
        "Scope": "local",
        "Containers": volumes.users().get(name, []),
    }


def remove(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Remove volumes; return their names."""
    known = volumes.names()
    names = [name for name in args.names if not args.force or name in known]
    for name in names:
        volumes.remove(name)
        tell_of(volumes, "destroy", name)
    return names


def prune(volumes: Volumes, args: argparse.Namespace) -> list[str]:
    """Remove volumes that nobody uses; say which."""
    names = volumes.unused(everything=args.all)
    for name in names:
        volumes.remove(name)
        tell_of(volumes, "destroy", name)
    return [f"removed volume {name}" for name in names]


VERBS: dict[str, Callable[[Volumes, argparse.Namespace], list[str]]] = {
    "create": create,
    "ls": show_all,
    "rm": remove,
    "prune": prune,
}
