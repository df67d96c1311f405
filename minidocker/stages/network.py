"""The network namespace: interfaces, addresses, routes, ports."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWNET
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec import Run


class Network(Stage):
    """Give the process a network of its own; for now, only loopback is in it."""

    name = "network"
    namespaces = CLONE_NEWNET
    shares = "net"
    parts = ("loopback_up",)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Switch loopback on: it exists in each network namespace, but starts down."""
        if "net" not in (run.spec.sharing or {}):  # another's is not ours to change
            self.loopback_up(kernel)

    @staticmethod
    def loopback_up(kernel: Kernel) -> None:
        """Switch the interface lo on; the kernel then gives it 127.0.0.1/8. netdevice(7)"""
        kernel.link_up("lo")
