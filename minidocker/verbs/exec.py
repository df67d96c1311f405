"""`minidocker exec`: one more command in a container that runs."""

from __future__ import annotations

import os
from typing import Any

from minidocker.engine import revival, visit
from minidocker.engine.keys import detach_keys
from minidocker.errors import Conflict, FlagError, UsageError
from minidocker.images.store.store import Store
from minidocker.verbs.own_parts import add_mine, own_of
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker exec box ps                    what runs in it
  minidocker exec -it box sh                a shell in it; Ctrl-D leaves it
  minidocker exec -u 1000 -w /tmp -e A=b box env
  minidocker exec -d box sh -c 'sleep 9; date > /done'

It has the rights of the container's own command, and no more: the same namespaces, cgroup,
capabilities, filter and limits. Exit status: its own; 126 "cannot be run", 127 "not found"."""


def main(argv: list[str]) -> int:
    """Run the command; return its exit status."""
    args = parser().parse_args(argv)
    if not args.command:
        raise UsageError("exec needs a COMMAND", "minidocker exec box sh",
                         docker="'docker exec' requires at least 2 arguments")  # fmt: skip
    keys = detach_keys(args.detach_keys)
    if args.tty and args.interactive and not args.detach and not os.isatty(0):
        raise UsageError("standard input is not a terminal, and -it wants one", "use -i alone",
                         docker="the input device is not a TTY")  # fmt: skip
    record = revival.find(Store(), args.name)
    refuse(record)
    command = visit.Command(
        args.command, variables([*of_files(args.env_file), *args.env], args.tty),
        args.workdir, args.user, args.tty, args.interactive, args.detach, keys,
    )  # fmt: skip
    if own := own_of(args, "exec", "exec_in", record["id"]):
        from minidocker.engine import own_exec

        return own_exec.execute(record, command, own)
    return visit.execute(record, command)


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("exec", "Run a command in a container that runs.", AFTER)
    made.add_argument("-i", "--interactive", action="store_true", help="keep standard input open")
    made.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    made.add_argument("-d", "--detach", action="store_true", help="do not wait for it")
    made.add_argument("-e", "--env", action="append", default=[], metavar="NAME=VALUE",
                      help="set a variable; NAME alone takes yours")  # fmt: skip
    made.add_argument("--env-file", action="append", default=[], metavar="FILE",
                      help="read variables, one NAME=VALUE a line")  # fmt: skip
    made.add_argument("-w", "--workdir", default="", metavar="DIR", help="start in this directory")
    made.add_argument("-u", "--user", default="", metavar="USER[:GROUP]", help="run as this user")
    made.add_argument("--detach-keys", default="", metavar="KEYS",
                      help="with -it: these leave it running, such as ctrl-p,ctrl-q")  # fmt: skip
    add_mine(made, "let your own exec_in start it (lesson 14)")
    made.add_argument("name", metavar="CONTAINER", help="a name, an id, or its beginning")
    made.add_argument("command", nargs="...", metavar="COMMAND", help="with its arguments")
    return made


def of_files(files: list[str]) -> list[str]:
    """Return what the files say, a line each."""
    if not files:
        return []
    from minidocker.plan.notes import read_file

    return [line for file in files for line in read_file(file, "--env-file")]


def variables(given: list[str], terminal: bool) -> list[str]:
    """Return NAME=VALUE texts, the last one of a name; a name alone takes the caller's value."""
    found = {"TERM": os.environ.get("TERM", "xterm")} if terminal else {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name:
            raise FlagError(f"-e {text!r} has no name", "-e NAME=VALUE")
        if equals or name in os.environ:
            found[name] = value if equals else os.environ[name]
    return [f"{name}={value}" for name, value in found.items()]


def refuse(record: dict[str, Any]) -> None:
    """Refuse a container that does not run, in Docker's words."""
    if not record["alive"] or record["status"] not in ("running", "paused"):
        name = record["name"] or record["id"]
        raise Conflict(
            f"container {name} is not running", f"minidocker start {name}", status=1,
            docker=f"container {record['id']} is not running",
        )  # fmt: skip



