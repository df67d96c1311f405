"""The time namespace: another "since boot", and the same time of day."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.kernel.flags import CLONE_NEWTIME
from minidocker.spec.words import VALUE, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec


def seconds(text: str, option: str) -> int:
    """Read whole seconds, also negative."""
    if not text.removeprefix("-").removeprefix("+").isdecimal():
        raise UsageError(
            f"{option} {text!r} is not a whole number of seconds",
            f"such as {option} 86400   (one day)",
        )
    return int(text)


class Time(Stage):
    """Move the boot-time clock of the process; only where --boottime-offset asks for it.

    It adds no flag to the clone: a time namespace made by clone3(2) has a process in it at once,
    and then the kernel lets nobody set the clocks (EACCES).
    """

    name = "time"
    options = (
        Option("--boottime-offset", VALUE, "SECONDS", "our own",
               "move the clock since boot, in a time namespace", read=seconds, field="boottime"),
    )  # fmt: skip
    parts = ("set_boot_offset",)

    @classmethod
    def wanted(cls, spec: Spec) -> bool:
        """A run that moves no clock needs no time namespace."""
        return spec.boottime is not None

    def parent(self, kernel: Kernel, run: Run) -> None:
        """Make the namespace for children, and set its clock while nobody is in it."""
        if run.spec.boottime is not None:
            self.set_boot_offset(kernel, run.spec.boottime)

    @staticmethod
    def set_boot_offset(kernel: Kernel, seconds: int) -> None:
        """Give this process's next children a time namespace, `seconds` ahead since boot.

        CLOCK_BOOTTIME moves (uptime shows it), CLOCK_REALTIME does not. The caller itself stays
        where it is. ERANGE when the clock would be below zero. time_namespaces(7)
        """
        kernel.unshare(CLONE_NEWTIME)
        kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
