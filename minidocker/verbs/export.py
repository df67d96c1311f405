"""`minidocker export`: a container's files as one tar archive."""

from __future__ import annotations

import os
import sys

from minidocker.engine import told
from minidocker.engine.layers_of import layers_of, upper_of
from minidocker.images.archive.merged import Merged
from minidocker.images.archive.pack import Packer
from minidocker.images.store.store import Store
from minidocker.runtime import reading
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make
from minidocker.verbs.save import output

AFTER = """\
examples:
  minidocker export box -o box.tar
  minidocker export box | tar -tv
  minidocker export box | minidocker import - flat

The layers are made one, with what the container changed; volumes, /dev and /proc are mounts, and
not in it. The image's settings are not in it, either: `commit` and `save` keep them.
"""


def main(argv: list[str]) -> int:
    """Write the archive; return the exit status."""
    parser = make("export", "Write a container's files as one tar archive.", AFTER)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    parser.add_argument("-o", "--output", metavar="FILE", default="-", help="default: stdout")
    args = parser.parse_args(argv)
    return guarded(lambda: export(Store(), args.container, args.output))


def export(store: Store, container: str, path: str) -> int:
    """Pack the container's layers, its own on top."""
    record = reading.find(store.root, container)
    told.tell(record, "export")
    layers = [os.path.realpath(layer) for layer in (*layers_of(record), upper_of(record))]
    with output(path) as out, Merged(layers) as tree:
        packer = Packer(tree)
        while piece := packer.next_piece():
            out.write(piece)
    for what, count in sorted(packer.lost.items()):
        print(f"minidocker: warning: {count} × {what} could not be kept", file=sys.stderr)
    return 0
