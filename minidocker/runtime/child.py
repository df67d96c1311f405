"""The child's story: from the clone to the command.

The child trusts nothing of the image. Everything it needs is imported before the root
changes; after that, no module, no library and no helper of the container is loaded by us.
"""

from __future__ import annotations

import sys
from errno import EEXIST, EROFS

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import (
    CAP_KILL,
    MS_BIND,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    SIGKILL,
    SIGPIPE,
    SIGXFSZ,
    TIOCGPTPEER,
    TIOCSPTLCK,
)
from minidocker.kernel.named import os
from minidocker.proc.lean import namespace
from minidocker.runtime.failure import failure
from minidocker.runtime.gate import NOT_EXECUTABLE, NOT_FOUND, carry, refusal
from minidocker.spec.spec import DEFAULT_PATH
from minidocker.stages.base import CLOSED

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.channel import Channel
    from minidocker.runtime.explain import Teller
    from minidocker.runtime.gate import Label
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

ALL_SIGNALS = set(range(1, 65)) - {32, 33}  # these two are glibc's own


class Child:
    """What the new process does. Calling it never returns: it ends in exec or in _exit."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, channel: Channel,
        gate: tuple[int, int], program: int, mask: set[int], host_mounts: str,
        teller: Teller | None,
    ) -> None:  # fmt: skip
        self.run = run
        self.stages = stages
        self.kernel = kernel
        self.channel = channel
        self.gate = gate
        self.program = program  # the descriptor of what we become first: see gate.py
        self.mask = mask
        self.host_mounts = host_mounts
        self.teller = teller
        self.speaks = channel.child.fileno()  # where the gate says what failed
        self.waits = -1  # what the gate waits for; -1: it does not
        self.kept: set[int] = set()  # descriptors of the caller's that the command shall have
        self.held: set[int] = set()  # of our own that stay until the exec
        self.path = ""  # of the command, once it is found
        self.by_rights = False  # only capabilities let the user run it
        self.label: Label | None = None  # of AppArmor, which the gate writes
        self.spare = 0  # capabilities of ours that the command shall not have
        self.streams: tuple[int, int, int] | None = None  # instead of the caller's 0, 1, 2
        self.moment = "inside"
        self.stage: Stage | None = None

    def __call__(self) -> NoReturn:
        """Wait for Go, pass every stage, become the command."""
        try:
            self.pass_walls()
        finally:  # an unwound child would run the host's clean-up
            os._exit(125)

    def pass_walls(self) -> None:
        """Do all of that; what fails is told to the host, and ends this process."""
        try:
            self.wait_for_go()
            self.stand_alone()
            self.inside([stage for stage in self.stages if not stage.last])
            self.start()
        except BaseException as problem:
            self.fail(problem)
            os._exit(125)

    def wait_for_go(self) -> None:
        """Read the gate's one byte; a closed gate means that the host gave up."""
        self.channel.host.close()
        os.close(self.gate[1])
        if self.teller:
            self.teller.send_to(self, self.channel, self.gate[0])
        if not os.read(self.gate[0], 1):
            os._exit(125)
        self.die_with_the_host()

    def die_with_the_host(self) -> None:
        """Ask for SIGKILL when the host process ends, and look whether it has already."""
        if self.run.spec.detached:  # it outlives all of us, both of its keepers, too
            return
        self.kernel.prctl(PR_SET_PDEATHSIG, SIGKILL)
        if self.channel.host_is_gone():
            os._exit(125)

    def stand_alone(self) -> None:
        """Get out of the caller's session, standard input, umask and import path."""
        self.kernel.setsid()
        self.own_keyring()
        self.kernel.umask(0)
        process = self.run.spec.process
        if self.streams:
            for number, fd in enumerate(self.streams):
                os.dup2(fd, number)
        elif not process.interactive and not process.terminal:
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        if self.run.spec.init or "pid" in (self.run.spec.sharing or {}):
            # CAP_SYS_PTRACE reads /proc/PID/environ, and the caller's may hold passwords.
            self.kernel.forget_environment()
        if "pid" in (self.run.spec.sharing or {}):
            # Others see us in their /proc: through /proc/PID/exe they could change the host's
            # interpreter, as soon as we have no more rights than they. The exec ends this.
            self.kernel.prctl(PR_SET_DUMPABLE, 0)
        seal()

    def own_keyring(self) -> None:
        """Leave the caller's session keyring: what keys it holds is no business of a container."""
        try:
            self.kernel.join_session_keyring()
        except KernelError:
            pass  # a kernel without keyrings, or in a container whose filter refuses keyctl

    def inside(self, stages: Sequence[Stage]) -> None:
        """Pass through the walls, in the order of STAGES."""
        self.moment = "inside"
        for stage in stages:
            if stage.gives_up and self.run.spec.process.terminal:
                self.stage = None
                self.open_terminal()
            self.stage = stage
            if stage.mounts:
                self.refuse_host_mounts(stage)
            stage.inside(self.kernel, self.run)
        self.stage = None

    def refuse_host_mounts(self, stage: Stage) -> None:
        """A stage that mounts or pivots in the host's mount namespace would change the host."""
        if namespace("self", "mnt") == self.host_mounts:
            raise StageError(
                f"the stage {stage.name} was about to change the host's own mounts",
                stage.name,
                "the clone must get CLONE_NEWNS: pass `flags` on",
            )

    def open_terminal(self) -> None:
        """Make a pseudo-terminal of the container's own devpts, and keep its slave side."""
        import termios

        from minidocker.kernel.named import fcntl  # loaded before the clone, as termios is

        master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if os.fstat(master).st_rdev != os.makedev(5, 2):
            raise StageError("/dev/ptmx is not a pseudo-terminal", "terminal", "-t needs devpts")
        fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
        # By descriptors, not by /dev/pts/N: a volume over /dev belongs to others, too, and links
        # there led runc's mounts into /proc (CVE-2025-52565).
        slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        self.prepare_terminal(master)
        self.channel.send_terminal(master)
        os.close(master)
        if self.run.root:
            try:
                self.kernel.mknod("/dev/console", 0o100600)
            except KernelError as problem:
                if problem.errno not in (EEXIST, EROFS):
                    raise
            console = f"/proc/self/fd/{self.kernel.open('/dev/console', os.O_PATH | os.O_NOFOLLOW)}"
            if self.kernel.filesystem(console) in CLOSED:
                raise StageError("/dev/console leads into /proc or /sys", "terminal")
            self.kernel.mount(f"/proc/self/fd/{slave}", console, "", MS_BIND)
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for standard in (0, 1, 2):
            os.dup2(slave, standard)

    def prepare_terminal(self, master: int) -> None:
        """Set what must be so before the command, which waits for nobody, looks at it."""

    def start(self) -> None:
        """Become the command, or with --init its parent."""
        umask = self.run.spec.process.umask
        self.kernel.umask(0o022 if umask is None else umask)
        self.kernel.close_range(3)
        # What the caller had open is closed now, not by the exec: with a directory of the host's,
        # `-w /proc/self/fd/9` would be a way out (CVE-2024-21626 was this, in runc).
        ours = {self.channel.child.fileno(), self.gate[0], self.program, self.speaks, self.waits}
        if self.label:
            ours.add(self.label.attr)
        self.kernel.close_all_but({0, 1, 2} | self.kept | self.held | (ours - {-1}))
        self.enter_directory()
        self.die_with_the_host()  # again: a change of ids has cleared it
        self.moment = "exec"
        self.path = self.find_program()
        if self.run.spec.init:
            self.pass_last()
            # PID 1 has the memory of a program of the host: nobody inside may read it in /proc/1.
            # An exec gives the command this right back. proc(5)
            self.kernel.prctl(PR_SET_DUMPABLE, 0)
            wait, ready = os.pipe()
            main = self.kernel.fork()
            if main:
                os.close(wait)
                self.be_init(main, ready)
            os.close(ready)
            os.read(wait, 1)  # until PID 1 has closed it: it has let go of its rights
            self.take_foreground()
        self.execute()

    def enter_directory(self) -> None:
        """Go where the command shall be, as its user."""
        self.kernel.chdir(self.run.spec.process.cwd)

    def be_init(self, main: int, ready: int) -> NoReturn:
        """Stay as PID 1: no descriptor of the host, no capability but one, two duties."""
        os.close(self.gate[0])
        os.close(self.program)
        self.kernel.sigprocmask(ALL_SIGNALS)
        _, held, _ = self.kernel.capget()
        needed = 1 << CAP_KILL if os.geteuid() == 0 else 0  # to signal a command of another user
        self.kernel.keep_capabilities(held & needed)
        self.channel.child.close()  # until here, what fails can be told
        os.close(ready)
        pid_stage = next(stage for stage in self.stages if stage.name == "pid")
        try:
            os._exit(pid_stage.init(self.kernel, main) & 0xFF)  # type: ignore[attr-defined]
        except BaseException as problem:
            told = failure(problem, pid_stage, "init")
            trace = getattr(told, "trace", "")
            os.write(2, f"{trace}\nminidocker: {told.message}\n".encode())
        os._exit(125)

    def take_foreground(self) -> None:
        """Under --init, a terminal's Ctrl-C is for the command, not for PID 1."""
        if self.run.spec.process.terminal:
            self.kernel.sigprocmask(ALL_SIGNALS)  # SIGTTOU would stop us
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())

    def find_program(self) -> str:
        """Look the command up as its user, in its root, before the filter stands."""
        process = self.run.spec.process
        return find(process.args[0], self.env().get("PATH", DEFAULT_PATH))

    def env(self) -> dict[str, str]:
        """Return the command's variables."""
        return dict(item.split("=", 1) for item in self.run.spec.process.env if "=" in item)

    def pass_last(self) -> None:
        """Let the filter stand. From here to the exec, each call of ours must pass it."""
        self.inside([stage for stage in self.stages if stage.last])
        self.moment = "exec"

    def execute(self) -> None:
        """Do the last things, become the gate, and through it the command."""
        self.exec_gate(self.last_things())

    def last_things(self) -> int:
        """Restore the signals, let the filter stand; return the descriptor of the gate."""
        process = self.run.spec.process
        # Python ignores these two; a command that inherits that never dies of a closed pipe.
        self.kernel.default_signals({SIGPIPE, SIGXFSZ})
        self.kernel.sigprocmask(self.mask)
        program = carry(
            self.kernel, self.program, self.speaks, bool(process.no_new_privs) or self.by_rights,
            self.waits, self.spare, self.label,
        )  # fmt: skip
        attr = self.label.attr if self.label else -1
        for fd in {self.speaks, self.waits, attr, *self.kept} - {-1}:
            os.set_inheritable(fd, True)  # the gate closes the first by its exec of the command
        if not self.run.spec.init:
            self.pass_last()
        return program

    def exec_gate(self, program: int) -> NoReturn:
        """Exec the gate, which execs the command."""
        process = self.run.spec.process
        try:
            self.kernel.execve(self.path, process.args, self.env(), program)
        except KernelError as problem:
            raise refusal(process.args[0], 1, problem.errno or 0) from None

    def fail(self, problem: BaseException) -> None:
        """Tell the host what went wrong, and where."""
        told = failure(problem, self.stage, "inside")
        self.channel.say(
            "failed", message=told.message, remedy=told.remedy, status=told.status,
            trace=getattr(told, "trace", ""), docker=told.docker,
        )  # fmt: skip


def find(name: str, path: str, by_rights: bool = False) -> str:
    """Search PATH as execvp(3) does; 127 when nothing is found, 126 when it cannot be run.

    `by_rights`: capabilities count, too, as for the exec itself.
    """
    status, reason = NOT_FOUND, "it is not in the container"
    if not name:
        raise MinidockerError(
            "the command is an empty word", "give a program", NOT_FOUND,
            docker='exec: "": executable file not found in $PATH',
        )  # fmt: skip
    places = [name] if "/" in name else [f"{place or '.'}/{name}" for place in path.split(":")]
    for place in places:
        if os.path.isdir(place):
            status, reason = NOT_EXECUTABLE, "it is a directory"
        elif os.path.exists(place):
            if os.access(place, os.X_OK, effective_ids=by_rights):
                return place
            status, reason = NOT_EXECUTABLE, "it is not executable (chmod +x)"
        elif os.path.lexists(place):
            reason = "it is a link to nothing"
    where = "" if "/" in name else f"; looked in {path}"
    words = {NOT_EXECUTABLE: "permission denied"}.get(status, "executable file not found in $PATH")
    if "/" in name and status == NOT_FOUND:
        words = f"stat {name}: no such file or directory"
    raise MinidockerError(
        f"cannot run {name}: {reason}", f"check the name{where}", status,
        docker=f'exec: "{name}": {words}',
    )  # fmt: skip


def seal() -> None:
    """From now on, import nothing but what is built into the interpreter.

    After the root has changed, the next import would run the *image's* Python as root.
    """
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    # BuiltinImporter and FrozenImporter open no file; PathFinder, in …_external, would
    sys.meta_path[:] = [
        finder
        for finder in sys.meta_path
        if getattr(finder, "__module__", "") == "_frozen_importlib"
    ]
