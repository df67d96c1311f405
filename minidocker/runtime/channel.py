"""Channel: what a child tells the host before it becomes the command.

A SOCK_SEQPACKET socketpair, so that a message is a packet and never half of one; it
also carries the terminal (SCM_RIGHTS). The end of the channel is news too: execve closes
the child's side, so "closed" with nothing said before means that the command runs.
"""

from __future__ import annotations

import os

from minidocker.kernel import packets
from minidocker.spec.lean_json import to_json

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LARGEST = 64 * 1024
SAID = 8  # bytes that the gate says: the step that failed, and the errno
TERMINAL = b'{"kind": "terminal"}'
# The kinds of message, and what each carries.
SAYS: dict[str, dict[str, type]] = {
    "failed": {"message": str, "remedy": str, "status": int, "trace": str},
    "step": {"stage": str, "moment": str, "part": str, "origin": str, "method": str, "call": str,
             "shell": str},
    "terminal": {},
    "waits": {},
    "stands": {},  # behind its walls, in a learner's `create`
    "listens": {"number": int},  # of a filter's listener, among the child's descriptors
}  # fmt: skip


class Channel:
    """Both ends; each process closes the other's."""

    __slots__ = ("child", "host")

    def __init__(self) -> None:
        self.host, self.child = packets.pair()

    def say(self, kind: str, **what: object) -> None:
        """Child: send one message. A host that is gone ends this process."""
        message: Mapping[str, object] = {"kind": kind, **what}
        text = to_json(message).encode()
        if len(text) > LARGEST:  # a character takes 12 bytes at most: \\uD83D\\uDE00
            room = LARGEST // 12 // (len(what) + 1)
            cut = {k: v[:room] if isinstance(v, str) else v for k, v in what.items()}
            text = to_json({"kind": kind, **cut}).encode()
        try:
            os.write(self.child.fileno(), text)  # a filter that knows write(2) may not know send(2)
        except OSError:
            os._exit(125)

    def host_is_gone(self) -> bool:
        """Child: say whether the host's end is closed."""
        return self.child.is_over()

    def child_is_gone(self) -> bool:
        """Host: say whether the child's end is closed, with nothing left to hear: it has exec'd."""
        return self.host.is_over()

    def send_terminal(self, master: int) -> None:
        """Child: hand the terminal's master side to the host. unix(7), SCM_RIGHTS"""
        self.child.send(TERMINAL, master)

    def hear(self) -> dict[str, Any] | None:
        """Host: take one message; None is the end. A terminal comes as {"fd": N}."""
        data, fds = self.host.receive(LARGEST)
        if not data:
            return None
        message = understood(data)
        if message["kind"] == "terminal" and fds:
            message["fd"] = fds.pop(0)
        for fd in fds:
            os.close(fd)
        return message


def understood(data: bytes) -> dict[str, Any]:
    """Read one packet: JSON of ours, or the gate's eight bytes; anything else is a failure.

    In a pid namespace that others share, one of them with CAP_SYS_PTRACE may speak in our place.
    """
    if len(data) == SAID and data[:1] != b"{":
        step, number = (int.from_bytes(data[n : n + 4], "little", signed=True) for n in (0, 4))
        return {"kind": "gate", "step": step, "errno": number}
    if data == TERMINAL:
        return {"kind": "terminal"}
    from minidocker.spec.read_json import loads  # only a child with something to say costs this

    try:
        message = loads(data.decode("utf-8", "surrogatepass"))
        kind = message.get("kind")
        if all(isinstance(message[name], type_) for name, type_ in SAYS[kind].items()):
            return dict(message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    problem = "the child sent a message that is none of ours"
    return {"kind": "failed", "message": problem, "remedy": "", "status": 125, "trace": ""}
