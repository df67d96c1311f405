"""Enter: one more command in a container that runs, with no more power than its PID 1.

    keeper ── clone, into the container's cgroup ── helper ── clone ── the command
                                                      └ setns, user, rights; tells the pid; ends

The helper enters all namespaces but stays out of the pid namespace, so nobody inside can see it. It
gives up what PID 1 gave up, by the same stages. What is born in the pid namespace has those rights
from its first moment, is not dumpable, and has one thing left to do: to become the gate. When the
helper has ended, the keeper, which is subreaper, is the command's parent. setns(2), pidfd_open(2)
"""

from __future__ import annotations

import select
from errno import ENOENT

from minidocker.errors import Conflict, KernelError, MinidockerError, StageError
from minidocker.kernel.flags import (
    NAMESPACES,
    PR_SET_DUMPABLE,
    TIOCGPTPEER,
    TIOCSPTLCK,
)
from minidocker.kernel.named import os
from minidocker.proc.lean import namespace
from minidocker.runtime.birth import reported
from minidocker.runtime.channel import Channel
from minidocker.runtime.child import Child, seal
from minidocker.runtime.gate import NOT_EXECUTABLE, NOT_FOUND, make, refusal
from minidocker.runtime.joining import refuse_tracer_of, refuse_tracers

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

RIGHTS = ("identity", "rlimits", "no_new_privs", "capabilities")  # and the last, the filter


class Wish:
    """What shall run inside: `args`, more `env`, `cwd` and `user` ("" as PID 1's), a terminal?"""

    __slots__ = ("args", "cwd", "env", "terminal", "user")

    def __init__(
        self, args: list[str], env: list[str], cwd: str, user: str, terminal: bool
    ) -> None:
        self.args, self.env, self.cwd, self.user = args, env, cwd, user
        self.terminal = terminal


class Entry:
    """A command that enters: `helper` makes it and writes its pid; `channel` says why it failed."""

    entrant: type[Entrant]

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, main: int, mask: set[int],
        wish: Wish, streams: tuple[int, ...], say: int, process: int = -1,
    ) -> None:  # fmt: skip
        """`say` is where the helper writes the pid, as the host numbers it.

        `process` is a pidfd of PID 1 `main`, for who is not its parent; a child's number stays its.
        """
        refuse_paused(kernel, run)
        refuse_tracer_of(run.spec, run.spec.name or run.id)
        refuse_tracers(os.path.dirname(os.path.dirname(run.directory)), main)
        self.wish = wish
        self.channel = Channel()
        program = make(kernel, self.channel.child.fileno(), run.directory)
        cgroup = str(run.facts.get("cgroup", ""))
        group = os.open(cgroup, os.O_RDONLY | os.O_CLOEXEC) if cgroup else None
        try:
            entrant = self.entrant(run, stages, kernel, self.channel, program, mask, wish)
            entrant.given, entrant.say = streams, say
            entrant.process, entrant.flags = doors(main, process)
            import fcntl  # noqa: F401  (the helper can load nothing)
            import termios  # noqa: F401

            self.helper = kernel.clone(0, group)
            if self.helper == 0:
                entrant()
            os.close(entrant.process)
        except BaseException:
            self.channel.host.close()
            raise
        finally:
            for fd in (program, *([group] if group is not None else [])):
                os.close(fd)
            self.channel.child.close()

    def failure(self, message: dict[str, Any]) -> MinidockerError | None:
        """Put a message of the channel into an error, if it is one."""
        if message["kind"] == "failed":
            return reported(message)
        if message["kind"] == "gate":
            return refusal(self.wish.args[0], message["step"], message["errno"])
        return None

    def last_words(self) -> MinidockerError | None:
        """Read what is still in the channel of a command that has ended."""
        if self.channel.host.fileno() < 0:
            return None
        self.channel.host.setblocking(False)
        try:
            while message := self.channel.hear():
                if failed := self.failure(message):
                    return failed
        except OSError:
            pass  # nothing more to read
        return None


class Entrant(Child):
    """The helper, and what is born of it. Calling it never returns."""

    process = -1  # a pidfd of the container's PID 1
    flags = 0  # which namespaces of it are not ours
    say = -1
    given: tuple[int, ...] = ()  # its 0, 1 and 2; none with a terminal

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, channel: Channel, program: int,
        mask: set[int], wish: Wish,
    ) -> None:  # fmt: skip
        super().__init__(run, stages, kernel, channel, (-1, -1), program, mask, "", None)
        self.wish = wish

    def __call__(self) -> NoReturn:
        """Enter, give up all that PID 1 gave up, let the command be born, and end."""
        try:
            self.channel.host.close()
            self.take_wish()
            self.own_keyring()
            self.kernel.umask(0)
            seal()
            self.kernel.setns(self.process, self.flags)
            if self.run.spec.ids:
                self.kernel.setresgid(0, 0, 0)
                self.kernel.setresuid(0, 0, 0)
            for number, fd in enumerate(self.given):
                os.dup2(fd, number)
            self.inside([stage for stage in self.stages if stage.name in RIGHTS])
            self.kernel.prctl(PR_SET_DUMPABLE, 0)
            self.kernel.umask(0o022)
            # What the keeper has open is closed here: `-w /proc/self/fd/9` leads nowhere.
            ours = {self.channel.child.fileno(), self.program, self.say}
            self.kernel.close_all_but({0, 1, 2} | ours)
            self.enter_directory()
            self.moment = "exec"
            self.path = self.find_program()
            born = self.kernel.fork()
            if born:
                os.write(self.say, str(born).encode())
                os._exit(0)
            os.close(self.say)
            self.kernel.setsid()
            if self.wish.terminal:
                self.take_terminal()
            self.execute()
        except BaseException as problem:
            self.fail(problem)
        finally:  # an unwound child would run the keeper's code
            os._exit(125)

    def enter_directory(self) -> None:
        """Go where the command shall be; `run` would make the directory, and an exec does not."""
        cwd = self.run.spec.process.cwd
        try:
            self.kernel.chdir(cwd)
        except KernelError as problem:
            said = f"{problem.strerror}"
            raise MinidockerError(
                f"cannot enter {cwd} in the container: {said}", "-w /",
                NOT_FOUND if problem.errno == ENOENT else NOT_EXECUTABLE,
                f'chdir to cwd ("{cwd}") set in config.json failed: {said.lower()}',
            ) from None

    def take_wish(self) -> None:
        """Put what shall run into our own copy of the Spec."""
        process, wish = self.run.spec.process, self.wish
        named = {item.split("=", 1)[0] for item in wish.env}
        kept = [item for item in process.env if item.split("=", 1)[0] not in named]
        process.args, process.env = wish.args, kept + wish.env
        process.cwd, process.user = wish.cwd or process.cwd, wish.user or process.user
        process.terminal, process.interactive = wish.terminal, True
        self.run.spec.init = False  # PID 1 is there

    def open_terminal(self) -> None:
        """Make a terminal of the container's own devpts, before the stage that gives up rights."""
        from minidocker.kernel.named import fcntl

        master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if os.fstat(master).st_rdev != os.makedev(5, 2):
            raise StageError("/dev/ptmx is not a pseudo-terminal", "terminal", "-t needs devpts")
        fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
        slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        self.channel.send_terminal(master)
        for number in (0, 1, 2):
            os.dup2(slave, number)

    def take_terminal(self) -> None:
        """Make it the terminal of our new session. ioctl_tty(2)"""
        import termios

        from minidocker.kernel.named import fcntl

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


Entry.entrant = Entrant


def doors(main: int, known: int = -1) -> tuple[int, int]:
    """Return a pidfd of PID 1, and the flags of those of its namespaces that are not ours.

    They are read by its number, so it must be alive still after that.
    """
    flags = 0
    try:
        process = os.dup(known) if known >= 0 else os.pidfd_open(main)
    except KernelError:
        raise ending() from None
    for name, flag in NAMESPACES.items():
        theirs = namespace(main, name)
        if not theirs and os.path.exists(f"/proc/self/ns/{name}"):
            os.close(process)
            raise ending()
        if theirs != namespace("self", name):
            flags |= flag
    if has_ended(process):
        os.close(process)
        raise ending()
    return process, flags


def has_ended(process: int) -> bool:
    """Say whether a process has ended, by its pidfd."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(0))


def ending() -> MinidockerError:
    """Say that there is nothing to enter any more."""
    return Conflict(
        "the container is about to end", "minidocker ps -a",
        docker="cannot exec in a stopped container",
    )  # fmt: skip


def refuse_paused(kernel: Kernel, run: Run) -> None:
    """Refuse to enter a cgroup that is frozen: what is born there would never begin."""
    freeze = f"{run.facts.get('cgroup', '')}/cgroup.freeze"
    if run.facts.get("cgroup") and kernel.exists(freeze) and kernel.read(freeze).strip() == "1":
        raise Conflict(
            "the container is paused", "minidocker unpause",
            docker="Container is paused, unpause the container before exec",
        )  # fmt: skip
