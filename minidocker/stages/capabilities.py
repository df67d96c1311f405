"""Capabilities: root's power in some forty pieces, and which of them a container keeps."""

from __future__ import annotations

from minidocker.kernel.flags import CAP_SYS_ADMIN, CAPABILITIES, PR_CAPBSET_DROP
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

# Docker's default set
DEFAULT = (
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
)  # fmt: skip


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
        keep = mask(DEFAULT if names is None else names) & held
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


def mask(names: Iterable[str]) -> int:
    """Turn CAP_… names into a mask."""
    found = 0
    for name in names:
        found |= 1 << CAPABILITIES.index(name)
    return found
