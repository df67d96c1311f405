"""A learner's `exec_in` (lesson 14) lets a command into a container: `exec --mine`.

It is called in a helper of the command line's own, never in the keeper: what a file of theirs does
is no keeper's risk. Its `kernel` is the real one, but for what makes the end safe: what it forks
is not dumpable, its execve is the gate, and the filter comes last, as PID 1's did.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from minidocker.engine import usher
from minidocker.errors import MinidockerError, UsageError
from minidocker.kernel.flags import (
    CAP_SYS_ADMIN,
    DEFAULT_CAPABILITIES,
    NAMESPACES,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    mask,
)
from minidocker.kernel.linux import Linux
from minidocker.proc import living
from minidocker.runtime import used
from minidocker.runtime.child import seal
from minidocker.runtime.enter import RIGHTS, Entrant, Entry, Wish
from minidocker.spec import restored
from minidocker.spec.spec import Run
from minidocker.stages import by_name
from minidocker.stages.pid import exit_status

if TYPE_CHECKING:
    from minidocker.engine.visit import Command
    from minidocker.runtime.apart import Own


AGAIN = "minidocker grade exec_in"


class Lent:
    """The kernel, as the learner's function has it in the helper and in what it forks."""

    def __init__(self, entrant: OwnEntrant) -> None:
        self._entrant, self._kernel = entrant, entrant.kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    def prctl(self, option: int, value: int = 0) -> None:
        """Leave no_new_privs as PID 1 has it."""
        if option != PR_SET_NO_NEW_PRIVS or self._entrant.run.spec.process.no_new_privs:
            self._kernel.prctl(option, value)

    def capset(self, effective: int, permitted: int, inheritable: int) -> None:
        """Keep what the filter still needs; the exec takes it, since the bounding set lacks it."""
        needed = self._entrant.needed
        self._kernel.capset(effective | needed, permitted | needed, inheritable)

    def seccomp(self, program: bytes) -> None:
        """Leave the filter for the last step: nothing of ours must pass it before."""

    def fork(self) -> int:
        """Fork, as one that nobody inside can look into."""
        return self.clone(0)

    def clone(self, flags: int, cgroup_fd: int | None = None) -> int:
        """The same by another name."""
        self._kernel.prctl(PR_SET_DUMPABLE, 0)
        return self._kernel.clone(flags, cgroup_fd)

    def execve(self, path: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        """Become the gate, and through it the command."""
        self._entrant.become(argv, env)


class OwnEntrant(Entrant):
    """The helper: it calls the learner's function. Calling it never returns."""

    own: Own
    group = ""
    needed = 0
    keep = 0
    proc = -1  # the host's /proc, from before setns
    walls: dict[str, int]  # PID 1's namespaces

    def __call__(self) -> NoReturn:
        """Let the learner's function do what ours does: all between the clone and the exec."""
        try:
            self.channel.host.close()
            self.take_wish()
            self.own_keyring()
            self.kernel.umask(0)
            _, held, _ = self.kernel.capget()
            process = self.run.spec.process
            names = process.capabilities
            if "seccomp" in (self.run.spec.stages or ()) and not process.no_new_privs:
                self.needed = 1 << CAP_SYS_ADMIN & held
            self.group = str(self.run.facts.get("cgroup", "")) or self.no_group()
            for number, fd in enumerate(self.given):
                os.dup2(fd, number)
            self.keep = mask(DEFAULT_CAPABILITIES if names is None else names) & held
            first = living.behind(self.process)
            self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.walls = self.namespaces(str(first))
            container = SimpleNamespace(
                pid=first, group=self.group, env=self.env(), keep=self.keep,
                filter=next((s.program for s in self.stages if s.name == "seccomp"), b""),  # type: ignore[attr-defined]
            )  # fmt: skip
            function = self.own.function()
            seal()
            try:
                born = function(Lent(self), container, list(process.args))
            except Exception as problem:
                what = f"{type(problem).__name__}: {problem}"
                raise MinidockerError(f"your exec_in in {self.own.file}: {what}", AGAIN) from None
            if isinstance(born, int) and born > 0:
                os.write(self.say, str(born).encode())
                os._exit(0)
            raise MinidockerError(f"your exec_in returned {born!r}", "it is to return a pid")
        except BaseException as problem:
            self.fail(problem)
        finally:  # an unwound child would run the command line's code
            os._exit(125)

    def no_group(self) -> str:
        """Return a directory like a cgroup's, for a container that has none: all may join it."""
        place = f"{self.run.directory}/no-group"
        os.makedirs(place, mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(os.devnull, f"{place}/cgroup.procs")
        return place

    def namespaces(self, who: str) -> dict[str, int]:
        """Return the namespaces of a process, as the host's /proc says."""
        return {kind: os.stat(f"{who}/ns/{kind}", dir_fd=self.proc).st_ino for kind in NAMESPACES}

    def refuse_more_power(self) -> None:
        """Refuse to become the command where a wall of PID 1 is missing: the kernel says so."""
        missing = [kind for kind, its in self.namespaces("self").items() if its != self.walls[kind]]
        fd = os.open("self/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        with open(fd, encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file if line.startswith("Cap")]
        allowed = {"CapBnd": self.keep, "CapPrm": self.keep | self.needed}
        sets = {name.rstrip(":"): int(number, 16) for name, number in lines}
        missing += [name for name, most in allowed.items() if sets[name] & ~most]
        if missing:
            raise MinidockerError(
                f"your exec_in would give the command more than PID 1 has: {', '.join(missing)}",
                AGAIN,
            )

    def become(self, argv: list[str], env: dict[str, str]) -> NoReturn:
        """Do what is left to do for what has been born inside."""
        try:
            self.refuse_more_power()
            process = self.run.spec.process
            process.args = list(argv)
            process.env = [f"{name}={text}" for name, text in env.items()]
            self.kernel.umask(0o022)
            self.kernel.close_all_but({0, 1, 2, self.channel.child.fileno(), self.program})
            self.kernel.chdir(process.cwd)
            self.moment = "exec"
            self.path = self.find_program()
            self.kernel.setsid()
            self.execute()
        except BaseException as problem:
            self.fail(problem)
        finally:
            os._exit(125)


class OwnEntry(Entry):
    """The same entry, by the learner's function."""

    entrant = OwnEntrant


def execute(record: dict[str, Any], command: Command, own: Own) -> int:
    """Run a command in a container by the learner's `exec_in`; return its exit status.

    Its parent is this process, not a keeper: it goes on without a parent when this one is killed.
    """
    if command.terminal or command.user or os.geteuid():
        raise UsageError("exec --mine knows no -t and no -u, and is for root", "leave them out")
    kernel = Linux()
    run = Run(id=record["id"], directory=record["directory"], root=record["root"],
              spec=restored.spec(record["spec"]), facts=record["facts"])  # fmt: skip
    stages = [by_name(name)() for name in run.spec.stages]
    for stage in stages:
        if stage.last or stage.name in RIGHTS:
            stage.before(kernel, run)  # the filter is read while its file is in reach
    alone = record.get("keeper")
    process = living.handle(living.written(record["directory"])) if alone else usher.main_of(record)
    if process < 0:
        raise usher.going(record["name"] or record["id"])
    OwnEntrant.own = own
    own.function()  # loaded now: a file that does not load is an error of the command line's
    used.note(own.name, own.file)
    kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
    null = os.open(os.devnull, os.O_RDWR)
    given = (null if command.detached or not command.interactive else 0,
             *((null, null) if command.detached else (1, 2)))  # fmt: skip
    wish = Wish(command.args, command.env, command.cwd, "", False)
    read, say = os.pipe()
    caught = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    usher.take_limits(record["pid"])
    entry = OwnEntry(
        run, stages, kernel, record["pid"], set(map(int, caught)), wish, given, say, process
    )
    for fd in (say, null, process):
        os.close(fd)
    born = os.read(read, 32)
    while message := entry.channel.hear():
        if failed := entry.failure(message):
            raise failed
    kernel.waitpid(entry.helper)
    if not born.isdigit():
        raise MinidockerError("your exec_in started nothing", AGAIN)
    return 0 if command.detached else exit_status(kernel.waitpid(int(born))[1])
