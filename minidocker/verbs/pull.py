"""`minidocker pull`: an image from a registry."""

from __future__ import annotations

import argparse
import io
import sys
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from minidocker.errors import NotFound
from minidocker.images import signed
from minidocker.images.pull import Pulled, pull
from minidocker.images.registry import credentials
from minidocker.images.registry.client import Client
from minidocker.images.store import catalogue, files, names, oci
from minidocker.images.store.store import Store
from minidocker.kernel.flags import DEFAULT_CAPABILITIES, mask
from minidocker.plan import learner
from minidocker.runtime import happened
from minidocker.seccomp import cache
from minidocker.verbs.bars import Bars
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import Parser, make

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidocker.runtime.apart import Own

AFTER = """\
examples:
  minidocker pull debian                       from Docker Hub, the image for this machine
  minidocker pull ghcr.io/owner/app:1.2
  minidocker pull debian@sha256:…              just this one, whatever its tag stands for now
  minidocker pull localhost:5000/lab/base      http will do on loopback
  minidocker pull --verify cosign.pub NAME     only what the owner of this key has signed
  minidocker pull --mine NAME                  your functions of lessons 12 and 13 are asked

Names and logins are Docker's: see `minidocker login`. Every byte is checked by its digest before
it is used. What has come when a connection breaks off stays, and the next pull goes on from there.
With --verify the image's digest must be signed under its name, as cosign and `push --sign` do it.
Proxies come from HTTPS_PROXY and NO_PROXY, authorities from SSL_CERT_FILE, as everywhere.
"""


def main(argv: list[str]) -> int:
    """Pull images; return the exit status."""
    parser = make("pull", "Get an image from a registry.", AFTER)
    parser.add_argument("names", metavar="NAME", nargs="+", help="NAME[:TAG] or NAME@DIGEST")
    parser.add_argument("--platform", default="", help="OS/ARCHITECTURE; default: ours")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's id alone")
    parser.add_argument(
        "--verify", metavar="KEY", default="", help="a public key (PEM) that must have signed it"
    )
    parser.add_argument(
        "--mine", action="store_true", help="ask your own functions of lessons 12 and 13"
    )
    parser.add_argument("--unsafe", action="store_true",
                        help="with --mine: also what failed when judged last")  # fmt: skip
    add_tls(parser)
    args = parser.parse_args(argv)
    if args.mine:
        sys.stderr.write(learner.warning_outside_the_lab(Store()))
    if args.verify:
        signed.public_key(args.verify)  # before anybody is asked for anything
    for name in args.names:
        own = own_functions(name, args) if args.mine else {}
        fetch(name, args.platform, insecure(args), args.quiet, key=args.verify, own=own)
    return 0


def own_functions(name: str, args: argparse.Namespace) -> dict[str, Own]:
    """Return the learner's functions that a pull asks, and say which they are."""
    found = learner.serving("pull", names.any_name(name), args.unsafe)
    if not args.quiet:
        told = ", ".join(sorted(found)) or "none: ours do it (lessons 12 and 13)"
        print(f"minidocker: your functions in this pull: {told}.", file=sys.stderr)
    return found


def add_tls(parser: Parser) -> None:
    """Add --tls-verify to a word that asks a registry."""
    parser.add_argument(
        "--tls-verify", metavar="true|false", default="true", choices=["true", "false"],
        help="false: trust any certificate, and plain http",
    )  # fmt: skip


def insecure(args: argparse.Namespace) -> bool:
    """Say whether --tls-verify=false was given."""
    return bool(args.tls_verify == "false")


def ask_for(
    full: str, actions: str = "pull", insecure: bool = False, more: list[str] | None = None
) -> Client:
    """Return a client for the repository of a full name, with the login that there is for it.

    It is made before an ordinary user becomes root of a namespace, where a helper may not be heard.
    """
    host, path, _ = names.split(full)
    login = credentials.find(host, path)
    client = Client(host, path, login, actions, insecure, say)
    client.scopes += [f"repository:{other}:pull" for other in more or []]
    return client


def say(line: str) -> None:
    """Tell people something while they wait."""
    print(f"minidocker: {line}", file=sys.stderr)


def for_run(name: str, platform: str, always: bool, quiet: bool = False) -> None:
    """Pull what a run needs, and print nothing on its standard output; `quiet`: nor anywhere.

    Not `always`: only where the image here is for another platform.
    """
    if not always:
        wanted = oci.read_platform(platform)
        try:
            image = Store().resolve(name).id.removeprefix("sha256:")
        except NotFound:
            return  # it is missing, and the run will say so
        config = catalogue.config_of(Store(), image)
        if all(config.get(key) == wanted[key] for key in ("os", "architecture")):
            return
    fetch(name, platform, quiet=quiet, id_to=io.StringIO() if quiet else sys.stderr)


def fetch(
    name: str, platform: str = "", insecure: bool = False, quiet: bool = False,
    id_to: TextIO | None = None, key: str = "", own: Mapping[str, Own] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Pull one image, and tell it: the id on standard output, the rest for people."""
    full = names.any_name(name)

    def work() -> int:
        store, began = Store(), time.monotonic()
        with ask as client, Bars(quiet or bool(own)) as bars:
            pulled = pull(store, full, client, platform, bars.add, key, own)
        print(pulled.image.id, flush=True, file=id_to)
        happened.tell_of("image", store.root, "pull", full, name=full)
        if not quiet:
            tell(full, pulled, time.monotonic() - began)
            if key:
                print(f"{full}: signed by the key {key}", file=sys.stderr)
        cache.filter_file(store.root, list(DEFAULT_CAPABILITIES), mask(DEFAULT_CAPABILITIES))
        return 0

    ask = ask_for(full, insecure=insecure)
    guarded(work)


def tell(full: str, pulled: Pulled, seconds: float) -> None:
    """Say what came."""
    layers = f"{pulled.fresh} layer{'s' * (pulled.fresh != 1)}"
    what = f"{layers}, {files.size(pulled.bytes)} in {seconds:.1f} s"
    if not pulled.fresh:
        what = "all of its layers are here already"
    print(f"{full}: {what}\n{full}: {pulled.digest}", file=sys.stderr)
    for lost, count in sorted(pulled.lost.items()):
        print(f"minidocker: warning: {count} × {lost} could not be kept here", file=sys.stderr)
