"""`minidocker manifest inspect`: what a registry says of an image, and nothing is pulled."""

from __future__ import annotations

import json

from minidocker.images.pull import resolve
from minidocker.images.store import documents, names, oci
from minidocker.verbs.parser import make
from minidocker.verbs.pull import add_tls, ask_for, insecure

AFTER = """\
examples:
  minidocker manifest inspect debian                       all that the name stands for
  minidocker manifest inspect debian --platform arm64      the one for that machine
"""


def main(argv: list[str]) -> int:
    """Print a manifest or index; return the exit status."""
    parser = make("manifest", "Show what a registry says of an image, and pull nothing.", AFTER)
    verbs = parser.add_subparsers(metavar="inspect", required=True)
    it = verbs.add_parser("inspect", help="print a manifest or index as JSON", epilog=AFTER)
    it.add_argument("name", metavar="NAME", help="NAME[:TAG] or NAME@DIGEST")
    it.add_argument("--platform", help="follow an index to OS/ARCHITECTURE")
    add_tls(it)
    args = parser.parse_args(argv)
    full = names.any_name(args.name)
    with ask_for(full, insecure=insecure(args)) as client:
        reference = names.split(full)[2]
        if args.platform is None:
            data, _ = client.manifest(reference)
        else:
            data = resolve(client, reference, oci.read_platform(args.platform), full).manifest
    print(json.dumps(documents.parse(data, full), indent=2))
    return 0
