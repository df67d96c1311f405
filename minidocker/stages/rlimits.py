"""Resource limits of one process, from before there were cgroups. getrlimit(2)"""

from __future__ import annotations

from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Rlimits(Stage):
    """Set what --ulimit asks for."""

    name = "rlimits"
    parts = ("limit",)

    def before(self, kernel: Kernel, run: Run) -> None:
        """Load what the child will need when it can load nothing any more."""
        if run.spec.process.rlimits:
            import resource  # noqa: F401

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set each limit."""
        for number, soft, hard in run.spec.process.rlimits or ():
            self.limit(kernel, number, soft, hard)

    @staticmethod
    def limit(kernel: Kernel, number: int, soft: int, hard: int) -> None:
        """Set one limit; to raise a hard one takes CAP_SYS_RESOURCE. −1 is no limit."""
        kernel.setrlimit(number, soft, hard)
