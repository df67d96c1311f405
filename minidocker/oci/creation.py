"""Creation: a birth whose child ends in the gate and stays there, when all of us have gone.

The gate is the program of some hundred bytes that `run` becomes, too. Here it reads a named pipe
before it execs the command, so what waits is neither Python nor anything of the host's.
"""

from __future__ import annotations

import os as plain_os
from errno import EACCES

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import CAP_SYS_ADMIN, NAMESPACES, PR_SET_PDEATHSIG, WNOHANG
from minidocker.kernel.named import fcntl, os
from minidocker.oci import hooks
from minidocker.oci.words import not_executed
from minidocker.proc import lean
from minidocker.runtime.birth import Birth
from minidocker.runtime.child import Child, find
from minidocker.runtime.gate import make
from minidocker.spec.lean_json import to_json
from minidocker.spec.spec import DEFAULT_PATH
from minidocker.stages.pid import exit_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.kinds import Bundle
    from minidocker.runtime.channel import Channel
    from minidocker.runtime.gate import Label
    from minidocker.runtime.joining import Door
    from minidocker.runtime.launcher import Launcher
    from minidocker.runtime.signals import Signals
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


OUTPUT = 1  # the place of c_oflag in what tcgetattr gives


def given(asked: int, sockets: int = 0) -> set[int]:
    """Return which of so many descriptors, from 3 on, our caller has given us.

    None that we have opened ourselves, such as that of the record's lock: an exec closes those, and
    what an exec closes nobody can have been given. fcntl(2), FD_CLOEXEC
    One that was asked for and is not open is said: as in crun, the others go without it.
    """
    found = set()
    for fd in map(int, plain_os.listdir("/proc/self/fd")):
        if 3 <= fd < 3 + asked + sockets:
            try:
                if not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
                    found.add(fd)
            except OSError:
                continue  # the one that listed them
    missing = next((fd for fd in range(3, 3 + asked) if fd not in found), 0)
    if missing:
        plain_os.write(2, (
            f"minidocker: --preserve-fds {asked}: preserved-fd {missing - 3}, "
            f"descriptor {missing}, is not open: left out\n").encode())  # fmt: skip
    return found


class Resident(Child):
    """A child that does not die with its host, and that stops on its way for the host's hooks."""

    bundle: Bundle
    state: dict[str, Any]
    keyring = True
    foreground = False  # nobody else takes the terminal
    named = ""  # the program, where it is not what the first argument says: a hook's

    def find_program(self) -> str:
        """Look the command up; a hook has a path of its own, and what is not there none at all."""
        if self.named or self.bundle.idle:
            return self.named or "/"
        process = self.run.spec.process
        path = find(process.args[0], self.env().get("PATH", DEFAULT_PATH), True)
        if not os.access(path, os.X_OK):  # a user with CAP_DAC_OVERRIDE, say: the gate needs it
            self.by_rights = True
            self.spare = 1 << CAP_SYS_ADMIN & ~self.bundle.sets.bounding
        return path

    stands = False  # in the working directory, since before the rights were given up

    def enter_directory(self) -> None:
        """Go there as the user; who may not is there already, by the rights that are gone now."""
        try:
            super().enter_directory()
        except KernelError as problem:
            if problem.errno == EACCES and self.stands:
                return
            cwd, reason = self.run.spec.process.cwd, (problem.strerror or "").lower()
            words = f'chdir to cwd ("{cwd}") set in config.json failed: {reason}'
            raise MinidockerError(words, "a directory of the image") from None

    def refuse_host_mounts(self, stage: Stage) -> None:
        """Look after the host, unless its mounts are what the bundle asks for: host_mounts.py"""
        if "tree" not in self.run.facts:
            super().refuse_host_mounts(stage)

    def own_keyring(self) -> None:
        """Leave the caller's keys behind, unless they shall be there (--no-new-keyring)."""
        if self.keyring:
            super().own_keyring()

    def pause(self) -> None:
        """Let the host run its hooks: the mounts are made, and the root is not changed yet."""
        if self.bundle.hooks["prestart"] or self.bundle.hooks["createRuntime"]:
            self.channel.say("waits")
            if not os.read(self.gate[0], 1):
                os._exit(125)

    def stand_alone(self) -> None:
        """Open what the gate writes AppArmor's profile to, while /proc is in sight."""
        if self.label:
            from minidocker.oci.label import open_own  # loaded by now

            open_own(self.label)
        super().stand_alone()

    def prepare_terminal(self, master: int) -> None:
        """Give it its size; who stays in the foreground reads lines that end with \\n alone."""
        import termios  # loaded by now

        if any(self.bundle.size):
            size = b"".join(n.to_bytes(2, "little") for n in (*self.bundle.size, 0, 0))
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)
        if self.foreground:
            mode = termios.tcgetattr(master)
            mode[OUTPUT] &= ~termios.ONLCR
            termios.tcsetattr(master, termios.TCSANOW, mode)

    def tell_of(self, listener: int) -> None:
        """Have the host take the filter's listener. Few calls: of each the filter may ask it."""
        self.channel.say("listens", number=listener)
        if not os.read(self.gate[0], 1):
            os._exit(125)

    def run_hooks(self, kind: str) -> None:
        """Run hooks here, in the container's namespaces."""
        if wanted := self.bundle.hooks[kind]:
            told = to_json({**self.state, "pid": self.kernel.getpid()})
            hooks.run(self.kernel, wanted, kind, told, self.mask)

    def last_things(self) -> int:
        """Let go of the host: from here on the container lives by itself."""
        self.kernel.prctl(PR_SET_PDEATHSIG, 0)
        if self.channel.host_is_gone():
            os._exit(125)
        return super().last_things()


class Creation(Birth):
    """A container of a bundle. `kept` are descriptors of the caller's for the command."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, signals: Signals, bundle: Bundle,
    ) -> None:  # fmt: skip
        super().__init__(run, stages, kernel, None, signals)
        self.bundle = bundle
        self.container: Container | None = None  # whose pipes the gate waits at; None: it does not
        self.theirs: Any = None  # a learner's `create`: Theirs of their_create.py, which needs us
        self.console = ""  # the socket that gets the terminal
        self.state: dict[str, Any] = {}
        self.kept: set[int] = set()
        self.keyring = True
        self.program = ""  # the path of a hook
        self.label: Label | None = None
        self.pipes = (-1, -1)
        self.terminal = -1

    def make_program(self, channel: Channel) -> int:
        """Make the gate. Both pipes are opened for both ways, so they never look closed. fifo(7)"""
        if self.bundle.profile:
            from minidocker.oci.label import prepared

            self.label = prepared(
                self.bundle.profile, bool(self.run.spec.process.no_new_privs)
            )
        if self.container is None:
            say = channel.child.fileno()
            return make(self.kernel, say, self.run.directory, label=self.label)
        go, said = (
            os.open(self.container.path(name), os.O_RDWR | os.O_CLOEXEC)
            if name == "said" or self.theirs is None else -1
            for name in ("go", "said")
        )
        self.pipes = (go, said)
        return make(self.kernel, said, self.run.directory, go, label=self.label)

    def make_child(self, channel: Channel, program: int) -> Resident:
        """Say what the new process will do."""
        kind = self.theirs.child if self.theirs else Resident
        child: Resident = kind(
            self.run, self.stages, self.kernel, channel, self.gate, program, self.signals.mask,
            lean.namespace("self", "mnt"), None,
        )  # fmt: skip
        child.bundle, child.state, child.keyring = self.bundle, self.state, self.keyring
        if self.container is not None:
            child.waits, child.speaks = self.pipes
        if self.theirs:
            self.theirs.furnish(child)
        child.label = self.label
        child.named, child.foreground = self.program, not self.console
        child.kept = self.kept
        for stage in self.stages:
            stage.story = child  # type: ignore[attr-defined]
        return child

    def clone_flags_and_doors(self) -> tuple[int, list[Door]]:
        """Say which namespaces the clone makes; that of the cgroup comes later."""
        flags = 0
        for name, path in self.bundle.namespaces.items():
            if not path and name not in ("time", "cgroup"):
                flags |= NAMESPACES[name]
        return flags, []

    def has_parent_work(self) -> bool:
        """A learner's `create` runs in a process of its own."""
        return self.theirs is not None or super().has_parent_work()

    def make_launcher(self, child: Child, cgroup: str, doors: list[Door]) -> Launcher:
        """Make the one that calls a learner's `create`, where there is one."""
        if self.theirs is None:
            return super().make_launcher(child, cgroup, doors)
        launcher: Launcher = self.theirs.launcher(self, child, cgroup, doors)
        return launcher

    def obey(self, message: dict[str, Any]) -> MinidockerError | None:
        """Do what the child asks for: hooks of the host's side, or a terminal to hand on."""
        if message["kind"] == "waits":
            told = to_json({**self.state, "pid": self.pid})
            for kind in ("prestart", "createRuntime"):
                hooks.run(self.kernel, self.bundle.hooks[kind], kind, told, self.signals.mask)
            self.open_gate()
            return None
        if message["kind"] == "terminal" and "fd" in message:
            self.hand_on(message["fd"])
            return None
        if message["kind"] == "listens" and self.bundle.listener:
            from minidocker.oci import listener

            taken = listener.take(self.pid, message["number"])
            self.open_gate()
            state = {**self.state, "pid": self.state["pid"] or self.pid}
            listener.send(taken, self.bundle.listener, self.pid, state)
            return None
        if message["kind"] == "gate":
            args = self.run.spec.process.args
            return not_executed(args[0], message["step"], message["errno"])
        return super().obey(message)

    def hand_on(self, master: int) -> None:
        """Send the terminal's master side to who asked for it. SCM_RIGHTS, runc's terminals.md"""
        if not self.console:
            self.terminal = master  # for who stays in the foreground
            return
        import socket

        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
                try:
                    end.connect(self.console)
                except OSError as problem:
                    raise KernelError("connect(2)", problem.errno or 0, self.console) from None
                socket.send_fds(end, [b"/dev/ptmx"], [master])
        finally:
            os.close(master)

    def until_it_waits(self) -> None:
        """Serve the child until it has become the gate: its end of the channel is closed then."""
        assert self.channel
        while True:
            if self.theirs:
                self.theirs.wait(self.channel.host.fileno(), self.signals)
            else:
                self.signals.wait_readable(self.channel.host.fileno())
            message = self.channel.hear()
            if message is None or message["kind"] == "stands":
                break
            if failed := self.obey(message):
                raise failed
        if self.theirs:
            self.theirs.must_have_returned(self)
        # An exec's command may have done its work by now; nobody has let a container's go.
        # One that is killed has closed its end, too, some time before it can be waited for.
        how = 0 if lean.is_ending(self.pid) else WNOHANG
        ended, status = self.kernel.waitpid(self.pid, how) if self.container else (0, 0)
        if ended:
            self.pid = 0
            raise self.ended_early(exit_status(status))

    def ended_early(self, status: int) -> StageError:
        """Say why a container was never ready: most often it has too little memory to begin."""
        from minidocker.oci.living import killed_for_memory

        limited = "memory" in self.bundle.resources
        if limited and self.container and killed_for_memory(self.container):
            return StageError(
                "container init was OOM-killed (memory limit too low?)", "",
                "a larger limit: 6m is enough to begin",
            )  # fmt: skip
        return StageError(f"the container's process ended with {status} before it was ready", "")

    def end(self) -> None:
        """End a learner's `create`, too."""
        super().end()
        if self.theirs:
            self.theirs.end()

    def close_pipes(self) -> None:
        """Close our ends: only the gate holds them from here on."""
        for fd in self.pipes:
            if fd >= 0:
                plain_os.close(fd)
        self.pipes = (-1, -1)
