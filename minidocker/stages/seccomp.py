"""Seccomp: which system calls the kernel answers at all."""

from __future__ import annotations

from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Seccomp(Stage):
    """Put a filter in front of every system call of the container."""

    name = "seccomp"
    parts = ("install_filter",)
    program = b""

    def before(self, kernel: Kernel, run: Run) -> None:
        """Read the compiled filter while its file is in reach; the plan has compiled it."""
        if run.spec.linux and run.spec.linux.seccomp:
            self.program = kernel.read_bytes(run.spec.linux.seccomp)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Install it. From here to the exec, we live with what it allows."""
        if run.spec.linux and run.spec.linux.seccomp:
            self.install_filter(kernel, self.program)

    @staticmethod
    def install_filter(kernel: Kernel, program: bytes) -> None:
        """Hand the program to the kernel: it holds for this process and all that come of it.

        No later filter can allow what this one forbids: the strictest answer counts. seccomp(2)
        """
        kernel.seccomp(program)
