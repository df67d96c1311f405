"""`minidocker login`: prove who we are to a registry, and keep the proof."""

from __future__ import annotations

import getpass
import os
import sys

from minidocker.errors import UsageError
from minidocker.images.registry import credentials
from minidocker.images.registry.client import Client
from minidocker.images.registry.credentials import Login
from minidocker.images.store import names
from minidocker.verbs.parser import make
from minidocker.verbs.pull import add_tls, insecure, say

AFTER = """\
examples:
  minidocker login                             Docker Hub
  minidocker login ghcr.io -u owner
  minidocker login localhost:5000 -u me --password-stdin < file

The login is tried first. It is kept in $REGISTRY_AUTH_FILE or ~/.docker/config.json, which only you
may read, or by the credential helper that this file names. Docker and Podman find it there as well.
"""


def main(argv: list[str]) -> int:
    """Log in; return the exit status."""
    parser = make("login", "Log in to a registry.", AFTER)
    parser.add_argument("registry", metavar="HOST", nargs="?", default=names.HUB[0])
    parser.add_argument("-u", "--username", metavar="NAME")
    parser.add_argument("-p", "--password", help="others can see it: better --password-stdin")
    parser.add_argument("--password-stdin", action="store_true", help="read it from stdin")
    add_tls(parser)
    args = parser.parse_args(argv)
    host = registry_of(args.registry)
    login = ask(args.username, args.password, args.password_stdin)
    with Client(host, "", login, insecure=insecure(args), say=say) as client:
        client.expect(client.ask("GET", "/"), 200).finish()
    print(f"logged in to {host}; the login is kept in {credentials.keep(host, login)}")
    return 0


def registry_of(text: str) -> str:
    """Return the host of a registry, as names have it: without a scheme and a path."""
    host = text.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if host in names.HUB:
        return names.HUB[0]
    full = names.any_name(f"{host}/x")
    if names.split(full)[0] != host:
        raise UsageError(f"{text} is no registry", "HOST[:PORT], such as ghcr.io")
    return host


def ask(user: str | None, password: str | None, from_stdin: bool) -> Login:
    """Take name and password from the command line, standard input or the terminal."""
    if from_stdin and not user:
        raise UsageError("--password-stdin needs -u NAME", "-u NAME --password-stdin")
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif not os.isatty(0) and (user is None or password is None):
        raise UsageError("there is no terminal to ask on", "-u NAME --password-stdin")
    try:
        user = user or input("user name: ").strip()
        password = getpass.getpass("password: ") if password is None else password
    except EOFError:
        raise UsageError("no name or password was given", "-u NAME --password-stdin") from None
    if not user or ":" in user or not password:
        raise UsageError("a login needs a name (without a colon) and a password", "try it again")
    return Login(user, password)
