"""`minidocker registry serve`: a small registry on loopback, to learn with and to break."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import Sequence

from minidocker.errors import UsageError
from minidocker.images.registry.faults import FAULTS, Faults
from minidocker.images.registry.scratch import Scratch
from minidocker.images.registry.server import Registry
from minidocker.images.registry.tokens import Guard
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker registry serve                         on 127.0.0.1:5000, until Ctrl-C
  minidocker tag base localhost:5000/lab/base && minidocker push localhost:5000/lab/base
  minidocker registry serve --auth me:secret        who pulls or pushes must log in
  minidocker registry serve --fault tampered        what does a pull say?
  minidocker registry serve --fault cut=3           three connections end in mid-blob

What is pushed is kept in --directory; without one, in a directory that goes with the server.
Faults, NAME or NAME=HOW OFTEN:
""" + "".join(f"  {name:<11}{what}\n" for name, (_, what) in FAULTS.items())


def main(argv: Sequence[str]) -> int:
    """Serve until a signal; return the exit status."""
    parser = make("registry", "A registry of our own, on loopback.", AFTER)
    verbs = parser.add_subparsers(metavar="serve", required=True)
    it = verbs.add_parser(
        "serve", help="serve until Ctrl-C", epilog=AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    it.add_argument("--port", type=int, default=5000, help="0 is any; default: 5000")
    it.add_argument("--address", default="127.0.0.1", help="a loopback address")
    it.add_argument("--directory", metavar="DIR", help="keep what is pushed here")
    it.add_argument("--auth", metavar="USER:PASSWORD", help="who pulls or pushes must log in")
    it.add_argument("--anonymous", action="store_true", help="with --auth: pulls need no login")
    it.add_argument("--basic", action="store_true", help="with --auth: a password, no tokens")
    it.add_argument("--tls", metavar="CERT:KEY", help="https, with these PEM files")
    it.add_argument("--fault", action="append", default=[], metavar="NAME", help="see below")
    args = parser.parse_args(list(argv))
    if args.auth and ":" not in args.auth:
        raise UsageError(f"--auth {args.auth} is not USER:PASSWORD", "--auth me:secret")
    guard = Guard(args.auth, args.anonymous, args.basic) if args.auth else None
    faults = Faults(args.fault)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with contextlib.ExitStack() as stack:
        folder = args.directory
        if folder is None:
            folder = stack.enter_context(Scratch())
        registry = Registry(
            os.path.abspath(folder), args.port, args.address, guard, faults, _tls(args.tls), _tell
        )
        print(f"{registry.scheme}://{registry.address}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            registry.serve()
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _tls(text: str | None) -> ssl.SSLContext | None:
    if not text:
        return None
    cert, _, key = text.partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key or None)
    except (OSError, ssl.SSLError) as problem:
        raise UsageError(f"--tls {text}: {problem}", "--tls CERT.pem:KEY.pem") from None
    return context
