"""`minidocker diff` and `minidocker commit`: what a container changed, and an image of that."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from minidocker.errors import Blocked, Conflict, UsageError
from minidocker.images.archive.upper import Upper, changes
from minidocker.images.commit import base_of, commit
from minidocker.images.store import files, oci
from minidocker.images.store.store import Store
from minidocker.runtime import state
from minidocker.verbs.image import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.images.importer import Report

EXAMPLES = {
    "diff": """examples:
  minidocker run --name box base sh -c 'echo hi > /greeting; rm /etc/shells'
  minidocker diff box
    C /etc
    D /etc/shells
    A /greeting

A added, C changed, D deleted. The kernel keeps all this in the container's upper directory; the
image is untouched. Start without --rm: a removed container has no changes any more.""",
    "commit": """examples:
  minidocker run --name box base sh -c 'echo hi > /greeting'
  minidocker commit box greeter -m 'say hi' -c 'CMD cat /greeting'
  minidocker run --rm greeter
  minidocker image history greeter

The container must have ended. Its changes become one more layer; the layers of its image are
shared, not copied. Volumes, /dev, /proc, /etc/hosts, /etc/hostname and /etc/resolv.conf are mounts,
and in no layer. Settings come from the container's image; -c changes them.""",
}


def main(argv: list[str]) -> int:
    """Run `diff …` or `commit …`; return the exit status."""
    args = build_parser().parse_args(argv)
    try:
        return diff(Store(), args) if args.verb == "diff" else commit_container(Store(), args)
    except BrokenPipeError:
        raise
    except OSError as problem:
        where = f"{os.fsdecode(problem.filename)}: " if problem.filename else ""
        again = f"sudo minidocker {argv[0]} …"
        raise Blocked(f"{where}{problem.strerror or problem}", again) from None


def build_parser() -> Parser:
    """Return the parser of both verbs."""
    parser = Parser("minidocker")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str) -> Parser:
        shape = argparse.RawDescriptionHelpFormatter
        added: Parser = verbs.add_parser(
            name, help=text, description=text, epilog=EXAMPLES[name], formatter_class=shape
        )
        added.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
        return added

    verb("diff", "Show what a container added (A), changed (C) and deleted (D).")
    it = verb("commit", "Make an image of what a container has changed.")
    it.add_argument("name", metavar="NAME[:TAG]", help="the image's name")
    it.add_argument("-m", "--message", default="", help="say why; `image history` shows it")
    it.add_argument(
        "-c", "--change", metavar="CHANGE", action="append", default=[],
        help="set CMD, ENTRYPOINT, ENV, WORKDIR, USER, LABEL, EXPOSE, VOLUME or STOPSIGNAL",
    )  # fmt: skip
    return parser


def diff(store: Store, args: argparse.Namespace) -> int:
    """Print one line a change, parents first, as `docker diff` does."""
    record = state.find(store.root, args.container)
    with Upper(upper_of(record), layers_of(record)) as upper:
        for kind, path in changes(upper):
            print(kind, line(path))
    return 0


def line(path: bytes) -> str:
    """Write a path on one line: control characters and bytes that are no UTF-8 as in Python."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def commit_container(store: Store, args: argparse.Namespace) -> int:
    """Make the image; print its id on standard output, and the rest for people."""
    record = state.find(store.root, args.container)
    upper, layers = upper_of(record), layers_of(record)
    lock = state.try_lock(record["directory"])  # held: nobody removes the container meanwhile
    if lock is None:
        raise Conflict(
            f"container {args.container} is running, and may still change its files",
            "stop it first (Ctrl-C, or kill its process)",
        )
    try:
        base = base_of(store, record["image"], hexes(store, record, layers))
        command = shlex.join(record["spec"]["process"]["args"])
        step = {"created": oci.now(), "created_by": command, "comment": args.message}
        tell(commit(store, args.name, base, upper, step, args.change))
    finally:
        os.close(lock)
    return 0


def tell(report: Report) -> None:
    """Print the id for programs, and the rest for people."""
    print(report.image.id, flush=True)
    told = "nothing was changed, so it has no layer of its own"
    if report.layer:
        told = f"a layer of {report.entries} changes, {files.size(report.bytes)}"
        told += ", which was here already" if report.known else ""
    print(f"{report.image.name}: {told}", file=sys.stderr)
    for what, count in sorted(report.lost.items()):
        print(f"minidocker: warning: {count} × {what} could not be kept", file=sys.stderr)


def upper_of(record: dict[str, Any]) -> str:
    """Return a container's upper directory; UsageError for one that has none."""
    upper = os.path.join(record["directory"], "upper")
    if not layers_of(record) or not os.path.isdir(upper):
        raise UsageError(
            f"container {record['id']} has no layers: it changed its root directory itself",
            "run an image:  minidocker run --name box IMAGE …",
            125,
        )
    return upper


def layers_of(record: dict[str, Any]) -> list[str]:
    """Return the directories that a container's root was put together from, bottom first."""
    layers = record.get("spec", {}).get("root", {}).get("layers") or []
    return [str(layer) for layer in layers]


def hexes(store: Store, record: dict[str, Any], layers: Sequence[str]) -> list[str]:
    """Return the layers' digests; UsageError where they are not in the store (`run --layer`)."""
    above = store.path("layers", "sha256")
    found = [os.path.relpath(layer, above).removesuffix("/fs") for layer in layers]
    if not record["image"] or any("/" in hex for hex in found):
        raise UsageError(
            f"container {record['id']} was started from --layer directories, not from an image",
            "run an image, and commit that container",
            125,
        )
    return found
