"""Devices: nodes of the host that the user hands in with --device."""

from __future__ import annotations

from minidocker.kernel.flags import MS_BIND
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Devices(Stage):
    """Show the chosen device nodes in the container, each as a mount of its own."""

    name = "devices"
    needs = ("mounts", "rootfs")
    mounts = True
    parts = ("show_device",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Bind each node while the host's /dev is in sight."""
        for source, destination in (run.spec.linux and run.spec.linux.devices) or ():
            self.show_device(kernel, source, kernel.target(run.root, destination, "file"))

    @staticmethod
    def show_device(kernel: Kernel, source: str, target: str) -> None:
        """Bind one node: it works without CAP_MKNOD, and stays alive when the rest is nodev."""
        kernel.mount(source, target, "", MS_BIND)
