"""`minidocker load`: images out of one file."""

from __future__ import annotations

import os
import sys

from minidocker.images.saved import load
from minidocker.images.store import catalogue, files
from minidocker.images.store.store import Store
from minidocker.runtime import happened
from minidocker.verbs.bars import Bars
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker load -i debian.tar
  podman save debian | minidocker load
  skopeo copy docker://… oci-archive:app.tar && minidocker load -i app.tar

OCI archives and what `docker save` and `podman save` write, plain or packed. Standard output says
each name, or the id of an image that has none. A root file system is not one: minidocker import.
"""


def main(argv: list[str]) -> int:
    """Load images; return the exit status."""
    parser = make("load", "Load the images of a file that `save` has written.", AFTER)
    parser.add_argument("-i", "--input", metavar="FILE", default="-", help="default: stdin")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    parser.add_argument("--platform", default="", help="of an index: OS/ARCHITECTURE")
    args = parser.parse_args(argv)

    def work() -> int:
        store = Store()
        title = "standard input" if args.input == "-" else os.path.basename(args.input)
        with Bars(args.quiet) as bars:
            arrived = load(store, args.input, args.platform, bars.add(title))
        for one in arrived:
            name = one.image.name or one.image.id
            happened.tell_of("image", store.root, "load", one.image.id, name=name)
            known = [n for n, id in catalogue.names(store).items() if one.image.id.endswith(id)]
            for each in known:
                print(f"Loaded image: {each}", flush=True)
            if not known:
                print(f"Loaded image ID: {one.image.id}", flush=True)
            layers = f"{one.fresh} layer{'s' * (one.fresh != 1)}, {files.size(one.bytes)}"
            if not args.quiet:
                print(f"{one.image.id}: {layers}", file=sys.stderr)
        return 0

    return guarded(work)
