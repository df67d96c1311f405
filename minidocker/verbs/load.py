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

OCI archives and what `docker save` and `podman save` write, plain or packed. Each image's id is
printed on standard output. A root file system is no saved image: minidocker import.
"""


def main(argv: list[str]) -> int:
    """Load images; return the exit status."""
    parser = make("load", "Load the images of a file that `save` has written.", AFTER)
    parser.add_argument("-i", "--input", metavar="FILE", default="-", help="default: stdin")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the images' ids alone")
    parser.add_argument("--platform", default="", help="of an index: OS/ARCHITECTURE")
    args = parser.parse_args(argv)

    def work() -> int:
        store = Store()
        title = "standard input" if args.input == "-" else os.path.basename(args.input)
        with Bars(args.quiet) as bars:
            arrived = load(store, args.input, args.platform, bars.add(title))
        for one in arrived:
            print(one.image.id, flush=True)
            name = one.image.name or one.image.id
            happened.tell_of("image", store.root, "load", one.image.id, name=name)
            known = [n for n, id in catalogue.names(store).items() if one.image.id.endswith(id)]
            layers = f"{one.fresh} layer{'s' * (one.fresh != 1)}, {files.size(one.bytes)}"
            if not args.quiet:
                print(f"{', '.join(known) or one.image.name}: {layers}", file=sys.stderr)
        return 0

    return guarded(work)
