"""Watch: serve signals, the child's messages, its terminal and the disk, until it ends."""

from __future__ import annotations

import select
from time import monotonic

from minidocker.errors import MinidockerError
from minidocker.kernel.flags import SIGCHLD, SIGINT, SIGKILL, SIGWINCH, WNOHANG
from minidocker.kernel.named import os
from minidocker.runtime.signals import ENDING, Interrupted
from minidocker.stages.pid import exit_status

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any, Protocol

    from minidocker.runtime.birth import Birth
    from minidocker.runtime.signals import Signals

    class Heard(Protocol):
        """Who keeps what a container says: engine/overheard.py."""

        inner: tuple[int, int, int] | None
        lost: str

        def begin(self, poll: select.poll) -> None: ...
        def serve(self, fd: int) -> bool: ...
        def shown(self, data: bytes) -> None: ...
        def drain(self, signals: Signals) -> None: ...

FIRST_LOOK = 0.5  # seconds from the start to the first look at the disk
IMPATIENT = 3  # so many Ctrl-C, and a command that ignores them is killed


class Watch:
    """One child that was born, from the moment when its gate is opened."""

    def __init__(self, birth: Birth, heard: Heard | None = None) -> None:
        assert birth.channel
        self.birth, self.heard = birth, heard
        self.channel = birth.channel
        self.kernel = birth.kernel
        self.signals = birth.signals
        self.run = birth.run
        self.terminal: Any = None
        self.interrupts = 0
        self.disk: Any = None
        self.next_look = float("inf")  # on the monotonic clock

    def wait(self) -> int:
        """Serve until the child ends; its exit status, or the error that it reported."""
        poll = select.poll()
        poll.register(self.signals.fd, select.POLLIN)
        poll.register(self.channel.host, select.POLLIN)
        failed: MinidockerError | None = None
        if self.run.spec.root.layers:
            self.next_look = monotonic() + FIRST_LOOK
        if self.heard:
            self.heard.begin(poll)
        if self.terminal:  # it has come already
            self.terminal.start(poll)
        while True:
            for fd, events in poll.poll(self.time_left()):
                if fd == self.signals.fd:
                    status = self.take_signal()
                    if status is not None:
                        if self.terminal:
                            self.terminal.drain()
                            if self.terminal.lost:
                                failed = MinidockerError(
                                    f"the command's output is lost: {self.terminal.lost}"
                                )
                        if self.heard:
                            self.heard.drain(self.signals)
                        if failed is None:  # its last words may have come with its end
                            failed = self.birth.last_words()
                        if failed:
                            raise failed
                        return status
                elif self.terminal and fd in (self.terminal.master, 0):
                    self.terminal.serve(fd, events, poll)
                elif not (self.heard and self.heard.serve(fd)):
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

            self.disk = Disk(self.run.directory)
        self.next_look = monotonic() + self.disk.look()
        if self.disk.full:
            self.next_look = float("inf")
            warn(
                f"the container had taken nearly all {self.disk.full} of the disk with "
                f"{self.disk.upper}: killed\n"
                "  try: minidocker prune; or -v DIR:/data, so that it writes to another disk"
            )
            self.kernel.kill(self.birth.pid, SIGKILL)

    def obey(self, message: dict[str, Any], poll: Any) -> MinidockerError | None:
        """Take the terminal that a message brings; everything else is the birth's."""
        wanted = self.run.spec.process.terminal and not self.terminal and "fd" in message
        if message["kind"] != "terminal" or not wanted:
            return self.birth.obey(message)
        from minidocker.runtime.terminal import Terminal

        self.terminal = Terminal(message["fd"], self.run.spec.process.interactive)
        self.terminal.heard = self.heard.shown if self.heard else None
        self.terminal.start(poll)
        return None

    def take_signal(self) -> int | None:
        """Read one signal: pass it on, or reap. The child's exit status, or None."""
        number = self.signals.take()
        if number == SIGCHLD:
            pid, status = self.kernel.waitpid(self.birth.pid, WNOHANG)
            if pid == self.birth.pid:
                self.birth.pid = 0
                return exit_status(status)
        elif number == SIGWINCH and self.terminal:
            self.terminal.resize()
        elif number in ENDING and not self.channel.child_is_gone():
            raise Interrupted(number)  # nobody is there yet who could act on it
        else:
            self.forward(number)
        return None

    def forward(self, number: int) -> None:
        """Pass a signal on; a command that ignores three Ctrl-C is killed."""
        if number == SIGINT:
            self.interrupts += 1
            if self.interrupts == IMPATIENT:
                warn("the command ignores Ctrl-C: killed")
                number = SIGKILL
        self.kernel.kill(self.birth.pid, number)

    def stop(self) -> None:
        """Give the caller's terminal back."""
        if self.terminal:
            self.terminal.stop()


def warn(text: str) -> None:
    """Tell the caller something; that nobody can hear it must not change how the run ends."""
    try:
        os.write(2, f"minidocker: {text}\n".encode(errors="surrogateescape"))
    except OSError:
        pass
