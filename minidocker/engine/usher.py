"""The usher: who takes a command into a container without a keeper, and stays with it.

What runs in the foreground has none, and what runs alone may have lost both. So `exec` forks a
process that does for one guest what a keeper does for all: it is the command's parent, hears its
end, and ends with it.

A keeper's limits are those of its container. An usher's are its caller's, so it takes over those
of the container's PID 1 first: what is let in shall not have more.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
from typing import Any, NoReturn

from minidocker.engine import ending
from minidocker.engine.guests import Guest, Guests
from minidocker.errors import Conflict, MinidockerError
from minidocker.kernel import packets
from minidocker.kernel.flags import PR_SET_CHILD_SUBREAPER, SIGCHLD
from minidocker.kernel.linux import Linux
from minidocker.proc import living
from minidocker.runtime import terminal  # noqa: F401  (a helper can load nothing)
from minidocker.runtime.enter import RIGHTS
from minidocker.runtime.signals import Signals
from minidocker.spec import restored
from minidocker.spec.spec import Run
from minidocker.stages import by_name
from minidocker.stages.pid import exit_status

VALUES = 26  # where the limits begin in a line of /proc/PID/limits


def knock(record: dict[str, Any]) -> packets.End:
    """Start an usher for a container without a keeper; return the line to it."""
    process = main_of(record)
    line, usher = packets.pair()
    try:
        if os.fork() == 0:
            try:
                line.close()
                Usher(record, process, usher).serve()
            except Exception as problem:  # the caller hears why
                words = f"{type(problem).__name__}: {problem}"
                Guest(usher, 0).say_failed(MinidockerError(f"its usher has failed: {words}"))
            finally:
                os._exit(1)
    finally:
        os.close(process)
        usher.close()
    return line


def main_of(record: dict[str, Any]) -> int:
    """Open PID 1: by its mark; in the foreground it is a child of who holds the lock."""
    name = record["name"] or record["id"]
    if record.get("keeper"):
        process = living.handle(living.written(record["directory"]))
        if process < 0 or is_over(process):
            raise going(name)
        return process
    try:
        process = os.pidfd_open(record["pid"])
    except (OSError, KeyError):
        raise going(name) from None
    owner = ending.owner_of(record)
    try:
        if owner < 0 or not holds(owner, f"{record['directory']}/lock") or is_over(process):
            raise going(name)
    except BaseException:
        os.close(process)
        raise
    finally:
        if owner >= 0:
            os.close(owner)
    return process


def holds(process: int, path: str) -> bool:
    """Say whether a process has a file open. proc(5)"""
    pid = living.behind(process)
    wanted = os.stat(path)
    try:
        open_ones = os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return False  # it has just ended
    for fd in open_ones:
        try:
            if os.path.samestat(os.stat(f"/proc/{pid}/fd/{fd}"), wanted):
                return True
        except OSError:
            continue
    return False


def is_over(process: int) -> bool:
    """Say whether a process has ended."""
    return ending.has_ended(process, 0)


def going(name: str) -> Conflict:
    """Say that there is nothing to enter."""
    return Conflict(f"container {name} is about to end, or to start", "minidocker ps -a")


class Usher:
    """Serves one guest."""

    def __init__(self, record: dict[str, Any], process: int, line: packets.End) -> None:
        self.pid, self.process = record["pid"], process
        self.kernel = Linux()
        os.setsid()
        self.kernel.close_all_but({0, 1, 2, process, line.fileno()})
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.signals = Signals(self.kernel)
        run = Run(
            id=record["id"], directory=record["directory"], root=record["root"],
            spec=restored.spec(record["spec"]), facts=record["facts"],
        )  # fmt: skip
        stages = [by_name(name)() for name in run.spec.stages]
        for stage in stages:
            if stage.name in (*RIGHTS, "seccomp"):
                stage.before(self.kernel, run)  # the filter is read
        self.poll = select.poll()
        self.guests = Guests(run, stages, self.kernel, self.signals.mask, self.poll, quiet)
        self.guests.main, self.guests.process = self.pid, process
        take_limits(self.pid)
        self.guest = self.guests.take(line)

    def serve(self) -> NoReturn:
        """Let the guest in, and stay until its command has ended."""
        self.let_go()
        self.poll.register(self.signals.fd, select.POLLIN)
        while self.guest in self.guests.all:
            for fd, _ in self.poll.poll():
                if fd != self.signals.fd:
                    self.guests.serve(fd)
                elif self.signals.take() == SIGCHLD:
                    self.reap()
        os._exit(0)

    def let_go(self) -> None:
        """Let go of the caller's streams: its own are sent along with its wish."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.close(null)
        os.chdir("/")

    def reap(self) -> None:
        """Take what has ended."""
        while True:
            try:
                pid, status = self.kernel.waitpid(-1, os.WNOHANG)
            except OSError:
                return
            if not pid:
                return
            self.guests.reaped(pid, exit_status(status))


def quiet(text: str, *descriptors: int) -> None:
    """There is no standby to tell it to."""


def take_limits(pid: int) -> None:
    """Take over what PID 1 may use: limits, niceness, processors, its place when memory is short.

    What we may not raise stays lower: that is no more than it has.
    """
    for kind, (soft, hard) in enumerate(limits_of(pid)):
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            most = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (lower(soft, most), lower(hard, most)))
    os.sched_setaffinity(0, os.sched_getaffinity(pid))
    with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as stream:
        score = stream.read()
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, pid))
    with contextlib.suppress(PermissionError):
        write("/proc/self/oom_score_adj", score)


def limits_of(pid: int) -> list[tuple[int, int]]:
    """Return (soft, hard) of each limit, by its number. proc_pid_limits(5)"""
    with open(f"/proc/{pid}/limits", encoding="ascii") as stream:
        found = [line[VALUES:].split()[:2] for line in stream.readlines()[1:]]
    return [(number(soft), number(hard)) for soft, hard in found]


def number(text: str) -> int:
    """Read a limit; -1 is none."""
    return -1 if text == "unlimited" else int(text)


def lower(one: int, other: int) -> int:
    """Return the lower limit; -1 is none."""
    return min(one, other) if min(one, other) >= 0 else max(one, other)


def write(path: str, text: str) -> None:
    """Write a file of /proc by one write(2)."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
