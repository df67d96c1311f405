"""The scene in which the kernel refuses a call: does the function say so, or go on in silence?

Played in a cell, as the scenes of the checks are (cell_init.py).
"""

from __future__ import annotations

import os
import signal
import time
from errno import EPERM
from types import SimpleNamespace
from typing import Any

from minidocker.errors import KernelError
from minidocker.kernel import flags as f

MOST = 12  # the first, the second, … call of one name is refused, each in a process of its own
SECONDS = 1.5
"""So long may the function sleep: who waits for a child that was refused something is not judged.
Only sleep counts: who wants the processor of a busy machine is waited for."""
CAME_OUT, SILENT, NOT_ASKED = 80, 81, 82
REPLACED = ("mount_setattr",)
"""Older kernels lack it: a function may go on with another call instead."""
CHILD = "child()"
"""As an argument: a function that never returns."""


class Refusing:
    """A kernel that refuses one call of one name, and does all others; `asked` counts these.

    silent: whether that call was refused, and nothing else done in its place.
    """

    def __init__(self, kernel: Any, word: str, number: int, pretended: list[str]) -> None:
        self.kernel, self.word, self.number, self.pretended = kernel, word, number, pretended
        self.asked = 0
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            self.silent &= self.word not in REPLACED
            if name == self.word:
                self.asked += 1
                if self.asked == self.number:
                    self.silent = True
                    raise KernelError(f"{name}(2)", EPERM)
            return None if name in self.pretended else getattr(self.kernel, name)(*args, **named)

        return call


def act_refused(
    learner: Any, kernel: Any, talk: Any, function: str, args: list[Any], words: list[str],
    pretended: list[str],
) -> None:  # fmt: skip
    """Call a function while each of its calls is refused in turn; say what was passed over.

    args: what stands after `kernel`; a path below /tmp is made, {…} becomes an object with such
    attributes. pretended: calls that do nothing.
    """
    work = getattr(learner, function)
    for path in (one for one in args if isinstance(one, str) and one.startswith("/tmp/")):
        for name in ("dev/shm", "proc", "etc"):
            os.makedirs(f"{path}/{name}", exist_ok=True)
    silent = []
    for word in words:
        for number in range(1, MOST):
            talk.step(f"{function}(…), while the kernel refuses {word}")
            pid = os.fork()
            if pid == 0:
                refusing = Refusing(kernel, word, number, pretended)
                alone(kernel, refusing, work, args)
            end = os.waitstatus_to_exitcode(status_of(pid))
            if end == SILENT:
                silent.append(word)
            if end in (SILENT, NOT_ASKED, -signal.SIGKILL):
                break
    talk.ask("results", silent=silent)


def status_of(pid: int) -> int:
    """Wait for a child and return its raw status; kill it when it has slept for too long."""
    still, before = 0.0, time.monotonic()
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.002)
        now = time.monotonic()
        with open(f"/proc/{pid}/stat") as file:
            sleeps = file.read().rpartition(")")[2].split()[0] == "S"
        still, before = (still + min(now - before, 0.1) if sleeps else 0.0), now
        if still > SECONDS:
            os.kill(pid, signal.SIGKILL)


def alone(kernel: Any, refusing: Refusing, work: Any, args: list[Any]) -> None:
    """Call the function in this process, which ends by it: its status says what came of it."""
    try:
        kernel.unshare(f.CLONE_NEWNS)
        kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
        work(refusing, *map(given, args))
        if refusing.asked < refusing.number:
            os._exit(NOT_ASKED)
        os._exit(SILENT if refusing.silent else CAME_OUT)
    except BaseException:
        os._exit(CAME_OUT)


def given(one: Any) -> Any:
    """Return an argument as the function is to have it."""
    if one == CHILD:
        return leave
    return SimpleNamespace(**one) if isinstance(one, dict) else one


def named(talk: Any, function: Any, *args: Any) -> None:
    """Let a function set a name of this machine, and say so; or that it tried it by a file.

    /proc/sys/kernel/hostname belongs to the first user namespace's root, and a cell has another.
    """
    try:
        function(*args)
    except PermissionError as problem:
        files = [name for name in ("hostname", "domainname") if f"kernel/{name}" in str(problem)]
        if not files:
            raise
        talk.ask("by hand", file=f"/proc/sys/kernel/{files[0]}", call=f"set{files[0]}(2)")
        return
    talk.ask("named")


def leave() -> None:
    """Stand for a child's work."""
    os._exit(CAME_OUT)
