"""Shown nodes: in a user namespace nobody makes device nodes, so the host's six are bound."""

from __future__ import annotations

from errno import EPERM

from minidocker.errors import KernelError
from minidocker.kernel.flags import DEVICES, MS_BIND

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel


def show_node(kernel: Kernel, source: str, target: str) -> None:
    """Bind the host's node: in a user namespace nobody may make one. mknod(2), EPERM"""
    kernel.mknod(target, 0o100666)
    kernel.mount(source, target, "", MS_BIND)


class Showing:
    """The kernel as a learner's `make_dev` meets it: the six nodes can be had everywhere."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    def mknod(self, path: str, mode: int, device: tuple[int, int] = (0, 0)) -> None:
        """Make a node; one of the six that is refused is shown in its place."""
        try:
            self._kernel.mknod(path, mode, device)
        except KernelError as problem:
            names = [name for name, number in DEVICES.items() if number == tuple(device)]
            if problem.errno != EPERM or not names:
                raise
            show_node(self._kernel, f"/dev/{names[0]}", path)
