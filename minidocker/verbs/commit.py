"""`minidocker commit`: an image of what a container changed."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import TYPE_CHECKING

from minidocker.engine import told
from minidocker.engine.layers_of import hexes, layers_of, upper_of
from minidocker.errors import Blocked, Conflict
from minidocker.images.commit import base_of, commit
from minidocker.images.store import files, oci
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
  minidocker commit --mine box greeter      the layer is made by your own pack (lesson 12)

The container must have ended. Its changes become one more layer; the layers of its image are
shared, not copied. Volumes, /dev, /proc, /etc/hosts, /etc/hostname and /etc/resolv.conf are mounts,
and in no layer. Settings come from the container's image; -c changes them.
"""


def main(argv: list[str]) -> int:
    """Make the image; return the exit status."""
    parser = make("commit", "Make an image of what a container has changed.", AFTER)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    parser.add_argument("name", metavar="NAME[:TAG]", help="the image's name")
    parser.add_argument("-a", "--author", default="", help="who made it: NAME <MAIL>")
    parser.add_argument("-p", "--pause", action="store_true",
                        help="taken: a container must have ended, and changes nothing")  # fmt: skip
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
    lock = state.try_lock(record["directory"])  # held: nobody removes the container meanwhile
    if lock is None:
        raise Conflict(
            f"container {args.container} is running, and may still change its files",
            "stop it first (Ctrl-C, or kill its process)",
        )
    try:
        base = base_of(store, record["image"], hexes(store, record, layers))
        command = shlex.join(record["spec"]["process"]["args"])
        step = {"created": oci.now(), "created_by": command, "comment": args.message}
        step |= {"author": args.author} if args.author else {}
        pack = own_pack(args)
        report = commit(store, args.name, base, upper, step, args.change, pack)
        tell(report)
        told.tell(
            record, "commit", comment=args.message, imageID=report.image.id,
            imageRef=report.image.name,
        )  # fmt: skip
        if pack and report.layer:
            print("minidocker: your pack made this layer.", file=sys.stderr)
    finally:
        os.close(lock)
    return 0


def own_pack(args: argparse.Namespace) -> Own | None:
    """Return the learner's `pack` where --mine asks for it; None, and a word, where there is none.

    Its own process then reads the container's files.
    """
    if not args.mine:
        return None
    found = learner.serving("commit", args.name, args.unsafe).get("pack")
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
