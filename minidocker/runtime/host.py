"""The host's story in the foreground: a birth, its gate opened, watched to the end, cleaned up.

The process is fresh and has one thread.
"""

from __future__ import annotations

from minidocker.errors import MinidockerError
from minidocker.kernel.named import os
from minidocker.runtime import happened, last_word, state
from minidocker.runtime.birth import Birth
from minidocker.runtime.signals import Signals
from minidocker.runtime.watch import Watch, warn

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.runtime.watch import Heard
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


class Host:
    """One container, from the caller's side. `foreground()` does it all."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, teller: Teller | None,
        heard: Heard | None = None,
    ) -> None:  # fmt: skip
        """`heard`: who keeps what it says."""
        self.run = run
        self.stages = stages
        self.kernel = kernel
        self.lock = lock
        self.signals = Signals(kernel)
        self.birth = Birth(run, stages, kernel, teller, self.signals)
        self.heard = heard
        if heard:
            self.birth.streams = heard.inner
        self.watch: Watch | None = None

    def foreground(self) -> int:
        """Run the container in the foreground; return the command's exit status."""
        started = False
        try:
            state.save(self.run, "running", pid=self.birth.make())
            started = True
            self.watch = Watch(self.birth, self.heard)
            self.birth.open_gate()
            status = self.watch.wait()
            self.leave_word(status)
            if self.run.spec.remove:
                happened.tell(self.run, "die", exitCode=str(status))
            else:
                self.note_end(status)
            if self.heard and self.heard.lost:
                warn(f"the command's output is lost: {self.heard.lost}")
                return 125
            return status
        except MinidockerError:
            started = False  # nothing ran that would be worth keeping
            raise
        finally:
            self.clean_up(keep=started and not self.run.spec.remove)

    def leave_word(self, status: int) -> None:
        """Write how it ended where who waits can read it when all else is removed, as with --rm."""
        try:
            last_word.write(self.lock, status)
        except OSError:
            pass  # on a full disk nobody hears it

    def note_end(self, status: int) -> None:
        """Write down how the command ended; a full disk must not change what we return."""
        try:
            state.save(self.run, "exited", exit_code=status)
        except MinidockerError as problem:
            warn(str(problem))

    def clean_up(self, keep: bool) -> None:
        """End the child, undo every stage, give signals and terminal back."""
        if self.watch:
            self.watch.stop()
        self.birth.end()
        failed = state.undo(self.run, self.stages, self.kernel)
        if not keep:
            try:
                if own := [one.volume or "" for one in self.run.spec.mounts if one.anonymous]:
                    from minidocker.runtime import own_volumes

                    own_volumes.drop(self.run.directory, own)
                state.discard(self.run)
            except Exception as left:
                failed.append(left)
        if self.birth.channel:
            self.birth.channel.host.close()
        os.close(self.lock)
        self.signals.restore()
        for problem in failed:
            warn(f"clean-up: {problem if str(problem) else type(problem).__name__}")
