"""`minidocker cp`: files to and from a container, whether it runs or has ended."""

from __future__ import annotations

import os
import sys

from minidocker.engine import revival, told
from minidocker.engine.copying import Copy
from minidocker.engine.listing import decimal
from minidocker.errors import UsageError
from minidocker.images.store.store import Store
from minidocker.runtime import rootless
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker cp box:/etc/hosts .            a file, out of a container
  minidocker cp notes box:/tmp              a directory, into it: /tmp/notes
  minidocker cp notes/. box:/tmp            what is in it: /tmp/…
  minidocker cp box:/etc - | tar -tv        as a tar archive
  tar -c notes | minidocker cp - box:/tmp

Paths of a container begin at its root, and no link in it leads out of it. Owners: into a container
each file keeps its number, as in Docker, and with -a the container's user owns them; out of it they
are yours, without setuid bits, and devices stay where they are.
"""


def main(argv: list[str]) -> int:
    """Copy; return the exit status."""
    args = parser().parse_args(argv)
    source, target = split(args.source), split(args.target)
    if source[0] and target[0]:
        raise UsageError(
            "two containers: one of both places must be this host's",
            "minidocker cp a:/x - | minidocker cp - b:/",
            docker="copying between containers is not supported",
        )
    if not (source[0] or target[0]):
        raise UsageError(
            "neither place is in a container", "minidocker cp box:/etc/hosts .",
            docker="must specify at least one container source",
        )  # fmt: skip
    if target[1] == "-" and source[0] and os.isatty(1):
        raise UsageError("an archive is nothing for a terminal", "… - | tar -tv")
    store = Store()
    record = revival.find(store, source[0] or target[0])
    copy = Copy(record, args.follow_link, args.archive)

    def work() -> int:
        if source[0]:
            copy.out(source[1], target[1])
            told.tell(record, "archive-path", path=source[1])
        else:
            copy.into(source[1], target[1])
            told.tell(record, "extract-to-dir", path=target[1])
        tell(copy, args.target, args.quiet or target[1] == "-" or not sys.stdout.isatty())
        return 0

    if record["alive"]:  # it is entered by its own user namespace, so no other one comes before
        return work()
    # Mounts need a namespace whose root we are, also for who has one id alone.
    return rootless.as_root(work) if os.geteuid() else guarded(work)


def tell(copy: Copy, target: str, quiet: bool) -> None:
    """Say how much it was, and what could not be kept."""
    if not quiet:
        print(f"Successfully copied {decimal(copy.moved)} to {target}", file=sys.stderr)
    for what, count in sorted(copy.lost.items()):
        print(f"minidocker: warning: {count} × {what} could not be kept", file=sys.stderr)


def split(word: str) -> tuple[str, str]:
    """Read CONTAINER:PATH as (container, path); ("", path) for a path of this host's."""
    name, colon, path = word.partition(":")
    if not colon or word.startswith((".", "/")) or not name:
        return "", word
    if not path:
        raise UsageError(f"{word} has no path", f"{word}/", docker="path cannot be empty")
    return name, path


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("cp", "Copy files to or from a container.", AFTER)
    made.add_argument("-a", "--archive", action="store_true",
                      help="into a container: its user owns them")  # fmt: skip
    made.add_argument("-L", "--follow-link", action="store_true",
                      help="where SOURCE is a link, copy what it names")  # fmt: skip
    made.add_argument("-q", "--quiet", action="store_true", help="say nothing of how much it was")
    made.add_argument("source", metavar="SOURCE", help="CONTAINER:PATH, PATH or -")
    made.add_argument("target", metavar="TARGET", help="CONTAINER:PATH, PATH or -")
    return made
