"""The keeper: who stays with a container that runs alone, twice.

    who typed `run -d` ── fork ── standby ── fork ── keeper ── clone ── the command

Both are this code, both hold the streams, the terminal and the lock, and both are subreapers. The
keeper clones, pumps, reaps and records. When it is killed, the command becomes the standby's child,
and that goes on where the other stopped. When the standby is killed, the keeper goes on alone.
Only who kills both takes the exit status along. There is no daemon: both end with the container.
"""

from __future__ import annotations

import os
import select

from minidocker.engine import peer
from minidocker.engine.disk_look import DiskLook
from minidocker.engine.log_file import LogFile
from minidocker.engine.pump import Pump
from minidocker.engine.streams import Streams
from minidocker.errors import MinidockerError
from minidocker.kernel.flags import PR_SET_CHILD_SUBREAPER, SIGCHLD, SIGKILL
from minidocker.proc import living
from minidocker.runtime import last_word, own_volumes, state
from minidocker.runtime.birth import Birth
from minidocker.runtime.channel import to_json
from minidocker.runtime.signals import Signals
from minidocker.runtime.watch import warn

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

LOG = "log.json"


class Keeper:
    """One of the two. `acts` says which: the standby only waits, until the other is gone."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, say: int,
        teller: Teller | None,
    ) -> None:  # fmt: skip
        self.run, self.stages, self.kernel, self.lock = run, stages, kernel, lock
        self.say = say  # to who waits for the start
        self.signals = Signals(kernel)
        self.birth = Birth(run, stages, kernel, teller, self.signals)
        self.streams: Streams | None = None
        self.poll = select.poll()
        self.pump = Pump(LogFile(f"{run.directory}/{LOG}"), self.poll)
        self.acts = False
        self.main = 0  # the command's pid, once it is known
        self.other = 0  # the standby's child, the keeper
        self.peer: peer.Peer | None = None
        self.notes: dict[str, Any] = {}  # what the record says beside the run
        self.failed: MinidockerError | None = None
        self.terminal = -1
        self.settled = False
        self.keeps = False  # a container that was there before: what fails removes nothing
        self.disk = DiskLook(run.directory)

    # --- the two lives ---------------------------------------------------------------

    def stand_by(self) -> NoReturn:
        """Make all ready, fork the keeper, and wait beside it."""
        os.setsid()
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        last_word.begin(self.lock)
        if any(stage.origin for stage in self.stages):
            self.run.facts["own parts"] = 1
        try:
            if not self.run.spec.process.terminal:
                self.streams = Streams(self.run.spec.process.interactive)
            self.birth.prepare()
        except MinidockerError as problem:
            self.give_up(problem)
        mine, its = peer.pair()
        standby = living.mark(os.getpid())
        self.other = os.fork()
        if self.other == 0:
            mine.close()
            self.peer = its
            self.keep(standby)
        its.close()
        self.peer = mine
        self.notes = {"keeper": standby, "standby": ""}
        self.settle()
        self.poll.register(mine.fileno(), select.POLLIN)
        self.attend()

    def keep(self, standby: str) -> NoReturn:
        """Bring the command to life, and stay with it."""
        os.setsid()
        self.acts, self.other = True, 0
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.notes = {"keeper": living.mark(os.getpid()), "standby": standby}
        try:
            if self.streams:
                self.birth.streams = self.streams.inner
            self.main = self.birth.bring()
            self.note_running()
        except MinidockerError as problem:
            self.give_up(problem)
        self.tell_other(f"main {self.main} {self.times()['running']}")
        self.birth.open_gate()
        assert self.birth.channel and self.peer
        self.poll.register(self.birth.channel.host, select.POLLIN)
        self.poll.register(self.peer.fileno(), select.POLLIN)
        self.disk.begin(bool(self.run.spec.root.layers))
        self.attend()

    def settle(self) -> None:
        """Let go of the caller: its directory, its terminal, its streams, the command's ends."""
        self.settled = True
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.close(null)
        os.chdir("/")
        if self.streams:
            self.streams.close_inner()

    def note_running(self) -> None:
        """Write the command's mark, then the record: from here on, others can find it."""
        self.notes["pid"] = self.main
        if self.streams:
            self.notes["streams"] = self.streams.numbers()
        path = f"{self.run.directory}/{living.FILE}"
        with open(f"{path}.new", "w", encoding="ascii") as stream:
            stream.write(living.mark(self.main))
        os.rename(f"{path}.new", path)
        state.save(self.run, "running", **self.notes)

    def times(self) -> dict[str, float]:
        """Return since when the container is how it is, as the record has it."""
        return self.run.facts.setdefault("times", {})  # type: ignore[return-value]

    # --- attending -------------------------------------------------------------------

    def attend(self) -> NoReturn:
        """Serve signals, the other one, the child's messages, streams and disk, until the end."""
        self.poll.register(self.signals.fd, select.POLLIN)
        self.reap()  # what has ended before the first SIGCHLD could be heard
        channel = self.birth.channel
        while True:
            for fd, _ in self.poll.poll(self.disk.time_left()):
                if fd == self.signals.fd:
                    self.take_signal()
                elif self.peer and fd == self.peer.fileno():
                    self.hear_other()
                elif channel and fd == channel.host.fileno():
                    self.hear_child()
                elif fd in self.pump.streams:
                    self.pump.serve(fd)
            if self.disk.is_full():
                self.kernel.kill(self.main, SIGKILL)

    def take_signal(self) -> None:
        """Reap, or pass a signal on: who means the container may well signal its keeper."""
        number = self.signals.take()
        if number == SIGCHLD:
            self.reap()
        elif self.acts and self.main:
            self.kernel.kill(self.main, number)

    def reap(self) -> None:
        """Look at each child that has ended. waitid(2), WNOWAIT

        The command stays a zombie until its status is on the disk: a keeper that is killed in
        between leaves it to the standby, with its status.
        """
        owned = {getattr(stage, "program", 0) for stage in self.stages}  # a stage waits for its own
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as stream:
            children = [int(pid) for pid in stream.read().split()]
        for pid in children:
            if pid in owned:
                continue
            look = os.WEXITED | os.WNOHANG | os.WNOWAIT
            found = os.waitid(os.P_PID, pid, look)
            if found is None:
                continue
            status = found.si_status + (0 if found.si_code == os.CLD_EXITED else 128)
            if pid == self.main:
                if self.acts:
                    self.finish(status)
                continue
            os.waitpid(pid, 0)
            if pid == self.other:
                self.other = 0
                if not status:
                    self.leave()  # it did all that there was to do
                self.take_over()

    def hear_child(self) -> None:
        """Take one message of the child's; its end means that the command runs."""
        assert self.birth.channel
        message = self.birth.channel.hear()
        if message is None:
            self.poll.unregister(self.birth.channel.host)
            if not self.failed:
                self.go_on()
        elif message["kind"] == "terminal" and "fd" in message and self.terminal < 0:
            self.terminal = message["fd"]
            self.tell_other("terminal", self.terminal)
        else:
            self.failed = self.birth.obey(message) or self.failed

    def go_on(self) -> None:
        """The command runs: say so, let go of the caller, begin to pump."""
        self.tell_other("runs")
        self.settle()
        self.announce({})
        self.listen()

    def listen(self) -> None:
        """Begin to pump."""
        if self.terminal >= 0:
            self.pump.add(os.dup(self.terminal), "stdout")
        for fd, name in self.streams.outer.items() if self.streams else ():
            self.pump.add(fd, name)

    # --- the other one ---------------------------------------------------------------

    def tell_other(self, text: str, descriptor: int = -1) -> None:
        """Say something to the standby, if there is one."""
        if self.peer:
            self.peer.tell(text, descriptor)

    def hear_other(self) -> bool:
        """Take one word of the other's; False when it has no more."""
        assert self.peer
        kind, rest, descriptor = self.peer.hear()
        if kind == "terminal":
            self.terminal = descriptor
        elif kind == "main":
            pid, _, started = rest.partition(" ")
            self.main = int(pid)
            self.notes["pid"] = self.main
            self.times()["running"] = float(started)
            if self.streams:
                self.notes["streams"] = self.streams.numbers()
        elif kind == "runs":
            os.close(self.say)
            self.say = -1
        elif kind == "ended":
            self.notes["exit_code"] = int(rest)
        else:
            self.poll.unregister(self.peer.fileno())
            self.peer.close()
            self.peer = None
        return bool(kind)

    def take_over(self) -> None:
        """Go on in place of the keeper, which was killed."""
        while self.peer and self.hear_other():
            pass
        self.acts = True
        if not self.main:
            self.give_up(MinidockerError("the keeper was killed before the command started"))
        try:
            os.waitid(os.P_PID, self.main, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # the keeper has reaped it, and so it has noted the status
            self.main = 0
            self.clean_up()
        self.birth.pid = self.main
        self.announce({})  # if nobody has done it: the child is let go, and its own story goes on
        try:
            state.save(self.run, "running", **self.notes)
        except MinidockerError as problem:
            warn(str(problem))
        self.listen()
        self.disk.begin(bool(self.run.spec.root.layers))
        self.reap()

    def announce(self, problem: dict[str, object]) -> None:
        """Tell who waits for the start that the command runs, or what went wrong; once."""
        if self.say < 0:
            return
        try:
            os.write(self.say, to_json(problem).encode() + b"\n")
        except OSError:
            pass  # nobody waits any more
        os.close(self.say)
        self.say = -1

    # --- the end ---------------------------------------------------------------------

    def finish(self, status: int) -> NoReturn:
        """The command has ended: note how, clean up, and go."""
        failed = self.failed
        if self.birth.channel and self.say >= 0:
            failed = failed or self.birth.last_words()
        if failed:
            self.give_up(failed)
        if not self.settled:
            self.go_on()
        self.pump.drain()
        self.notes["exit_code"] = status
        self.tell_other(f"ended {status}")
        self.note_end()
        self.clean_up()

    def note_end(self) -> None:
        """Write down how the command ended; a full disk must not change what we do next."""
        try:
            last_word.write(self.lock, self.notes["exit_code"])
            state.save(self.run, "exited", **self.notes)
        except (MinidockerError, OSError) as problem:
            warn(str(problem))

    def clean_up(self) -> NoReturn:
        """Undo every stage; with --rm nothing stays."""
        if last_word.heard(self.lock) is None and "exit_code" in self.notes:
            self.note_end()
        self.undo(keep=not self.run.spec.remove)
        self.leave()

    def give_up(self, problem: MinidockerError) -> NoReturn:
        """Nothing has run that would be worth keeping: say why, and leave nothing."""
        self.undo(keep=self.keeps)
        if self.keeps:
            self.notes["exit_code"] = problem.status
            self.note_end()
        self.announce({
            "message": problem.message, "remedy": problem.remedy, "status": problem.status,
            "docker": problem.docker, "trace": getattr(problem, "trace", ""),
        })  # fmt: skip
        self.leave()

    def undo(self, keep: bool) -> None:
        """End the child, undo the stages, remove what is not kept."""
        if self.birth.pid or self.main:
            self.birth.pid = self.birth.pid or self.main
            self.birth.end()
        failed = state.undo(self.run, self.stages, self.kernel)
        if not keep:
            try:
                own = [mount.volume or "" for mount in self.run.spec.mounts if mount.anonymous]
                own_volumes.drop(self.run.directory, own)
                state.discard(self.run)
            except Exception as left:
                failed.append(left)
        for problem in failed:
            warn(f"clean-up: {problem if str(problem) else type(problem).__name__}")

    def leave(self) -> NoReturn:
        """End this process, and with it its hold of the lock."""
        os._exit(0)
