"""Capabilities: root's power in some forty pieces, and which of them a container keeps."""

from __future__ import annotations

from minidocker.kernel.flags import (
    CAP_SYS_ADMIN,
    CAPABILITIES,
    DEFAULT_CAPABILITIES,
    PR_CAPBSET_DROP,
    mask,
)
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Capabilities(Stage):
    """Keep the capabilities that were asked for, and lose the others for good."""

    name = "capabilities"
    parts = ("drop_capabilities",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Drop them. What seccomp still needs goes with the exec, since the bounding set lacks it.

        A process of another user keeps nothing now, and the exec gives it nothing: as in Docker.
        """
        names = run.spec.process.capabilities
        _, held, _ = kernel.capget()
        keep = mask(DEFAULT_CAPABILITIES if names is None else names) & held
        now = 0 if kernel.getuid() else keep
        if "seccomp" in (run.spec.stages or ()) and not run.spec.process.no_new_privs:
            now |= 1 << CAP_SYS_ADMIN & held  # else the kernel takes no filter from us
        self.drop_capabilities(kernel, keep, now)

    @staticmethod
    def drop_capabilities(kernel: Kernel, keep: int, now: int) -> None:
        """Let no program that is started from here on have a capability outside `keep`.

        `keep` and `now` are masks: bit n is capability n. An exec by uid 0 gives all of the
        bounding set back, so the bounding set decides; `now` is what this process has until
        then. The inheritable set gets empty, and the ambient one with it. capabilities(7)
        """
        for number in range(len(CAPABILITIES)):
            if not keep >> number & 1:
                kernel.prctl(PR_CAPBSET_DROP, number)
        kernel.capset(now, now, 0)
