"""no_new_privs: from here on, no exec gives more rights than the process has."""

from __future__ import annotations

from minidocker.kernel.flags import PR_SET_NO_NEW_PRIVS
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class NoNewPrivs(Stage):
    """Make setuid programs and file capabilities powerless, when the user asks for it."""

    name = "no_new_privs"
    parts = ("no_new_privileges",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Docker, too, does this only on demand: `--security-opt no-new-privileges`."""
        if run.spec.process.no_new_privs:
            self.no_new_privileges(kernel)

    @staticmethod
    def no_new_privileges(kernel: Kernel) -> None:
        """Set the bit: it is inherited, and nobody can clear it. PR_SET_NO_NEW_PRIVS(2const)"""
        kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
