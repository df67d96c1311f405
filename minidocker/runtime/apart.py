"""Apart: a function of the learner's, called in a child process of its own, and its answer read.

    our process ─ note ─ fork ─► own mount namespace, nothing open but 0, 1, 2 and a pipe
                 ◄─── JSON ──── function(*args)

So what it opens, changes in itself or forgets ends with it, and a mount that it makes is nobody
else's. It runs with our rights on files: it is the user's own code.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time

from minidocker.errors import MinidockerError, UsageError
from minidocker.kernel.flags import CLONE_NEWNS, MS_PRIVATE, MS_REC, PR_SET_PDEATHSIG, SIGKILL
from minidocker.kernel.linux import Linux
from minidocker.runtime import used
from minidocker.runtime.adopt import load, own_frames

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

LONGEST = 1 << 20  # bytes of an answer


class Own:
    """One function of the learner's: its name, and the file that it is in."""

    def __init__(
        self, name: str, file: str, function: Callable[..., Any] | None = None
    ) -> None:
        self.name, self.file = name, file
        self._function = function

    def function(self) -> Callable[..., Any]:
        """Return it, loaded at the first call; UsageError where the file does not load."""
        if self._function is None:
            self._function = load(self.file).get(self.name)
        if not callable(self._function):
            raise UsageError(f"{self.file} defines no function {self.name}", "minidocker grade")
        return self._function

    def value(self) -> Any:
        """Return what the name stands for, where it is no function: loaded in a child process."""
        return Own(self.name, self.file, lambda: load(self.file).get(self.name))()

    def __call__(
        self, *args: Any, keep: frozenset[int] = frozenset(), seconds: float | None = None
    ) -> Any:
        """Call it in a child process; return its answer, read as JSON.

        keep: descriptors among the arguments, which stay open there. seconds: how long it may take.
        MinidockerError, with the lines of the learner's file, for whatever it raises.
        """
        used.note(self.name, self.file)
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            self.answer(parent, write, args, keep)
        os.close(write)
        end = os.pidfd_open(pid)
        try:
            data = told(read, end, seconds)
        finally:
            for kill in (os.kill, os.killpg):  # after Ctrl-C, too: nothing of it is to go on
                with contextlib.suppress(ProcessLookupError):
                    kill(pid, SIGKILL)
            _, status = os.waitpid(pid, 0)
            os.close(read)
            os.close(end)
        return self._read(data, status)

    def ended(self, pid: int, read: int) -> MinidockerError | None:
        """End a process that answers into a pipe, which is closed; return what it has raised.

        Its parent is still to reap it.
        """
        for kill in (os.kill, os.killpg):
            with contextlib.suppress(ProcessLookupError):
                kill(pid, SIGKILL)
        os.set_blocking(read, False)
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(read, 1 << 16)
        os.close(read)
        try:
            if data.startswith(b'{"raised"'):
                self._read(data, 0)
        except MinidockerError as problem:
            return problem
        return None

    def answer(
        self, parent: int, write: int, args: tuple[Any, ...], keep: frozenset[int]
    ) -> NoReturn:
        """Call the function, tell its answer, and end, whatever it does."""
        try:
            kernel = Linux()
            kernel.prctl(PR_SET_PDEATHSIG, SIGKILL)
            if os.getppid() != parent:
                os._exit(125)
            used.end()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # our handlers are not its business
            os.setsid()  # what it leaves behind is found by that, and ended
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(2, 1)  # what it prints is for people; standard output is for programs
            sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)
            kernel.close_all_but({0, 1, 2, write, *keep})
            if not os.geteuid():
                kernel.unshare(CLONE_NEWNS)
                kernel.mount("none", "/", "", MS_REC | MS_PRIVATE, "")
            function = self.function()
            try:
                answer = {"answer": function(*args)}
                data = json.dumps(answer).encode()
            except BaseException as problem:
                frames = own_frames(problem, [os.path.abspath(self.file)])
                data = json.dumps({"raised": frames}).encode()
            while data:
                data = data[os.write(write, data) :]
        except BaseException as problem:
            os.write(2, f"minidocker: {self.name}: {problem}\n".encode(errors="replace"))
        finally:
            os._exit(0)

    def _read(self, data: bytes, status: int) -> Any:
        """Return the answer in what the child has told; MinidockerError where there is none."""
        try:
            told = json.loads(data) if len(data) <= LONGEST else {}
        except (ValueError, RecursionError):
            told = {}
        if isinstance(told, dict) and "answer" in told:
            return told["answer"]
        frames = str(told.get("raised", "")) if isinstance(told, dict) else ""
        last = frames.strip().rpartition("\n")[2] or f"it gave no answer (status {status})"
        again = f"minidocker grade {self.name}"
        raise MinidockerError(
            f"your {self.name} in {self.file}: {last}",
            f"{frames.rstrip()}\n{again}" if frames else again,
        )


def told(read: int, end: int, seconds: float | None = None) -> bytes:
    """Return what comes through a pipe until the process of the pidfd `end` has ended.

    A process that it has left behind may hold the pipe: nobody waits for that one.
    """
    data = b""
    last = None if seconds is None else time.monotonic() + seconds
    while len(data) <= LONGEST:
        left = None if last is None else max(0, last - time.monotonic())
        ready, _, _ = select.select([read, end], [], [], left)
        piece = os.read(read, 1 << 16) if read in ready else b""
        data += piece
        if not piece:
            break
    return data
