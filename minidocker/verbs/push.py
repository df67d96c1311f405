"""`minidocker push`: an image to a registry."""

from __future__ import annotations

import sys

from minidocker.images import signed
from minidocker.images.packed import pack_layers
from minidocker.images.push import push, sources
from minidocker.images.store import carry, names
from minidocker.images.store.store import Store
from minidocker.runtime import happened
from minidocker.verbs.bars import Bars
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make
from minidocker.verbs.pull import add_tls, ask_for, insecure

AFTER = """\
examples:
  minidocker tag base localhost:5000/lab/base
  minidocker push localhost:5000/lab/base
  minidocker push ghcr.io/owner/app:1.2        after: minidocker login ghcr.io
  minidocker push --sign KEY NAME              and say, with a private key, that it is yours

A pair of keys:
  openssl ecparam -name prime256v1 -genkey -noout -out KEY
  openssl pkey -in KEY -pubout -out KEY.pub

What was pulled goes out byte for byte as it came, so its digest stays. The layers of what was made
here are packed with gzip first, and stay so. What the registry has is
not sent; what another repository of it has is mounted there. The digest is printed. A signature is
kept beside the image, in cosign's form: `pull --verify KEY.pub` and cosign read it.
"""


def main(argv: list[str]) -> int:
    """Push images; return the exit status."""
    parser = make("push", "Send an image to a registry.", AFTER)
    parser.add_argument("names", metavar="NAME", nargs="+", help="NAME[:TAG], with its registry")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the digest alone")
    parser.add_argument(
        "--sign", metavar="KEY", default="", help="a private key (PEM) to sign the digest with"
    )
    add_tls(parser)
    args = parser.parse_args(argv)
    if args.sign:
        signed.private_key(args.sign)
    for name in args.names:
        send(names.check(name), insecure(args), args.quiet, args.sign)
    return 0


def send(full: str, insecure: bool, quiet: bool, key: str = "") -> None:
    """Push one image, and tell it; sign it, where a private key is given."""
    store = Store()
    store.resolve(full)  # before anybody is asked for anything
    mounts = sources(store, full)
    ask = ask_for(full, "pull,push", insecure, sorted(set(mounts.values())))

    def work() -> int:
        carry.ready(store)
        with ask as client, Bars(quiet) as bars:
            pack_layers(store, full, bars.add)
            pushed = push(store, full, client, mounts, bars.add)
            if key:
                signed.sign(client, full, pushed.digest.removeprefix("sha256:"), key)
        print(pushed.digest, flush=True)
        happened.tell_of("image", store.root, "push", full, name=full)
        if not quiet:
            how = f"{pushed.sent} blobs sent, {pushed.mounted} mounted"
            print(f"{full}: {how}, {pushed.known} there already", file=sys.stderr)
            if key:
                print(f"{full}: signed with the key {key}", file=sys.stderr)
        return 0

    guarded(work)
