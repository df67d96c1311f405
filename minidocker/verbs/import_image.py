"""`minidocker import`: `minidocker image import`, with its words in Docker's order."""

from __future__ import annotations

from minidocker.verbs import image
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker import rootfs.tar.gz debian:12
  minidocker export box | minidocker import - box -c 'CMD bash'
  minidocker import rootfs.tar         an image without a name: its id serves

See `minidocker image import --help`.
"""


def main(argv: list[str]) -> int:
    """Make an image of an archive; return the exit status."""
    parser = make("import", "Make an image of a root file system in a tar archive.", AFTER)
    parser.add_argument("tar", metavar="TAR", help="a file, or - for standard input")
    parser.add_argument("name", metavar="NAME[:TAG]", nargs="?",
                        help="the image's name; <none> if nothing is said")  # fmt: skip
    parser.add_argument("-c", "--change", metavar="CHANGE", action="append", default=[])
    parser.add_argument("-m", "--message", default="", help="say why; `image history` shows it")
    parser.add_argument("--mine", action="store_true", help="let your own apply_layer unpack it")
    args = parser.parse_args(argv)
    changes = [f"--change={line}" for line in args.change] + ["--mine"] * args.mine
    changes += [f"--message={args.message}"] if args.message else []
    names = [] if args.name is None else [args.name]
    return image.main(["import", *changes, "--", args.tar, *names])
