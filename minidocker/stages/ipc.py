"""The ipc namespace: System V objects and POSIX message queues."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.kernel.flags import CLONE_NEWIPC
from minidocker.spec.words import VALUE, Option, parse_mode
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked


def ipc_mode(text: str, option: str) -> str | None:
    """Read --ipc. Docker's `shareable` is so of every container of ours: it can be joined."""
    if text == "none":
        raise UsageError(
            f"{option} none is refused: a /dev/shm of its own comes with every container",
            f"{option} private: nobody else sees it",
        )
    return parse_mode(
        "private" if text == "shareable" else text, option, ("private", "host", "container:NAME")
    )


class Ipc(Stage):
    """Give the process its own shared memory, semaphores and message queues. ipc_namespaces(7)

    POSIX shared memory is no part of it: that is files under /dev/shm, in the stage mounts.
    """

    name = "ipc"
    namespaces = CLONE_NEWIPC
    shares = "ipc"
    options = (
        Option("--ipc", VALUE, "MODE", "walls to share",
               "private, host, or container:NAME (shared memory, with /dev/shm)",
               read=ipc_mode, field="sharing.ipc",
               idle=("host",)),
    )  # fmt: skip
    parts = ("ipc_namespace",)

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Say whose namespace it is; a /dev/shm that is another's has its size already."""
        super().plan(spec, asked)
        if spec.shm_size is not None and "ipc" in spec.sharing:
            raise UsageError(
                "--shm-size is for a /dev/shm of its own", "leave --ipc or --shm-size out"
            )

    def entry(self, mode: str) -> tuple[int, str]:
        """Say how the child gets its ipc namespace."""
        found: tuple[int, str] = self.ipc_namespace(mode)
        return found

    @staticmethod
    def ipc_namespace(mode: str) -> tuple[int, str]:
        """Say how to get the ipc namespace of a mode: (flags for the clone, file to join or "").

        "private" is a new one, "host" the caller's own, "container:PID" the one that process PID
        is in. Any other word raises ValueError. clone(2), setns(2)
        """
        if mode == "private":
            return CLONE_NEWIPC, ""
        if mode == "host":
            return 0, ""
        kind, _, pid = mode.partition(":")
        if kind != "container" or not pid.isdecimal():
            raise ValueError(f"no mode {mode!r}: private, host or container:PID")
        return 0, f"/proc/{pid}/ns/ipc"
