"""`minidocker commit`: an image of what a container changed."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minidocker.engine import as_image, freezing, told
from minidocker.engine.layers_of import hexes, layers_of, upper_of
from minidocker.errors import Blocked, Conflict
from minidocker.images.commit import base_of, commit
from minidocker.images.store import catalogue, files, oci
from minidocker.images.store.store import Store
from minidocker.plan import learner
from minidocker.runtime import reading, state
from minidocker.verbs.owners import with_owners
from minidocker.verbs.parser import make

if TYPE_CHECKING:
    from minidocker.images.importer import Report
    from minidocker.runtime.apart import Own

AFTER = """\
examples:
  minidocker run --name box base sh -c 'echo hi > /greeting'
  minidocker commit box greeter -m 'say hi' -c 'CMD cat /greeting'
  minidocker run --rm greeter
  minidocker image history greeter
  minidocker commit box                     an image without a name: its id serves
  minidocker commit --mine box greeter      the layer is made by your own pack (lesson 12)

Its changes become one more layer; the layers of its image are shared, not copied. Volumes, /dev,
/proc, /etc/hosts, /etc/hostname and /etc/resolv.conf are mounts, and in no layer. Command,
variables, user, directory, ports and labels are those that the container was run with; -c changes
them. A container that runs is paused meanwhile, unless --pause=false says otherwise.
"""


def main(argv: list[str]) -> int:
    """Make the image; return the exit status."""
    parser = make("commit", "Make an image of what a container has changed.", AFTER)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    parser.add_argument("name", metavar="NAME[:TAG]", nargs="?",
                        help="the image's name; <none> if nothing is said")  # fmt: skip
    parser.add_argument("-a", "--author", default="", help="who made it: NAME <MAIL>")
    parser.add_argument("-p", "--pause", action="store_true", default=True,
                        help="pause what runs; it is so, unless it is --pause=false")  # fmt: skip
    parser.add_argument("--no-pause", action="store_false", dest="pause",
                        help="the same as --pause=false")  # fmt: skip
    parser.add_argument("-m", "--message", default="", help="say why; `image history` shows it")
    parser.add_argument(
        "-c", "--change", metavar="CHANGE", action="append", default=[],
        help="set CMD, ENTRYPOINT, ENV, WORKDIR, USER, LABEL, EXPOSE, VOLUME or STOPSIGNAL",
    )  # fmt: skip
    parser.add_argument("--mine", action="store_true", help="let your own pack write the layer")
    parser.add_argument("--unsafe", action="store_true",
                        help="with --mine: also what failed when judged last")  # fmt: skip
    args = parser.parse_args(argv)
    if args.mine:
        sys.stderr.write(learner.warning_outside_the_lab(Store()))
    return with_owners(lambda: guarded(Store(), args))


def guarded(store: Store, args: argparse.Namespace) -> int:
    """Make the image; say what a user may not read."""
    try:
        return commit_container(store, args)
    except BrokenPipeError:
        raise
    except OSError as problem:
        where = f"{os.fsdecode(problem.filename)}: " if problem.filename else ""
        again = "sudo minidocker commit …"
        raise Blocked(f"{where}{problem.strerror or problem}", again) from None


def commit_container(store: Store, args: argparse.Namespace) -> int:
    """Make the image; print its id on standard output, and the rest for people."""
    record = reading.find(store.root, args.container)
    upper, layers = upper_of(record), layers_of(record)
    with at_rest(record, args.pause):
        base = base_of(store, record["image"], hexes(store, record, layers))
        command = shlex.join(record["spec"]["process"]["args"])
        step = {"created": oci.now(), "created_by": command, "comment": args.message}
        step |= {"author": args.author} if args.author else {}
        pack = own_pack(args)
        settings = as_image.settings(record, catalogue.config_of(store, base).get("config") or {})
        report = commit(store, args.name, base, upper, step, args.change, pack, settings)
        tell(report)
        told.tell(
            record, "commit", comment=args.message, imageID=report.image.id,
            imageRef=report.image.name,
        )  # fmt: skip
        if pack and report.layer:
            print("minidocker: your pack made this layer.", file=sys.stderr)
    return 0


@contextlib.contextmanager
def at_rest(record: dict[str, Any], pause: bool) -> Iterator[None]:
    """Keep a container as it is: its lock, where it has ended; paused, where it runs."""
    lock = state.try_lock(record["directory"])  # held: nobody removes the container meanwhile
    if lock is not None:
        try:
            yield
        finally:
            os.close(lock)
    elif not pause or freezing.is_frozen(record):
        yield
    elif not freezing.file_of(record):
        raise Conflict(
            f"container {record['name'] or record['id']} is running, and has no cgroup of its own "
            "(version 2): it cannot be paused while its files are read",
            "stop it first, or --pause=false: then what is being written may be half in the image",
        )
    else:
        freezing.freeze(record)
        try:
            freezing.settle(record)
            yield
        finally:
            freezing.thaw(record)


def own_pack(args: argparse.Namespace) -> Own | None:
    """Return the learner's `pack` where --mine asks for it; None, and a word, where there is none.

    Its own process then reads the container's files.
    """
    if not args.mine:
        return None
    found = learner.serving("commit", args.name or args.container, args.unsafe).get("pack")
    if found is None:
        print("minidocker: no pack of yours: ours makes this layer (lesson 12).", file=sys.stderr)
    return found


def tell(report: Report) -> None:
    """Print the id for programs, and the rest for people."""
    print(report.image.id, flush=True)
    said = "nothing was changed, so it has no layer of its own"
    if report.layer:
        said = f"a layer of {report.entries} changes, {files.size(report.bytes)}"
        said += ", which was here already" if report.known else ""
    print(f"{report.image.name}: {said}", file=sys.stderr)
    for what, count in sorted(report.lost.items()):
        print(f"minidocker: warning: {count} × {what} could not be kept", file=sys.stderr)
