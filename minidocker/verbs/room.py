"""`minidocker room`: a shell in a place where you are root, and where every mistake ends."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys

from minidocker.chamber import cgroups, room
from minidocker.errors import NotFound
from minidocker.kernel.flags import PR_SET_PDEATHSIG
from minidocker.kernel.linux import Linux
from minidocker.runtime.terminal import Terminal
from minidocker.verbs.parser import make

ABOUT = (
    "Be root in a room of your own: its processes, mounts, network, names and ids are not those of "
    "this machine. No root is needed, and no harm is done."
)
AFTER = """\
examples:
  minidocker room                          a shell
  minidocker room minidocker run base ps   one command; its exit status is ours
  minidocker room sh -c 'kill -9 -1'       what it does there, ends there

What you write there lies in memory and is gone with the room: edit your exercises outside. There,
`minidocker` has a store of its own, with the image base. Limits (lesson 05) need the lab machine.
"""
HELLO = "You are root in a room of your own; `exit` leaves it. The course is read-only in here.\n"


def main(argv: list[str]) -> int:
    """Open a room, and return the exit status of the command in it."""
    parser = make("room", ABOUT, AFTER)
    parser.add_argument("--share", action="append", default=[], metavar="DIR",
                        help="a directory of yours that may be written to in it")  # fmt: skip
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    args = parser.parse_args(argv)
    words, share = args.words, [os.path.abspath(path) for path in args.share]
    if "JPY_PARENT_PID" in os.environ:  # a kernel ends with Jupyter, however that ends
        Linux().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for path in share:
        if not os.path.isdir(path):
            raise NotFound(f"--share {path}: there is no such directory", "give a directory")
    words = words[1:] if words[:1] == ["--"] else words
    shell = ["sh", "-c", "command -v bash >/dev/null && exec bash --norc; exec sh"]
    if not words and os.isatty(0):
        sys.stderr.write(HELLO)
    if not (os.isatty(0) and os.isatty(1)):
        return wait(room.enter(words or shell, None, share))
    master, slave = os.openpty()
    pid = room.enter(words or shell, slave, share)
    os.close(slave)
    copy(master, pid)
    return wait(pid)


def wait(pid: int) -> int:
    """Wait for the room's end; Ctrl-C ends all that is in it."""
    try:
        _, status = os.waitpid(pid, 0)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return 130
    finally:
        cgroups.sweep()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def copy(master: int, pid: int) -> None:
    """Be the room's terminal until its process 1 has ended."""
    terminal, poll = Terminal(master, interactive=True), select.poll()
    signal.signal(signal.SIGWINCH, lambda *_: terminal.resize())
    try:
        terminal.start(poll)
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            for fd, what in poll.poll(100):
                terminal.serve(fd, what, poll)
        terminal.drain()
    finally:
        terminal.stop()
