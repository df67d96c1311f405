"""`minidocker image …`: the command line of this room. What it does is in the modules beside."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minidocker.engine.listing import decimal
from minidocker.engine.told import gone
from minidocker.errors import UsageError
from minidocker.images import base, importer
from minidocker.images.archive.blame import DELETES, blame
from minidocker.images.store import carry, catalogue, changes, check, files, inspect
from minidocker.images.store.store import Store
from minidocker.kernel.flags import DEFAULT_CAPABILITIES, mask
from minidocker.plan import learner
from minidocker.runtime import happened
from minidocker.seccomp import cache
from minidocker.verbs import pruning
from minidocker.verbs.bars import Bars
from minidocker.verbs.guarded import guarded
from minidocker.verbs.image_filters import NAMES
from minidocker.verbs.image_rows import is_here, show_images
from minidocker.verbs.inspecting import add_format, tell
from minidocker.verbs.narrow import add_filter
from minidocker.verbs.parser import Parser, make
from minidocker.verbs.table import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.runtime.apart import Own

EXAMPLES = {
    "": """examples:
  minidocker image build-base                   a small image, from this machine's busybox
  minidocker image import debian debian.tar     a root file system becomes an image
  minidocker image ls
  minidocker image history debian
  minidocker image inspect debian               its configuration, as JSON
  minidocker image check                        is the store whole?
  minidocker image rm debian
  minidocker image prune                        what no name and no container needs

An image is one or more layers (directories of files) and a configuration (what to start). It lies
in the store, which is an OCI image layout: other programs read it as oci:STORE:debian. `minidocker
doctor` says where it is, and MINIDOCKER_ROOT names another place.
`minidocker image VERB --help` says more.""",
    "build-base": """examples:
  minidocker image build-base            makes base:latest
  minidocker image build-base tiny:1     the same under another name
  minidocker run base ls /

The same busybox gives the same image id each time.""",
    "import": """examples:
  mmdebstrap --variant=minbase bookworm debian.tar
  minidocker image import debian.tar debian
  minidocker image import rootfs.tar.gz debian:12 -c 'CMD ["bash", "-l"]' -c 'ENV LANG=C.UTF-8'
  tar -C rootfs --numeric-owner --xattrs --xattrs-include='*' -c . | minidocker image import - my

TAR may be packed with gzip, xz, bzip2 or zstd. Owners, modes, devices, links, attributes and times
come as they are. An image without a CMD gets bash, or else sh. As in Docker, text that is not a
JSON list is given to /bin/sh -c. The image's id is printed on standard output.""",
    "ls": """examples:
  minidocker image ls
  minidocker image ls --format '{{.Repository}}:{{.Tag}}'
  minidocker image ls --format json | jq -r .ID
  minidocker images -q base""",
    "rm": """examples:
  minidocker image rm debian          takes the name away; the image goes with its last name
  minidocker image rm 69eb1b918404    the id of an image, or its beginning, does as well

A layer is removed when no image has it any more. An image that a container uses stays.""",
    "history": """examples:
  minidocker image history debian""",
    "blame": """examples:
  minidocker image blame app /etc/passwd
  minidocker image blame app /key.pem && echo 'somebody can still read it'

A file that a later layer deletes is still in its own layer: `still in` names that one. Exit status
1 where no layer has ever had the path.""",
    "inspect": """examples:
  minidocker image inspect debian
  minidocker image inspect -f '{{join .Config.Env "\\n"}}' debian

The words are those of `docker image inspect`; Manifest is what a push would send.""",
    "check": """examples:
  minidocker image check && echo whole
  minidocker image check --mine       by your own store_is_whole, and then by ours

Every digest is computed again and every reference followed. Exit status 1 when something is
damaged; what an interrupted command has left over is no damage: `minidocker image prune`.""",
    "prune": """examples:
  minidocker image prune        images without a name, what dead imports and pulls have left
  minidocker image prune -a     also images that no container uses""",
}


def main(argv: Sequence[str]) -> int:
    """Run `minidocker image ARGV`; return the exit status. MinidockerError for what goes wrong."""
    args = build_parser().parse_args(list(argv))
    return guarded(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Do what the verb says, on the store of this user."""
    store = Store()
    if args.function not in (_rm, _prune):  # these must work on a full disk, too
        carry.ready(store)
    return int(args.function(store, args) or 0)


def build_parser() -> Parser:
    """Return the parser; each verb's function is in `function`."""
    parser = make("image", "Make, list and remove images.", EXAMPLES[""])
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, function: Callable[[Store, Any], int | None], text: str) -> Parser:
        added: Parser = verbs.add_parser(name, help=text, **_words(text, name))
        added.set_defaults(function=function)
        return added

    it = verb("build-base", _build_base, "Make an image of this machine's static busybox.")
    it.add_argument("name", metavar="NAME", nargs="?", default="base", help="default: base")
    it = verb("import", _import, "Make an image of a root file system in a tar archive.")
    it.add_argument("places", metavar="TAR NAME", nargs="+",
                    help="a file, or - for standard input; NAME[:TAG], else <none>")  # fmt: skip
    it.add_argument("-m", "--message", default="", help="say why; `image history` shows it")
    it.add_argument(
        "-c", "--change", metavar="CHANGE", action="append", default=[],
        help="set CMD, ENTRYPOINT, ENV, WORKDIR, USER, LABEL, EXPOSE, VOLUME or STOPSIGNAL",
    )  # fmt: skip
    it.add_argument("--mine", action="store_true",
                    help="let your own apply_layer unpack it (lesson 12)")  # fmt: skip
    it.add_argument("--unsafe", action="store_true",
                    help="with --mine: also if it failed when judged last")  # fmt: skip
    it = verb("ls", _ls, "List the images.")
    it.add_argument("wanted", metavar="NAME[:TAG]", nargs="?", default="", help="this one alone")
    it.add_argument("-a", "--all", action="store_true", help="all are shown in any case")
    it.add_argument("-q", "--quiet", action="store_true", help="ids only")
    it.add_argument("--digests", action="store_true", help="also what a registry calls them")
    it.add_argument("--no-trunc", action="store_true", help="whole ids")
    it.add_argument("--format", default="", metavar="FORMAT",
                    help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    it.add_argument("--json", action="store_true", help="print one JSON list, in our own words")
    add_filter(it, NAMES)
    it = verb("rm", _rm, "Remove images, and layers that nobody uses any more.")
    it.add_argument("names", metavar="NAME", nargs="+", help="a name, or the beginning of an id")
    it.add_argument("-f", "--force", action="store_true",
                    help="of what is not here say so alone; names go, whoever uses the image")
    it.add_argument("--no-prune", action="store_true", help="taken; an image has no parents here")
    it = verb("inspect", _inspect, "Show what an image is, as JSON.")
    it.add_argument("names", metavar="NAME", nargs="+")
    add_format(it)
    it = verb("check", _check, "Prove that the store is whole.")
    it.add_argument("--mine", action="store_true",
                    help="ask your own store_is_whole, too (lesson 13)")  # fmt: skip
    it.add_argument("--unsafe", action="store_true",
                    help="with --mine: also if it failed when judged last")  # fmt: skip
    it = verb("prune", _prune, "Remove images that nobody needs.")
    it.add_argument("-a", "--all", action="store_true", help="also those with a name, if unused")
    pruning.add_options(it)
    it = verb("blame", _blame, "Say which layer of an image gives or deletes a path.")
    it.add_argument("name", metavar="NAME")
    it.add_argument("path", metavar="PATH", help="as a container sees it: /etc/passwd")
    it.add_argument("--mine", action="store_true", help="ask your own blame (lesson 12)")
    it.add_argument("--unsafe", action="store_true",
                    help="with --mine: also if it failed when judged last")  # fmt: skip
    it = verb("history", _history, "Show the steps that made an image, newest first.")
    it.add_argument("name", metavar="NAME")
    it.add_argument("--json", action="store_true", help="print a JSON list")
    return parser


def _words(text: str, key: str) -> dict[str, Any]:
    shape = argparse.RawDescriptionHelpFormatter
    return {"description": text, "epilog": EXAMPLES[key], "formatter_class": shape}


# The verbs


def _build_base(store: Store, args: argparse.Namespace) -> None:
    began = time.monotonic()
    _tell(base.build_base(store, args.name), began)
    _make_default_filter(store)


def _import(store: Store, args: argparse.Namespace) -> None:
    args.tar, args.name = importer.tar_and_name(args.places)
    began = time.monotonic()
    title = "standard input" if args.tar == "-" else os.path.basename(args.tar)
    unpack = own(args, "import", "apply_layer", args.name or args.tar)
    with Bars() as bars:
        report = importer.import_tar(
            store, args.name, args.tar, args.change, bars.add(title), unpack, args.message
        )
    _tell(report, began)
    if unpack:
        print("minidocker: your apply_layer unpacked this image.", file=sys.stderr)
    image = report.image
    happened.tell_of("image", store.root, "import", image.id, name=image.name)
    _make_default_filter(store)


def own(
    args: argparse.Namespace, word: str, function: str, whose: str, lesson: str = "12"
) -> Own | None:
    """Return the learner's function for a verb, where --mine asks for it and there is one."""
    if not args.mine:
        return None
    sys.stderr.write(learner.warning_outside_the_lab(Store()))
    found = learner.serving(word, whose, args.unsafe).get(function)
    if found is None:
        told = f"no {function} of yours: ours does it (lesson {lesson})."
        print(f"minidocker: {told}", file=sys.stderr)
    return found


def _blame(store: Store, args: argparse.Namespace) -> int:
    """Say which layer gives a path, or deletes it; and where a deleted one still lies."""
    layers = catalogue.layers_of(store, store.resolve(args.name).id.removeprefix("sha256:"))
    places = [store.path("layers", "sha256", layer, "fs") for layer in layers]
    made = {step["layer"]: step["created_by"] for step in catalogue.history(store, args.name)}
    path = "/".join(part for part in args.path.split("/") if part not in ("", "."))
    if not path or ".." in path.split("/"):
        raise UsageError(f"{args.path!r} is no path inside an image", "/etc/passwd")
    asked = own(args, "blame", "blame", args.name) or blame
    found = answered(asked(path, places), len(places))
    if found is None:
        print(f"no layer of {args.name} has ever had /{path}")
        return 1
    number, word = found
    below = answered(asked(path, places[:number]), number) if word == DELETES else None
    for one, said in [(number, word), *([(below[0], "still in")] if below else [])]:
        print(f"{said}: {layers[one][:12]}  {made.get(layers[one], '')}".rstrip())
    return 0


def answered(found: Any, most: int) -> tuple[int, str] | None:
    """Return what `blame` gave, which may be a learner's; UsageError where it is no answer."""
    if found is None:
        return None
    match found:
        case [int(number), "gives" | "deletes" as word] if 0 <= number < most:
            return number, word
    raise UsageError(f"blame gave {found!r:.70}, which names no layer", "minidocker grade blame")


def _make_default_filter(store: Store) -> None:
    """Compile the default seccomp filter now, so that the first run need not."""
    cache.filter_file(store.root, list(DEFAULT_CAPABILITIES), mask(DEFAULT_CAPABILITIES))


def _tell(report: importer.Report, began: float) -> None:
    """Print the id for programs, and the rest for people."""
    print(report.image.id, flush=True)
    seconds = time.monotonic() - began
    told = [f"{report.image.name}: {report.entries} entries, {files.size(report.bytes)}"]
    told.append("the layer was here already" if report.known else f"in {seconds:.1f} s")
    print(", ".join(told), file=sys.stderr)
    if not report.complete:
        _warn("the archive has no end mark: it may have been cut short")
    for what, count in sorted(report.lost.items()):
        _warn(f"{count} × {what} could not be kept on this machine")
    if report.lost.keys() & {"owners", "device nodes"}:
        print("  try: sudo minidocker image import …", file=sys.stderr)


def _warn(text: str) -> None:
    print(f"minidocker: warning: {text}", file=sys.stderr)


def _ls(store: Store, args: argparse.Namespace) -> None:
    show_images(store, args)


def _rm(store: Store, args: argparse.Namespace) -> None:
    wanted = [name for name in args.names if not args.force or is_here(store, name)]
    for removed in gone(store.root, changes.remove(store, wanted, args.force)):
        print(f"{'Untagged' if removed.kind == 'name' else 'Deleted'}: {removed.name}")


def _inspect(store: Store, args: argparse.Namespace) -> int:
    return tell(args.names, lambda name: inspect.inspect(store, name), args.format)


def _check(store: Store, args: argparse.Namespace) -> int:
    whole = own(args, "check", "store_is_whole", "the store", "13")
    with store.hold():
        damage, counts = check.check(store)
        theirs = whole(store.root) if whole and counts["images"] else True
    if whole:  # it looks at the OCI layout alone, not at what lies unpacked beside it
        print(f"your store_is_whole says: {'whole' if theirs is True else 'damaged'}")
    named = {image: name for name, image in catalogue.names(store).items()}
    for one in damage:
        print(f"{one.place} {one.what}")
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if not damage:
        print(f"the store is whole: {said}")
        return 0 if theirs is True else 1
    hurt = sorted({named.get(one.image, one.image[:12]) for one in damage if one.image})
    remedy = f"minidocker image rm {' '.join(hurt)}, and get it again" if hurt else "get it again"
    _warn(f"{len(damage)} things are damaged ({said})\n  try: {remedy}")
    return 1


def _prune(store: Store, args: argparse.Namespace) -> None:
    freed = pruning.remove_images(store, args.all, args.filter)
    print(f"Total reclaimed space: {decimal(freed)}")


def _history(store: Store, args: argparse.Namespace) -> None:
    steps = catalogue.history(store, args.name)
    if args.json:
        print(json.dumps(steps, indent=1))
        return
    rows = [("LAYER", "CREATED", "CREATED BY", "SIZE", "COMMENT")]
    for step in steps:
        size = files.size(step["size"])
        date = _date(step["created"])
        layer = step["layer"][:12] or "-"
        rows.append((layer, date, step["created_by"], size, step["comment"]))
    table(rows)


def _date(created: str) -> str:
    """Shorten an RFC 3339 time; a time of 0 stands for "not said", so that ids stay equal."""
    return "-" if created.startswith("1970-01-01") else created[:16].replace("T", " ")


