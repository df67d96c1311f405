"""The uts namespace: the host name."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWUTS
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec import Run


class Uts(Stage):
    """Give the process a host name of its own."""

    name = "uts"
    namespaces = CLONE_NEWUTS
    parts = ("set_hostname",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set the name; the namespace is new, so the host keeps its own."""
        self.set_hostname(kernel, run.spec.hostname)

    @staticmethod
    def set_hostname(kernel: Kernel, name: str) -> None:
        """Set the host name of this uts namespace: at most 64 bytes. sethostname(2)"""
        kernel.sethostname(name)
