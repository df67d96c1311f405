"""The ipc namespace: System V objects and POSIX message queues."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWIPC
from minidocker.stages.base import Stage


class Ipc(Stage):
    """Give the process its own shared memory, semaphores and message queues. ipc_namespaces(7)"""

    name = "ipc"
    namespaces = CLONE_NEWIPC
