"""Inside: a command in the exam's room, started by who judges; words and status are its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from minidocker.chamber import zygote
from minidocker.exam.yard import OPT, SEARCH, STORE, Yard
from minidocker.kernel import flags as f

MOST = 1 << 18  # bytes that are kept of what a command says
GRACE = 0.5  # seconds for what still comes when the command has ended
NO_ANSWER = 124


@dataclass(slots=True)
class Said:
    """What a command said, and how it ended; 124 when it did not within its time."""

    words: tuple[str, ...]
    status: int
    out: str
    err: str

    def last_words(self) -> str:
        """Return what it complained of: its stderr, without what is no error."""
        lines = [line for line in self.err.splitlines() if "level=warning" not in line]
        return "\n".join(lines)[-2000:] or self.out[-500:]


def run(yard: Yard, words: Sequence[str], given: str = "", seconds: float = 180) -> Said:
    """Run a command in the room; bounded in time, and in what it may say."""
    pipes = [os.pipe() for _ in range(3)]
    pid = os.fork()
    if pid == 0:
        _enter(yard, [pipes[0][0], pipes[1][1], pipes[2][1]], words)
    for fd in (pipes[0][0], pipes[1][1], pipes[2][1]):
        os.close(fd)
    try:
        with contextlib.suppress(BrokenPipeError):
            os.write(pipes[0][1], given.encode())
        os.close(pipes[0][1])
        out, err, in_time = _read([pipes[1][0], pipes[2][0]], pid, seconds)
        _, status = os.waitpid(pid, 0)
        pid = 0
    finally:
        if pid:
            os.kill(pid, f.SIGKILL)
            os.waitpid(pid, 0)
        for fd in (pipes[1][0], pipes[2][0]):
            os.close(fd)
    code = os.waitstatus_to_exitcode(status)
    code = code if code >= 0 else 128 - code
    return Said(tuple(words), code if in_time else NO_ANSWER, out, err)


def _read(fds: list[int], pid: int, seconds: float) -> tuple[str, str, bool]:
    """Read both pipes until the command has ended, and a moment longer; kill it when it is late."""
    found: dict[int, bytes] = dict.fromkeys(fds, b"")
    open_ones, ended, in_time = set(fds), os.pidfd_open(pid), True
    until = time.monotonic() + seconds
    over = False
    while open_ones or not over:
        left = until - time.monotonic()
        if left <= 0:
            if not over:
                os.kill(pid, f.SIGKILL)
                in_time = False
            break
        ready, _, _ = select.select([*open_ones, *([] if over else [ended])], [], [], left)
        for fd in ready:
            if fd == ended:
                over, until = True, min(until, time.monotonic() + GRACE)
                continue
            data = os.read(fd, 1 << 16)
            if not data:
                open_ones.discard(fd)
            found[fd] = (found[fd] + data)[:MOST]
    os.close(ended)
    out, err = (found[fd].decode(errors="replace") for fd in fds)
    return out, err, in_time


def _enter(yard: Yard, streams: list[int], words: Sequence[str]) -> NoReturn:
    """Enter the inner half, and be the parent of the command, whom nobody in there sees."""
    status = 126
    try:
        yard.kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        inner = os.pidfd_open(yard.inner)
        yard.kernel.setns(inner, zygote.NAMESPACES | f.CLONE_NEWUSER)
        yard.kernel.close_all_but({0, 1, 2})
        yard.kernel.setgroups([])
        yard.kernel.setresgid(0, 0, 0)
        yard.kernel.setresuid(0, 0, 0)
        yard.kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
        # The next one is seen in there, with our memory until its exec: nobody may look into it.
        yard.kernel.prctl(f.PR_SET_DUMPABLE, 0)
        child = os.fork()
        if child == 0:
            _exec(words)
        for fd in (0, 1, 2):
            os.close(fd)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = code if code >= 0 else 128 - code
    except BaseException as problem:
        with contextlib.suppress(OSError):
            os.write(2, f"minidocker exam: {problem}\n".encode())
    finally:
        os._exit(status)


def _exec(words: Sequence[str]) -> NoReturn:
    """Become the command, with variables of the room's own."""
    try:
        os.setsid()
        os.chdir("/")
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        for one in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(one, signal.SIG_DFL)
        os.execvpe(words[0], list(words), {
            "PATH": SEARCH, "HOME": "/root", "LANG": "C.UTF-8", "TMPDIR": STORE,
            "CONTAINERS_CONF": f"{OPT}/containers.conf",
            "MINIDOCKER_ROOT": f"{STORE}/minidocker",
        })  # fmt: skip
    except BaseException as problem:
        os.write(2, f"{words[0]}: {problem}\n".encode())
    os._exit(127)
