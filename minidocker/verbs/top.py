"""`minidocker top`: the processes in a container, with their numbers on the host."""

from __future__ import annotations

import os
import pwd
import subprocess
import time

from minidocker.engine import revival, told
from minidocker.engine.inside import members
from minidocker.errors import Blocked, UsageError
from minidocker.formats.rows import aligned, one_line, say
from minidocker.images.store.store import Store
from minidocker.proc import processes
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker top box
  minidocker top box -o pid,user,args          options for the host's ps(1)
  minidocker top box aux

PID is the host's number of the process; inside it has another one (ps in the container shows it).
What follows the name goes to ps as it is; its output needs a column PID.
"""
HEADS = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
TICKS = os.sysconf("SC_CLK_TCK")
TTY_MAJORS = {136: "pts/", 4: "tty"}


def main(argv: list[str]) -> int:
    """Print a line a process; return the exit status."""
    made = parser()
    if not argv or argv[0] in ("-h", "--help"):
        made.parse_args(argv)
    name, options = argv[0], argv[1:]  # what follows is for ps, whatever it looks like
    record = revival.find(Store(), name)
    pids = members(record)
    told.tell(record, "top")
    lines = by_ps(options, pids) if options else own_table(pids)
    say("".join(f"{line}\n" for line in lines))
    return 0


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("top", "List the processes in a container.", AFTER)
    made.add_argument("container", metavar="CONTAINER", help="a name, an id, or its beginning")
    made.add_argument("options", metavar="PS OPTIONS", nargs="*", help="for ps(1) of the host")
    return made


def own_table(pids: list[int]) -> list[str]:
    """Return what `ps -ef` would show of these processes, from /proc."""
    now = time.time()
    with open("/proc/uptime", encoding="ascii") as stream:
        boot = now - float(stream.read().split()[0])
    rows = [list(HEADS)]
    for pid in pids:
        try:
            one = processes.process(pid)
            fields = processes.stat(pid)
        except (LookupError, PermissionError):
            continue  # it has just ended
        ticks = int(fields[11]) + int(fields[12])
        began = boot + int(fields[19]) / TICKS
        percent = int(100 * ticks / TICKS / max(now - began, 1))
        words = " ".join(one.command) or f"[{one.name}]"
        rows.append([
            user_name(one.uid), str(pid), str(one.ppid), str(percent), day(began, now),
            terminal(int(fields[4])), clock(ticks // TICKS), one_line(words),
        ])  # fmt: skip
    return aligned(rows)


def user_name(uid: int) -> str:
    """Return the host's name of a user, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def day(began: float, now: float) -> str:
    """Return when a process began: the time of a day that is today, or else the day."""
    return time.strftime("%H:%M" if now - began < 86400 else "%b%d", time.localtime(began))


def clock(seconds: int) -> str:
    """Write a span of CPU time as ps does: 00:01:02."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def terminal(number: int) -> str:
    """Return the name of a controlling terminal: field 7 of /proc/PID/stat. proc(5)"""
    kind = TTY_MAJORS.get(os.major(number))
    return f"{kind}{os.minor(number)}" if kind and number else "?"


def by_ps(options: list[str], pids: list[int]) -> list[str]:
    """Return those lines of the host's ps that are of these processes, and its headings.

    Without -q, `-o pid` shows those of the caller's terminal alone; what cannot be together with
    -q (`aux`) is asked without, as Docker does. moby's daemon/top_unix.go
    """
    these = "-q" + ",".join(map(str, pids))
    try:
        done = subprocess.run(["ps", *options, these], capture_output=True, check=False)
        if done.returncode:
            done = subprocess.run(["ps", *options], capture_output=True, check=False)
    except FileNotFoundError:
        raise Blocked("options need the host's ps", "sudo apt-get install procps") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise UsageError(f"ps refuses {' '.join(options)}: {said}", "man ps",
                         docker=f"Error running ps: {said}")  # fmt: skip
    head, *lines = done.stdout.decode("utf-8", "surrogateescape").split("\n")
    columns = head.split()
    if "PID" not in columns:
        raise UsageError(
            "ps shows no column PID with these options", "-o pid,args",
            docker="Couldn't find PID field in ps output",
        )  # fmt: skip
    place, wanted = columns.index("PID"), {str(pid) for pid in pids}
    found = [line for line in lines if line.split()[place : place + 1][:1] and
             line.split()[place] in wanted]  # fmt: skip
    return [head, *found]
