"""The host's story: make ready, spawn, let go, wait, clean up.

The process is fresh and has one thread. Signals are blocked from the first line, and read
from a descriptor: no signal can interrupt a step half-way, and none is lost.
"""

from __future__ import annotations

import os
import select
from time import monotonic

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import (
    NAMESPACES,
    PR_SET_CHILD_SUBREAPER,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGQUIT,
    SIGSTOP,
    SIGTERM,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGWINCH,
    SIGXFSZ,
    WNOHANG,
)
from minidocker.runtime import state
from minidocker.runtime.channel import Channel
from minidocker.runtime.child import Child, namespace
from minidocker.runtime.failure import failure
from minidocker.stages.pid import Pid, exit_status

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.runtime.joining import Door
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

# Not forwarded: those that cannot be caught, job control, faults of our own, glibc's two.
OURS = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGPIPE, SIGXFSZ, SIGCHLD}
FAULTS = {4, 5, 6, 7, 8, 11, 26, 27, 31, 32, 33}  # ILL TRAP ABRT BUS FPE SEGV VTALRM PROF SYS
FORWARDED = set(range(1, 65)) - OURS - FAULTS
ENDING = {SIGHUP, SIGINT, SIGQUIT, SIGTERM}
FIRST_LOOK = 0.5  # seconds from the start to the first look at the disk
IMPATIENT = 3  # so many Ctrl-C, and a command that ignores them is killed


class Interrupted(MinidockerError):
    """A signal came before the command had started."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted before the command started", "", 128 + number)


class Host:
    """One container, from the caller's side. `run()` does it all."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, teller: Teller | None
    ) -> None:
        self.run_record = run
        self.stages = stages
        self.kernel = kernel
        self.lock = lock
        self.teller = teller
        self.stage: Stage | None = None
        self.moment = "before"
        self.pid = 0
        self.channel: Channel | None = None
        self.gate = (-1, -1)
        self.terminal: Any = None
        self.interrupts = 0
        self.disk: Any = None
        self.next_look = float("inf")  # on the monotonic clock

    def run(self) -> int:
        """Run the container in the foreground; return the command's exit status."""
        self.kernel.default_signals({SIGCHLD})  # a caller that ignores it would leave us waiting
        self.mask = self.kernel.set_signal_mask(FORWARDED | {SIGCHLD})
        self.signals = self.kernel.signal_fd(FORWARDED | {SIGCHLD})
        if self.teller:
            self.teller.owner = self
        os.umask(0o022)  # whoever the container runs as must get through the directories we make
        started = False
        try:
            self.call_each("before")
            self.spawn()
            self.call_each("outside", self.pid)
            state.save(self.run_record, "running", pid=self.pid)
            started = True
            self.open_gate()
            status = self.wait()
            if not self.run_record.spec.remove:
                self.note_end(status)
            return status
        except MinidockerError:
            started = False  # nothing ran that would be worth keeping
            raise
        finally:
            self.clean_up(keep=started and not self.run_record.spec.remove)

    def note_end(self, status: int) -> None:
        """Write down how the command ended; a full disk must not change what we return."""
        try:
            state.save(self.run_record, "exited", exit_code=status)
        except MinidockerError as problem:
            os.write(2, f"minidocker: {problem}\n".encode(errors="surrogateescape"))

    def call_each(self, moment: str, *args: object) -> None:
        """Call one moment of every stage, in the order of STAGES."""
        self.moment = moment
        for stage in self.stages:
            self.stage = stage
            try:
                getattr(stage, moment)(self.kernel, self.run_record, *args)
            except Exception as problem:
                raise failure(problem, stage, moment) from None
        self.stage = None

    def spawn(self) -> None:
        """Start the child; it waits at the gate."""
        self.moment = "spawn"
        pid_stage = next((s for s in self.stages if isinstance(s, Pid)), Pid())
        flags, doors = self.ways_in()
        self.channel = Channel()
        self.gate = os.pipe()
        child = Child(
            self.run_record, self.stages, self.kernel, self.channel, self.gate, self.mask,
            namespace("self", "mnt"), self.teller,
        )  # fmt: skip
        if self.run_record.spec.process.terminal:
            from minidocker.runtime import terminal  # noqa: F401  (the child uses what it loads)
        self.stage = pid_stage
        cgroup = str(self.run_record.facts.get("cgroup", ""))
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

    def ways_in(self) -> tuple[int, list[Door]]:
        """Say which namespaces the clone makes, and open those of others that it shall join."""
        sharing = self.run_record.spec.sharing or {}
        if sharing or any("ipc_namespace" in stage.origin for stage in self.stages):
            from minidocker.runtime.joining import ways_in

            return ways_in(self, sharing)
        flags = 0
        for stage in self.stages:
            flags |= stage.entry("private")[0]
        return flags, []

    def has_parent_work(self) -> bool:
        """Say whether a stage has something to do in the child's parent. (Only `time` has.)"""
        return any(stage.name == "time" for stage in self.stages)

    def spawn_by_launcher(
        self, stage: Pid, flags: int, child: Child, cgroup: str, doors: list[Door]
    ) -> int:
        """Call spawn in a short-lived process of its own: a learner's, or one that joins others.

        unshare(2) and setns(2) change their caller, and the host process must stay where it is.
        The child outlives the launcher, and becomes the host's by PR_SET_CHILD_SUBREAPER.
        """
        from minidocker.runtime.launcher import last_words_of, launch

        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        before = {name: namespace("self", name) for name in NAMESPACES}
        pid = launch(self, stage, flags, child, cgroup, doors)
        for name, flag in NAMESPACES.items():
            if flags & flag and namespace(pid, name) in (before[name], ""):
                if told := last_words_of(self, pid):
                    raise told
                raise StageError(
                    f"stage pid, spawn, part spawn of {stage.origin.get('spawn', 'the runtime')}: "
                    f"the child is not in a new {name} namespace",
                    "spawn",
                    "pass all of `flags` to clone or unshare; after unshare, fork",
                )
        return pid

    def open_gate(self) -> None:
        """Let the child go on; one that has ended already is `wait`'s business."""
        try:
            os.write(self.gate[1], b"G")
        except BrokenPipeError:
            pass

    def wait(self) -> int:
        """Serve signals, messages and the terminal until the child ends; its exit status."""
        assert self.channel
        poll = select.poll()
        poll.register(self.signals, select.POLLIN)
        poll.register(self.channel.host, select.POLLIN)
        failed: MinidockerError | None = None
        if self.run_record.spec.root.layers:
            self.next_look = monotonic() + FIRST_LOOK
        while True:
            for fd, events in poll.poll(self.time_left()):
                if fd == self.signals:
                    status = self.take_signal()
                    if status is not None:
                        if self.terminal:
                            self.terminal.drain()
                        if failed is None:  # its last words may have come with its end
                            failed = self.last_words()
                        if failed:
                            raise failed
                        return status
                elif self.terminal and fd in (self.terminal.master, 0):
                    self.terminal.serve(fd, events, poll)
                else:
                    message = self.channel.hear()
                    if message is None:
                        poll.unregister(self.channel.host)
                    else:
                        failed = self.obey(message, poll) or failed
            if monotonic() >= self.next_look:
                self.look_at_disk()

    def time_left(self) -> int | None:
        """Return the milliseconds until the next look at the disk; None: never."""
        if self.next_look == float("inf"):
            return None
        return max(0, int((self.next_look - monotonic()) * 1000) + 1)

    def look_at_disk(self) -> None:
        """Kill a command that has filled the disk of the store: others live on it too."""
        if self.disk is None:
            from minidocker.runtime.disk import Disk

            self.disk = Disk(f"{self.run_record.directory}/upper")
        self.next_look = monotonic() + self.disk.look()
        if self.disk.full:
            self.next_look = float("inf")
            os.write(2, (
                f"minidocker: the container had taken nearly all {self.disk.full} of the disk with "
                f"{self.disk.upper}: killed\n"
                "  try: minidocker prune; or -v DIR:/data, so that it writes to another disk\n"
            ).encode(errors="surrogateescape"))  # fmt: skip
            self.kernel.kill(self.pid, SIGKILL)

    def last_words(self) -> MinidockerError | None:
        """Read what is still in the channel of a child that has ended."""
        assert self.channel
        self.channel.host.setblocking(False)
        try:
            while message := self.channel.hear():
                if failed := self.obey(message, None):
                    return failed
        except OSError:
            pass  # nothing more to read, or the channel is at its end
        return None

    def obey(self, message: dict[str, Any], poll: Any) -> MinidockerError | None:
        """Do what the child's message asks for; a failure is returned."""
        kind = message["kind"]
        if kind == "failed":
            return reported(message)
        if kind == "terminal" and poll:
            from minidocker.runtime.terminal import Terminal

            self.terminal = Terminal(message["fd"], self.run_record.spec.process.interactive)
            self.terminal.start(poll)
        elif kind == "step" and self.teller:
            self.teller.show(message)
            if message["method"] == "execve":
                self.open_gate()  # told: the command may speak now
        return None

    def take_signal(self) -> int | None:
        """Read one signal: pass it on, or reap. The child's exit status, or None."""
        number = int.from_bytes(os.read(self.signals, 128)[:4], "little")
        if number == SIGCHLD:
            pid, status = self.kernel.waitpid(self.pid, WNOHANG)
            if pid == self.pid:
                self.pid = 0
                return exit_status(status)
        elif number == SIGWINCH and self.terminal:
            self.terminal.resize()
        elif number in ENDING and self.channel and not self.channel.child_is_gone():
            raise Interrupted(number)  # nobody is there yet who could act on it
        else:
            self.forward(number)
        return None

    def forward(self, number: int) -> None:
        """Pass a signal on; a command that ignores three Ctrl-C is killed."""
        if number == SIGINT:
            self.interrupts += 1
            if self.interrupts == IMPATIENT:
                os.write(2, b"minidocker: the command ignores Ctrl-C: killed\n")
                number = SIGKILL
        self.kernel.kill(self.pid, number)

    def give_up_on(self, descriptor: int) -> None:
        """Wait until a descriptor can be read; Ctrl-C and its like raise Interrupted."""
        poll = select.poll()
        poll.register(self.signals, select.POLLIN)
        poll.register(descriptor, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if descriptor in ready:
                return
            number = int.from_bytes(os.read(self.signals, 128)[:4], "little")
            if number in ENDING:
                raise Interrupted(number)

    def clean_up(self, keep: bool) -> None:
        """End the child, undo every stage, give signals and terminal back."""
        self.moment, self.stage = "after", None
        if self.terminal:
            self.terminal.stop()
        if self.gate[1] >= 0:
            os.close(self.gate[1])
        if self.pid:
            self.end_child()
        failed = state.undo(self.run_record, self.stages, self.kernel)
        if not keep:
            try:
                state.discard(self.run_record)
            except KernelError as left:
                failed.append(left)
        if self.channel:
            self.channel.host.close()
        os.close(self.signals)
        os.close(self.lock)
        self.kernel.set_signal_mask(self.mask)
        for problem in failed:
            os.write(2, f"minidocker: clean-up: {problem}\n".encode())

    def end_child(self) -> None:
        """Kill the child and reap it; one that is gone is fine."""
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
    return problem
