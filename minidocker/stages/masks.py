"""Masks: files of /proc and /sys that no namespace covers, and device nodes that must stay dead.

Root in the container is root to these files, as long as it has its capabilities. They hold only
while nobody inside has CAP_SYS_ADMIN: who may mount, may also take a mask away.
"""

from __future__ import annotations

import os

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel.flags import (
    DEVICES,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
)
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

# What Docker hides by default: they tell of the host's hardware, memory, keys and timers.
MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
# What Docker makes read-only: a write there changes the whole machine.
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
NULL = (1, 3)


def real_null(kernel: Kernel, proc: str = "/proc/") -> str:
    """Return a name that stays /dev/null, whatever happens to a volume over /dev; or refuse.

    What is opened is looked at, not the path, which another container may change meanwhile:
    with a link for /dev/null, runc bound core_pattern over /proc/keys, writable (CVE-2025-31133).
    """
    held = f"{proc}self/fd/{kernel.open('/dev/null', os.O_PATH | os.O_NOFOLLOW)}"
    if kernel.device(held) != NULL:
        raise MinidockerError(
            "/dev/null of the container is not the device 1:3, so nothing can be hidden behind it",
            "another volume than one over /dev; or --security-opt systempaths=unconfined",
        )
    return held


class Masks(Stage):
    """Hide and protect what every container shares with the host."""

    name = "masks"
    needs = ("mounts",)
    mounts = True
    parts = ("mask_paths", "read_only_paths", "deaden_nodes")

    def before(self, kernel: Kernel, run: Run) -> None:
        """Load what is needed where no file of the host's is in reach."""
        if run.spec.root and run.spec.root.path:
            from minidocker.kernel import within  # noqa: F401

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Cover the paths; a privileged container has none of this."""
        linux = run.spec.linux
        if linux and linux.privileged:
            return
        if not (linux and linux.unmasked):
            if "mask_paths" in self.origin:
                self.mask_paths(kernel, MASKED)
                self.read_only_paths(kernel, READ_ONLY)
            elif run.spec.root and run.spec.root.path:
                from minidocker.kernel import within  # which `before` has loaded

                null = ""
                for directory in within.file_systems(kernel):
                    null = null or real_null(kernel, "")  # in /proc now
                    self.mask_paths(kernel, within.below(directory, MASKED), null)
                    self.read_only_paths(kernel, within.below(directory, READ_ONLY))
            else:
                self.mask_paths(kernel, MASKED, real_null(kernel))
                self.read_only_paths(kernel, READ_ONLY)
        if run.root:
            # Volumes are nodev already: their names may by now lead to other mounts.
            self.deaden_nodes(kernel, ["/"])

    @staticmethod
    def mask_paths(kernel: Kernel, paths: Sequence[str], null: str = "/dev/null") -> None:
        """Hide each path: a directory behind an empty read-only one, a file behind /dev/null.

        A path that is not there needs no mask; one of which that cannot be told ends the run.
        `null` names the device itself, which a volume may have replaced at its place.
        runtime-spec, config-linux: maskedPaths
        """
        for path in paths:
            kind = kernel.kind(path)
            if kind == "dir":
                flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
                kernel.mount("tmpfs", path, "tmpfs", flags, "size=0,nr_inodes=2,mode=755")
            elif kind:
                kernel.mount(null, path, "", MS_BIND)

    @staticmethod
    def read_only_paths(kernel: Kernel, paths: Sequence[str]) -> None:
        """Make each path read-only: bound onto itself it is a mount, and can have its own flags.

        runtime-spec, config-linux: readonlyPaths. mount_setattr(2)
        """
        for path in paths:
            if kernel.kind(path):
                kernel.mount(path, path, "", MS_BIND | MS_REC)
                kernel.mount_setattr(path, MOUNT_ATTR_RDONLY, True)

    @staticmethod
    def deaden_nodes(kernel: Kernel, places: Sequence[str]) -> None:
        """Let no device node work but those of /dev: CAP_MKNOD is in Docker's default set.

        Docker asks an eBPF program of the cgroup at each open. We mount every place where a node
        could be made `nodev`, which needs no cgroup; the nodes of /dev are mounts of their own.
        """
        for name, number in DEVICES.items():
            # By its number: in a volume at /dev, "null" may be a disk.
            if kernel.device(f"/dev/{name}") == number:
                node = f"/proc/self/fd/{kernel.open(f'/dev/{name}', os.O_PATH | os.O_NOFOLLOW)}"
                if kernel.device(node) == number:
                    kernel.mount(node, node, "", MS_BIND)
        for place in (*places, "/dev"):
            try:
                kernel.mount_setattr(place, MOUNT_ATTR_NODEV, place not in ("/", "/dev"))
            except KernelError:
                if place in ("/", "/dev"):
                    raise  # a volume may be hidden under a later one; it was nodev from its start
