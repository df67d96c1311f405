"""Birth: make ready, spawn, and keep the gate closed. The child waits there until it is let go.

`create` of an engine is a birth whose gate stays closed; `start` opens it.
"""

from __future__ import annotations

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import NAMESPACES, PR_SET_CHILD_SUBREAPER, SIGKILL
from minidocker.kernel.named import os
from minidocker.proc.lean import namespace
from minidocker.runtime.channel import Channel
from minidocker.runtime.child import Child
from minidocker.runtime.failure import failure
from minidocker.runtime.gate import make, refusal
from minidocker.runtime.moments import Story
from minidocker.stages.base import Stage
from minidocker.stages.pid import Pid

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.runtime.joining import Door
    from minidocker.runtime.launcher import Launcher
    from minidocker.runtime.signals import Signals
    from minidocker.spec.spec import Run


class Birth(Story):
    """A child of this process in its walls, at a closed gate: `pid`, `channel`, `gate`."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, teller: Teller | None,
        signals: Signals,
    ) -> None:  # fmt: skip
        super().__init__(run, stages, kernel, teller)
        self.signals = signals
        self.pid = 0
        self.channel: Channel | None = None
        self.gate = (-1, -1)
        self.streams: tuple[int, int, int] | None = None  # the child's 0, 1, 2 if not ours
        if teller:
            teller.owner = self

    def make(self) -> int:
        """Call every `before`, spawn, call every `outside`; return the child's pid."""
        self.prepare()
        return self.bring()

    def prepare(self) -> None:
        """Call every `before`."""
        os.umask(0o022)  # whoever the container runs as must get through the directories we make
        self.each("before")

    def bring(self) -> int:
        """Spawn, call every `outside`; return the child's pid."""
        self.spawn()
        try:
            self.each("outside", self.pid)
        except MinidockerError:
            if told := self.last_words():  # a child that has ended is the reason, and has said why
                raise told from None
            raise
        return self.pid

    def spawn(self) -> None:
        """Start the child; it waits at the gate."""
        self.moment = "spawn"
        pid_stage = next((s for s in self.stages if isinstance(s, Pid)), Pid())
        flags, doors = self.clone_flags_and_doors()
        self.channel = Channel()
        self.gate = os.pipe()
        program = self.make_program(self.channel)
        child = self.make_child(self.channel, program)
        child.streams = self.streams
        if self.run.spec.process.terminal:
            from minidocker.runtime import terminal  # noqa: F401  (the child uses what it loads)
        self.stage = pid_stage
        cgroup = str(self.run.facts.get("cgroup", ""))
        try:
            if doors or "spawn" in pid_stage.origin or self.has_parent_work():
                self.pid = self.spawn_by_launcher(pid_stage, flags, child, cgroup, doors)
            else:
                fd = os.open(cgroup, os.O_RDONLY | os.O_CLOEXEC) if cgroup else None
                self.pid = pid_stage.spawn(self.kernel, flags, child, fd)
                if fd is not None:
                    os.close(fd)
        except Exception as problem:
            raise failure(problem, pid_stage, "spawn") from None
        self.stage = None
        self.channel.child.close()
        os.close(self.gate[0])
        os.close(program)

    def make_program(self, channel: Channel) -> int:
        """Make what the child becomes first; return its descriptor."""
        return make(self.kernel, channel.child.fileno(), self.run.directory)

    def make_child(self, channel: Channel, program: int) -> Child:
        """Say what the new process will do."""
        return Child(
            self.run, self.stages, self.kernel, channel, self.gate, program, self.signals.mask,
            namespace("self", "mnt"), self.teller,
        )  # fmt: skip

    def clone_flags_and_doors(self) -> tuple[int, list[Door]]:
        """Say which namespaces the clone makes, and open those of others that it shall join."""
        sharing = self.run.spec.sharing or {}
        if sharing or any("ipc_namespace" in stage.origin for stage in self.stages):
            from minidocker.runtime.joining import clone_flags_and_doors

            return clone_flags_and_doors(self, sharing)
        flags = 0
        for stage in self.stages:
            flags |= stage.entry("private")[0]
        return flags, []

    def has_parent_work(self) -> bool:
        """Say whether a stage has something to do in the child's parent."""
        return any(type(stage).parent is not Stage.parent for stage in self.stages)

    def spawn_by_launcher(
        self, stage: Pid, flags: int, child: Child, cgroup: str, doors: list[Door]
    ) -> int:
        """Call spawn in a short-lived process of its own: a learner's, or one that joins others.

        unshare(2) and setns(2) change their caller, and the host process must stay where it is.
        The child outlives the launcher, and becomes the host's by PR_SET_CHILD_SUBREAPER.
        """
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        before = {name: namespace("self", name) for name in NAMESPACES}
        launcher = self.make_launcher(child, cgroup, doors)
        pid = launcher.launch(stage, flags)
        for name, flag in NAMESPACES.items():
            seen = namespace(pid, name) if flags & flag else "not asked for"
            if seen in (before[name], ""):
                if told := launcher.last_words_of(pid):
                    raise told
                if not seen and "spawn" not in stage.origin:
                    continue  # an ordinary user may not look at one who is not dumpable
                raise StageError(
                    f"stage pid, spawn, part spawn of {stage.origin.get('spawn', 'the runtime')}: "
                    f"the child is not in a new {name} namespace",
                    "spawn",
                    "pass all of `flags` to clone or unshare; after unshare, fork",
                )
        return pid

    def make_launcher(self, child: Child, cgroup: str, doors: list[Door]) -> Launcher:
        """Make ready what `spawn_by_launcher` starts."""
        from minidocker.runtime.launcher import Launcher

        return Launcher(self, child, cgroup, doors, self.signals, self.last_words)

    def open_gate(self) -> None:
        """Let the child go on; one that has ended already is for others to notice."""
        try:
            os.write(self.gate[1], b"G")
        except BrokenPipeError:
            pass

    def obey(self, message: dict[str, Any]) -> MinidockerError | None:
        """Do what the child's message asks for; a failure is returned."""
        if message["kind"] == "failed":
            return reported(message)
        if message["kind"] == "gate":
            return refusal(self.run.spec.process.args[0], message["step"], message["errno"])
        if "fd" in message:  # a terminal that nobody waits for
            os.close(message["fd"])
        if message["kind"] == "step" and self.teller:
            self.teller.show(message)
            if message["method"] == "execve":
                self.open_gate()  # told: the command may speak now
        return None

    def last_words(self) -> MinidockerError | None:
        """Read what is still in the channel of a child that has ended."""
        assert self.channel
        self.channel.host.setblocking(False)
        try:
            while message := self.channel.hear():
                if failed := self.obey(message):
                    return failed
        except OSError:
            pass  # nothing more to read, or the channel is at its end
        return None

    def end(self) -> None:
        """Close the gate, kill the child and reap it; one that is gone is fine."""
        self.moment, self.stage = "after", None
        if self.gate[1] >= 0:
            os.close(self.gate[1])
        if self.pid:
            try:
                self.kernel.kill(self.pid, SIGKILL)
                self.kernel.waitpid(self.pid)
            except KernelError:
                pass
            self.pid = 0


def reported(message: dict[str, Any]) -> MinidockerError:
    """Rebuild the error that a child told of."""
    problem = StageError(message["message"], "", message["remedy"], message["trace"])
    problem.status = message["status"]
    problem.docker = str(message.get("docker", ""))
    return problem
