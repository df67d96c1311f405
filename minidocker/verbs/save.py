"""`minidocker save`: images in one file."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from minidocker.errors import UsageError
from minidocker.images.saved import save
from minidocker.images.store import carry
from minidocker.images.store.store import Store
from minidocker.runtime import happened
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker save debian -o debian.tar
  minidocker save debian base | gzip > both.tar.gz
  podman load -i debian.tar        docker load -i debian.tar
  skopeo copy oci-archive:debian.tar docker://…

The file is an OCI archive, and in `docker save`'s format as well. The same images give the same
bytes each time.
"""


def main(argv: list[str]) -> int:
    """Write images to a file; return the exit status."""
    parser = make("save", "Write images to one file, for `load` here or elsewhere.", AFTER)
    parser.add_argument("names", metavar="NAME", nargs="+", help="a name or an id")
    parser.add_argument("-o", "--output", metavar="FILE", default="-", help="default: stdout")
    args = parser.parse_args(argv)

    def work() -> int:
        store = Store()
        carry.ready(store)
        with output(args.output) as out:
            save(store, args.names, out)
        for name in args.names:
            image = store.resolve(name)
            happened.tell_of("image", store.root, "save", image.id, name=image.name)
        return 0

    return guarded(work)


@contextlib.contextmanager
def output(path: str) -> Iterator[BinaryIO]:
    """Open what is written to: whole under its name, or not there at all; "-" is a pipe."""
    if path == "-":
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal, not a file", "-o FILE")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if os.path.exists(path) and not os.path.isfile(path):  # /dev/null, a named pipe
        with open(path, "wb") as out:
            yield out
        return
    fresh = f"{path}.{os.getpid()}"
    try:
        with open(fresh, "xb") as file:
            yield file
        os.rename(fresh, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
