"""The pid namespace: the process is number 1 of its own numbering."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWPID, SIGCHLD, WNOHANG
from minidocker.spec.words import FLAG, VALUE, Option, one_of
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked


class Pid(Stage):
    """Start the process as PID 1 of a new pid namespace."""

    name = "pid"
    namespaces = CLONE_NEWPID
    shares = "pid"
    options = (
        Option("--init", FLAG, "", "as in Docker",
               "a PID 1 that reaps orphans and passes signals on", field="init"),
        Option("--pid", VALUE, "MODE", "walls to share",
               "private, host, or container:NAME (processes)",
               read=one_of("private", "host", "container:NAME"), field="sharing.pid",
               idle=("host",)),
    )  # fmt: skip
    parts = ("spawn", "init")

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Say whose namespace it is: one that is shared has a PID 1 already."""
        super().plan(spec, asked)
        cls.refuse_shared(spec, asked, "init")

    @staticmethod
    def spawn(
        kernel: Kernel, flags: int, child: Callable[[], None], cgroup_fd: int | None = None
    ) -> int:
        """Run `child` as the first process of new namespaces; return its pid out here.

        `flags` are the CLONE_NEW… of all stages; `child` never returns. One clone3(2) makes
        the process, its namespaces and its place in a cgroup, so there is no moment when
        it runs outside its limits. pid_namespaces(7)
        """
        pid = kernel.clone(flags, cgroup_fd)
        if pid == 0:
            child()
        return pid

    @staticmethod
    def init(kernel: Kernel, main: int) -> int:
        """Do PID 1's two duties until `main` ends; return its exit status.

        Reap every child that ends, orphans too, and pass each signal on to `main`. All
        signals are blocked, so `wait_signal` takes them one by one. A child killed by
        signal n counts as 128 + n. pid_namespaces(7), waitpid(2)
        """
        while True:
            signal = kernel.wait_signal()
            if signal != SIGCHLD:
                try:
                    kernel.kill(main, signal)
                except OSError:
                    pass  # main has just ended, and SIGCHLD is on its way
                continue
            while True:  # one SIGCHLD may stand for many children
                pid, status = kernel.waitpid(-1, WNOHANG)
                if pid == main:
                    return exit_status(status)
                if pid == 0:
                    break


def exit_status(status: int) -> int:
    """Turn a raw wait status into what a shell says: 0…255, or 128 + signal. waitpid(2)"""
    signal = status & 0x7F
    return 128 + signal if signal else status >> 8 & 0xFF
