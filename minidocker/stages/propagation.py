"""Mount propagation: what is mounted in here stays in here."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWNS, MS_PRIVATE, MS_REC
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Propagation(Stage):
    """Copy the mount table, and cut the copy off from the host's."""

    name = "propagation"
    namespaces = CLONE_NEWNS
    always = True
    mounts = True
    parts = ("make_private",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Make every mount private before anything is mounted."""
        self.make_private(kernel)

    @staticmethod
    def make_private(kernel: Kernel) -> None:
        """Make "/" and every mount below it private, so that no event leaves this namespace.

        systemd makes "/" shared, and a new mount namespace copies that. mount_namespaces(7)
        """
        kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
