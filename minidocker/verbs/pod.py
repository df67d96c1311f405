"""`minidocker pod create|ls|rm`: containers that share a network, memory and a host name."""

from __future__ import annotations

import argparse
import os
import sys
import time

from minidocker.engine import alone, pods, standing
from minidocker.errors import Blocked, MinidockerError
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.plan.options import BY_KEY
from minidocker.runtime import reading
from minidocker.spec.pods import HOLDER, NOTE
from minidocker.spec.words import LIST
from minidocker.verbs import run
from minidocker.verbs.parser import Parser, make
from minidocker.verbs.table import table

AFTER = """\
examples:
  minidocker pod create -p 8080:80 shop          an address, and nothing that listens there yet
  minidocker run -d --pod shop --name web base httpd -f
  minidocker run --rm --pod shop base wget -q -O - localhost
  minidocker pod ls
  minidocker pod rm -f shop                      and what is in it

Its containers see one network, one /dev/shm and one host name; files and processes are each one's
own. A holder keeps all that: a container of the pod's name, which `ps` shows. Root only: each
container of an ordinary user has a user namespace, and joins no other.
"""
OPTIONS = (
    "network", "publish", "network-alias", "ip", "mac-address", "hostname", "domainname",
    "add-host", "dns", "dns-search", "dns-option", "sysctl", "shm-size", "label", "restart",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Do what the verb says; return the exit status."""
    args = parser().parse_args(argv)
    return int(args.function(Store(), args))


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("pod", "Containers that share a network, shared memory and a host name.", AFTER)
    verbs = made.add_subparsers(dest="verb", metavar="create|ls|rm", required=True)
    create = verbs.add_parser("create", help="make a pod, and its holder")
    for key in OPTIONS:
        option = BY_KEY[key]
        action = "append" if option.kind == LIST else "store"
        names = [name for name in option.names if name != "-h"]  # which is --help here
        create.add_argument(*names, dest=key, action=action, metavar=option.placeholder,
                            help=option.help)  # fmt: skip
    create.add_argument("--name", dest="long", default="", metavar="NAME", help="its name")
    create.add_argument("name", nargs="?", default="", metavar="NAME", help="the same")
    create.set_defaults(function=create_one)
    ls = verbs.add_parser("ls", help="list pods")
    ls.add_argument("-q", "--quiet", action="store_true", help="ids only")
    ls.set_defaults(function=show_all)
    rm = verbs.add_parser("rm", help="remove pods, with what is in them")
    rm.add_argument("-f", "--force", action="store_true", help="also what runs")
    rm.add_argument("names", nargs="+", metavar="NAME")
    rm.set_defaults(function=remove)
    return made


def create_one(store: Store, args: argparse.Namespace) -> int:
    """Start the holder; print its id, which is the pod's."""
    if os.geteuid():
        raise Blocked(
            "an ordinary user's container cannot join another one: each has a user namespace",
            f"sudo minidocker pod create {args.name or args.long}",
        )
    found: dict[str, object] = {
        key: value for key, value in vars(args).items() if key in OPTIONS and value is not None
    }
    found.update({
        "detach": True, "rootfs": pods.root(store), "read-only": True, "cap-drop": ["ALL"],
        "security-opt": ["no-new-privileges"], "stop-signal": "KILL",
        "annotation": [f"{NOTE}={HOLDER}"],
    })  # fmt: skip
    if name := args.name or args.long:
        found["name"] = name
        found.setdefault("hostname", name[:63])
    spec, stages, record, lock = run.begin(found, [f"/{pods.PAUSE}"], store)
    alone.start(record, [stage() for stage in stages], Linux(), lock, None)
    print(spec.id)
    return 0


def show_all(store: Store, args: argparse.Namespace) -> int:
    """Print a line for each pod."""
    found = list(pods.holders(list(reading.records(store.root))))
    if args.quiet:
        print("".join(f"{holder['id']}\n" for holder, _ in found), end="")
        return 0
    rows = [("POD ID", "NAME", "STATUS", "CREATED", "CONTAINERS")]
    for holder, members in found:
        age = standing.span(time.time() - standing.moment(holder, "created"))
        status = standing.state_of(holder).capitalize()
        rows.append((holder["id"], holder["name"], status, f"{age} ago", str(len(members))))
    table(rows)
    return 0


def remove(store: Store, args: argparse.Namespace) -> int:
    """Remove pods; print the name of each; one that cannot go keeps no other."""
    status = 0
    for name in args.names:
        try:
            pods.remove(store, name, args.force)
            print(name)
        except MinidockerError as problem:
            remedy = f"\n  try: {problem.remedy}" if problem.remedy else ""
            sys.stderr.write(f"minidocker: {problem.message}{remedy}\n")
            status = 1
    return status
