"""The host process's signals: blocked from the first line, and read from a descriptor.

No signal can interrupt a step half-way, and none is lost. signalfd(2)
"""

from __future__ import annotations

import select

from minidocker.errors import MinidockerError
from minidocker.kernel.flags import (
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
    SIGXFSZ,
)
from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

# Not forwarded: those that cannot be caught, job control, faults of our own, glibc's two.
OURS = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGPIPE, SIGXFSZ, SIGCHLD}
FAULTS = {4, 5, 6, 7, 8, 11, 26, 27, 31, 32, 33}  # ILL TRAP ABRT BUS FPE SEGV VTALRM PROF SYS
FORWARDED = set(range(1, 65)) - OURS - FAULTS
ENDING = {SIGHUP, SIGINT, SIGQUIT, SIGTERM}


class Interrupted(MinidockerError):
    """A signal came before the command had started."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted before the command started", "", 128 + number)


class Signals:
    """The descriptor `fd` that signals are read from, and the `mask` that the caller had."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        kernel.default_signals({SIGCHLD})  # a caller that ignores it would leave us waiting
        self.mask = kernel.sigprocmask(FORWARDED | {SIGCHLD})
        self.fd = kernel.signalfd(FORWARDED | {SIGCHLD})

    def take(self) -> int:
        """Read one signal; return its number."""
        return int.from_bytes(os.read(self.fd, 128)[:4], "little")

    def wait_readable(self, descriptor: int) -> None:
        """Wait until a descriptor can be read; Ctrl-C and its like raise Interrupted."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.register(descriptor, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if descriptor in ready:
                return
            number = self.take()
            if number in ENDING:
                raise Interrupted(number)

    def restore(self) -> None:
        """Give the caller's mask back."""
        os.close(self.fd)
        self.kernel.sigprocmask(self.mask)
