"""`minidocker kill`: a signal for a container's first process."""

from __future__ import annotations

from minidocker.engine import ending
from minidocker.images.store.store import Store
from minidocker.plan.notes import signal_number
from minidocker.verbs.each import each
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker kill box               SIGKILL: it ends, and all in it
  minidocker kill -s HUP box        many servers read their settings again

A PID 1 hears only the signals that it has asked for. `run --init` gives it a parent that passes
them on to a command which is then no PID 1."""


def main(argv: list[str]) -> int:
    """Signal containers; print the name of each; return the exit status."""
    parser = make("kill", "Send a signal to the first process of containers.", AFTER)
    parser.add_argument("-s", "--signal", default="KILL", help="which one; KILL if nothing is said")
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    number = signal_number(args.signal, "--signal")
    return each(Store(), args.names, lambda found: ending.kill(found, number))
