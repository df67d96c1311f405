"""`minidocker diff`: what a container changed."""

from __future__ import annotations

import os

from minidocker.engine.layers_of import layers_of, upper_of
from minidocker.errors import Blocked
from minidocker.images.archive.upper import Upper, changes
from minidocker.images.store.store import Store
from minidocker.runtime import reading
from minidocker.verbs.owners import with_owners
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker run --name box base sh -c 'echo hi > /greeting; rm /etc/shells'
  minidocker diff box
    C /etc
    D /etc/shells
    A /greeting

A added, C changed, D deleted. The kernel keeps all this in the container's upper directory; the
image is untouched. Start without --rm: a removed container has no changes any more.
"""


def main(argv: list[str]) -> int:
    """Print the changes; return the exit status."""
    parser = make("diff", "Show what a container added (A), changed (C) and deleted (D).", AFTER)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    return with_owners(lambda: diff(Store(), args.container))


def diff(store: Store, container: str) -> int:
    """Print one line a change, parents first, as `docker diff` does."""
    record = reading.find(store.root, container)
    try:
        with Upper(upper_of(record), layers_of(record)) as upper:
            for kind, path in changes(upper):
                print(kind, line(path))
    except BrokenPipeError:
        raise
    except OSError as problem:
        where = f"{os.fsdecode(problem.filename)}: " if problem.filename else ""
        raise Blocked(f"{where}{problem.strerror or problem}", "sudo minidocker diff …") from None
    return 0


def line(path: bytes) -> str:
    """Write a path on one line: control characters and bytes that are no UTF-8 as in Python."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
