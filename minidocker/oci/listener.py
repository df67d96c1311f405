"""Listener: the program that a filter asks what a call shall do. seccomp_unotify(2)

It gets the filter's descriptor, and the state of the process, at the socket `seccomp.listenerPath`.
runtime-spec, config-linux.md, "The Container Process State"
"""

from __future__ import annotations

import os
import socket

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel import notify
from minidocker.spec.lean_json import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATIENCE = 10  # seconds for a socket whose queue is full
CALLED = "seccompFd"  # the specification's word for the descriptor


def take(pid: int, number: int) -> int:
    """Take a copy of the descriptor that the child has of its filter."""
    try:
        return notify.taken(pid, number)
    except KernelError as problem:
        raise MinidockerError(
            f"the filter's listener cannot be taken from the new process: {problem}",
            "root, or a container whose process keeps the caller's user",
        ) from None


def send(listener: int, to: tuple[str, str], pid: int, state: dict[str, Any]) -> None:
    """Send it to who listens; `to` is the socket's path, and what is told with it."""
    path, told = to
    message = {
        "ociVersion": state["ociVersion"], "fds": [CALLED], "pid": pid, "state": state,
        **({"metadata": told} if told else {}),
    }  # fmt: skip
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.settimeout(PATIENCE)
            end.connect(path)
            socket.send_fds(end, [to_json(message).encode()], [listener])
    except OSError as problem:
        raise MinidockerError(
            "failed to connect with seccomp agent specified in the seccomp profile: "
            f"{path}: {problem.strerror or problem}",
            "start what listens there first",
        ) from None
    finally:
        os.close(listener)
