"""`minidocker logout`: forget a login."""

from __future__ import annotations

from minidocker.images.registry import credentials
from minidocker.images.store import names
from minidocker.verbs.login import registry_of
from minidocker.verbs.parser import make


def main(argv: list[str]) -> int:
    """Log out; return the exit status."""
    parser = make("logout", "Forget the login of a registry.")
    parser.add_argument("registry", metavar="HOST", nargs="?", default=names.HUB[0])
    host = registry_of(parser.parse_args(argv).registry)
    print(f"logged out of {host}" if credentials.forget(host) else f"not logged in to {host}")
    return 0
