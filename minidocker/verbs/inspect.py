"""`minidocker inspect`: all that is known of containers, images, networks and volumes, as JSON."""

from __future__ import annotations

import os
from typing import Any

from minidocker.engine import revival
from minidocker.engine.described import describe
from minidocker.errors import NoImage, NotFound, UsageError
from minidocker.images.store import inspect as images
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.net.networks import Networks
from minidocker.verbs import network, volume
from minidocker.verbs.inspecting import Look, add_format, tell
from minidocker.verbs.parser import Parser, make
from minidocker.volumes.store import Volumes

AFTER = """\
examples:
  minidocker inspect box
  minidocker inspect -f '{{.State.Pid}}' box
  minidocker inspect -f '{{range $p, $at := .NetworkSettings.Ports}}{{$p}} -> \
{{(index $at 0).HostPort}}{{"\\n"}}{{end}}' web
  minidocker inspect -f '{{json .Config.Labels}}' box
  minidocker inspect --type image -f '{{index .RepoTags 0}}' base

The words are Docker's. A template is text with {{ }} in it: fields (.State.Status), index, json,
join, len, upper, lower, println, printf, if/else, with, range, eq, ne, and, or, not. What a name
stands for is looked up as container, image, network, volume; --type says which one is meant.
"""


def main(argv: list[str]) -> int:
    """Print what the names stand for; 1 where one of them is nothing."""
    args = parser().parse_args(argv)
    looks = kinds(Store(), args.size)
    if args.type and args.type not in looks:
        raise UsageError(
            f"--type {args.type!r} is none of {', '.join(looks)}", "leave --type out",
            docker=f'"{args.type}" is not a valid value for --type',
        )  # fmt: skip
    return tell(args.names, looks[args.type] if args.type else anything(looks), args.format)


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("inspect", "Say all that is known of something, as JSON.", AFTER)
    made.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    add_format(made)
    made.add_argument("-s", "--size", action="store_true", help="containers: how much disk, too")
    made.add_argument("--type", default="", metavar="KIND",
                      help="container, image, network or volume")  # fmt: skip
    return made


def kinds(store: Store, sized: bool) -> dict[str, Look]:
    """Return how each kind of thing is looked up."""

    def networks(name: str) -> dict[str, Any]:
        found = Networks(Linux(), store.root)
        network.require(found, name)
        if not os.access(store.root, os.W_OK):
            return network.about(found, name)
        lock = found.lock()
        try:
            return network.about(found, name)
        finally:
            os.close(lock)

    return {
        "container": lambda name: describe(store, revival.find(store, name), sized),
        "image": lambda name: images.inspect(store, name),
        "network": networks,
        "volume": lambda name: volume.about(Volumes(Linux(), store.root), name),
    }


def anything(looks: dict[str, Look]) -> Look:
    """Return what looks a name up as each kind, in this order."""

    def look(name: str) -> dict[str, Any]:
        for kind in looks.values():
            try:
                return kind(name)
            except (NotFound, NoImage, UsageError):
                continue
        raise NotFound(
            f"there is no container, image, network or volume {name}",
            "minidocker ps -a; minidocker images", docker=f"Error: No such object: {name}",
        )  # fmt: skip

    return look
