"""Kept: a container that runs alone, as its keeper knows it: its record, and how it is ended."""

from __future__ import annotations

import os
from time import monotonic

from minidocker.engine.pump import Pump
from minidocker.errors import MinidockerError
from minidocker.proc import living
from minidocker.runtime import last_word, own_volumes, state
from minidocker.runtime.birth import Birth
from minidocker.runtime.signals import Signals
from minidocker.runtime.watch import warn
from minidocker.spec.lean_json import to_json

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    import select
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from minidocker.engine.log_file import LogFile
    from minidocker.engine.streams import Streams
    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


class Kept:
    """What both keepers know; `say` leads to who waits for the start."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, say: int,
        teller: Teller | None,
    ) -> None:  # fmt: skip
        self.run, self.stages, self.kernel = run, stages, kernel
        self.lock, self.say = lock, say
        self.signals = Signals(kernel)
        self.birth = Birth(run, stages, kernel, teller, self.signals)
        self.streams: Streams | None = None
        self.main = 0  # the command's pid, once it is known
        self.notes: dict[str, Any] = {}  # what the record says beside the run
        self.starts = 0  # how often the policy has started it again
        self.waited = 0.0  # seconds before its last start
        self.began = monotonic()  # the clock on the wall may be set back
        self.lives: list[tuple[float, int, bool]] = []  # for a learner's supervise
        self.keeps = False  # a container that was there before: what fails removes nothing

    def tell_other(self, text: str, *descriptors: int) -> None:
        """Say something to the standby, if there is one."""
        raise NotImplementedError

    def next_life(self) -> NoReturn:
        """Keep the container's next run."""
        raise NotImplementedError

    def own_parts(self) -> set[int]:
        """Note that a learner's parts serve; return the descriptor in which their use is noted."""
        if not self.run.own and not any(stage.origin for stage in self.stages):
            return set()
        from minidocker.runtime import used

        self.run.facts["own parts"] = 1
        return used.held()

    def pump_for(self, log: LogFile, poll: select.poll) -> Pump:
        """Return the pump: a learner's, where one serves."""
        if self.run.own:
            from minidocker.engine.own_keeping import pump_of

            return pump_of(self.run, log, poll)
        return Pump(log, poll)

    def note_keepers(self, keeper: str, standby: str) -> None:
        """Begin the notes of a life: by whom it is kept, and what its policy has done so far."""
        self.notes = {"keeper": keeper, "standby": standby,
                      "restarts": self.starts, "waited": self.waited}  # fmt: skip

    def note_running(self) -> None:
        """Write the command's mark, then the record: from here on, others can find it."""
        self.notes["pid"] = self.main
        self.began = monotonic()
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

    def give_up(self, problem: MinidockerError | OSError) -> NoReturn:
        """Nothing has run that would be worth keeping: say why, and leave nothing."""
        if isinstance(problem, OSError):
            remedy = "minidocker prune   (when the disk is full)"
            problem = MinidockerError(f"it cannot be kept: {problem}", remedy)
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
