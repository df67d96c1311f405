"""The keeper: who stays with a container that runs alone, twice.

    who typed `run -d` ── fork ── standby ── fork ── keeper ── clone ── the command

Both are this code, both hold the streams, the terminal and the lock, and both are subreapers. The
keeper clones, pumps, reaps and records. When it is killed, the command becomes the standby's child,
and that goes on where the other stopped. When the standby is killed, the keeper goes on alone.
Only who kills both takes the exit status along. There is no daemon: both end with the container.
"""

from __future__ import annotations

import gc
import os
import select
from time import monotonic

from minidocker.engine import peer
from minidocker.engine.disk_look import DiskLook
from minidocker.engine.guests import Guests
from minidocker.engine.kept import Kept
from minidocker.engine.leaving import leave
from minidocker.engine.log_file import LOG, LogFile
from minidocker.engine.once_more import next_run, start_again
from minidocker.engine.streams import Streams
from minidocker.errors import MinidockerError
from minidocker.kernel.flags import PR_SET_CHILD_SUBREAPER, SIGCHLD, SIGKILL
from minidocker.kernel.resident import drop_program_text
from minidocker.proc import lean, living
from minidocker.runtime import last_word, state
from minidocker.runtime.watch import warn
from minidocker.spec import logging
from minidocker.spec.spec import Run

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from minidocker.engine.health import Health
    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.stages.base import Stage

QUIET = 1000  # milliseconds without anything to do, after which memory is given back


class Keeper(Kept):
    """One of the two. `acts` says which: the standby only waits, until the other is gone."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, say: int,
        teller: Teller | None,
    ) -> None:  # fmt: skip
        super().__init__(run, stages, kernel, lock, say, teller)
        self.poll = select.poll()
        limits = run.spec.log or logging.limits(())
        log = LogFile(f"{run.directory}/{LOG}", limits["size"], limits["files"])
        self.pump = self.pump_for(log, self.poll)
        self.guests = Guests(run, stages, kernel, self.signals.mask, self.poll, self.tell_other)
        self.acts = False
        self.other = 0  # the standby's child, the keeper
        self.peer: peer.Peer | None = None
        self.failed: MinidockerError | None = None
        self.terminal = -1
        self.settled = False
        self.disk = DiskLook(run.directory)
        self.health: Health | None = None
        if (run.spec.health or {}).get("args"):
            from minidocker.engine.health import Health

            self.health = Health(run, kernel, self.guests, self.poll)

    # --- the two lives ---------------------------------------------------------------

    def stand_by(self) -> NoReturn:
        """Make all ready, fork the keeper, and wait beside it."""
        if os.getsid(0) != os.getpid():
            os.setsid()
        # What the caller had open is the caller's: a pipe that we held would never come to its end.
        ours = {self.say, self.lock, self.signals.fd, *self.own_parts()}
        self.kernel.close_all_but({0, 1, 2} | {fd for fd in ours if fd >= 0})
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        leave()
        last_word.begin(self.lock)
        try:
            if not self.run.spec.process.terminal:
                self.streams = Streams(self.run.spec.process.interactive)
            self.guests.open()
            self.birth.prepare()
        except (MinidockerError, OSError) as problem:
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
        self.note_keepers(standby, "")
        self.settle()
        self.poll.register(mine.fileno(), select.POLLIN)
        self.attend()

    def keep(self, standby: str) -> NoReturn:
        """Bring the command to life, and stay with it."""
        os.setsid()
        self.acts, self.other = True, 0
        self.kernel.prctl(PR_SET_CHILD_SUBREAPER, 1)
        mine = living.mark(os.getpid())
        self.note_keepers(mine, standby)
        try:
            if self.streams:
                self.birth.streams = self.streams.inner
            self.main = self.birth.bring()
            self.note_running()
        except (MinidockerError, OSError) as problem:
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
        gc.freeze()
        gc.enable()  # it is not worth while in a command line; this may be years

    # --- attending -------------------------------------------------------------------

    def attend(self) -> NoReturn:
        """Serve signals, the other one, the child's messages, streams and disk, until the end."""
        self.poll.register(self.signals.fd, select.POLLIN)
        self.reap()  # what has ended before the first SIGCHLD could be heard
        channel = self.birth.channel
        busy = monotonic()  # when there was something to do, until its memory is given back
        while True:
            if ready := self.poll.poll(self.time_left(bool(busy))):
                busy = monotonic()
            elif busy and (monotonic() - busy) * 1000 >= QUIET:
                drop_program_text()
                busy = 0.0
            for fd, _ in ready:
                if fd == self.signals.fd:
                    self.take_signal()
                elif self.peer and fd == self.peer.fileno():
                    self.hear_other()
                elif channel and fd == channel.host.fileno():
                    self.hear_child()
                elif fd in self.pump.streams:
                    self.pump.serve(fd)
                elif not (self.health and self.health.serve(fd)):
                    self.guests.serve(fd)
            if self.disk.is_full():
                self.notes["error"] = self.disk.why()
                self.kernel.kill(self.main, SIGKILL)
            if self.health:
                self.health.tick()

    def time_left(self, busy: bool) -> int | None:
        """Return the milliseconds until there is something to look at; None: never."""
        left = self.pump.time_left(self.disk.time_left())
        left = self.health.time_left(left) if self.health else left
        return (QUIET if left is None else min(left, QUIET)) if busy else left

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
        for pid in lean.children():
            if pid in owned:
                continue
            look = os.WEXITED | os.WNOHANG | os.WNOWAIT
            try:
                found = os.waitid(os.P_PID, pid, look)
            except ChildProcessError:
                continue  # `take_over` has looked at it meanwhile
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
            else:
                self.guests.reaped(pid, status)

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
        os.close(self.birth.gate[1])
        self.birth.gate = (-1, -1)
        self.settle()
        if self.health:
            self.health.begin(anew=True)
        self.announce({})
        self.listen()

    def listen(self) -> None:
        """Begin to pump."""
        if self.terminal >= 0:
            self.pump.add(os.dup(self.terminal), "stdout")
        for fd, name in self.streams.outer.items() if self.streams else ():
            self.pump.add(fd, name)
        self.pump.watcher = self.guests.nudge
        self.guests.hears(self.terminal, self.streams)
        self.guests.welcome(self.main)
        drop_program_text()

    # --- the other one ---------------------------------------------------------------

    def tell_other(self, text: str, *descriptors: int) -> None:
        """Say something to the standby, if there is one."""
        if self.peer:
            self.peer.tell(text, *descriptors)

    def hear_other(self) -> bool:
        """Take one word of the other's; False when it has no more."""
        assert self.peer
        kind, rest, given = self.peer.hear()
        if kind == "terminal":
            self.terminal = given[0]
        elif kind == "main":
            self.main = self.notes["pid"] = int(rest[0])
            self.times().pop("running", None)  # it is the last one now, as the keeper has it
            self.times()["running"] = float(rest[1])
            self.began = monotonic()
            if self.streams:
                self.notes["streams"] = self.streams.numbers()
        elif kind == "runs":
            if self.say >= 0:
                os.close(self.say)
                self.say = -1
            if self.health:
                self.health.born_now()
            drop_program_text()
        elif kind in ("guest", "entered", "left"):
            self.guests.note(kind, [int(text) for text in rest], given)
        elif kind == "again":
            self.leave()  # the keeper is the next run's standby
        elif kind == "deaf" and self.streams:
            self.streams.close_stdin()
        elif kind == "ended":
            self.notes["exit_code"] = int(rest[0])
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
        if self.health:
            self.health.begin(anew=False)
        self.listen()
        self.disk.begin(bool(self.run.spec.root.layers))
        self.reap()

    def next_life(self) -> NoReturn:
        """Keep the container's next run: its standby is this process."""
        run = next_run(self.run)
        stages = [type(stage)() for stage in self.stages]
        following = Keeper(run, stages, self.kernel, self.lock, -1, None)
        following.signals.mask = following.guests.mask = self.signals.mask  # the caller's
        following.keeps, following.starts, following.waited = True, self.starts, self.waited
        following.lives = self.lives
        following.stand_by()

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
        if self.health:
            self.health.end()
        self.pump.drain()
        self.guests.see_out(status)
        self.notes["exit_code"] = status
        self.tell_other(f"ended {status}")
        self.note_end()
        start_again(self, status)
        self.clean_up()
