"""Shown nodes: what a learner's make_dev meets where nobody may make a device node."""

from __future__ import annotations

from errno import EPERM

from minidocker.errors import KernelError
from minidocker.kernel.flags import DEVICES

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.kernel.interface import Kernel


class Showing:
    """The kernel as a learner's `make_dev` meets it: the six nodes can be had everywhere."""

    def __init__(self, kernel: Kernel, show: Callable[[Kernel, str, str], None]) -> None:
        self._kernel, self._show = kernel, show

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
            self._show(self._kernel, f"/dev/{names[0]}", path)
