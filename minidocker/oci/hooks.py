"""Hooks: programs of the caller's, run at six moments, with the container's state on stdin.

runtime-spec, config.md, "POSIX-platform Hooks". Where each runs: docs/oci.md.
"""

from __future__ import annotations

import os
import select

from minidocker.errors import MinidockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Hook


def run(
    kernel: Kernel, hooks: Sequence[Hook], kind: str, state: str, mask: set[int]
) -> None:
    """Run each hook in order; the first that fails ends this with an error that names it.

    `mask` is the set of blocked signals that a hook shall have. Here no import may happen: in the
    child, the root may be another one.
    """
    for place, hook in enumerate(hooks):
        await_end(start(kernel, hook, state, mask), hook, f"{kind} hook #{place}")


def await_end(pid: int, hook: Hook, what: str) -> None:
    """Wait for one hook; an error that names it when it fails, or takes too long."""
    status = wait(pid, hook.timeout)
    if status is None:
        raise MinidockerError(
            f"error running {what}: {hook.path}: it took more than {hook.timeout} s and was killed",
            "a larger timeout in config.json",
        )
    if status:
        raise MinidockerError(
            f"error running {what}: {hook.path}: {ending(status)}", "see what it wrote above"
        )


def paper(state: str) -> int:
    """Return a file in memory with the state, so that nobody waits for it to be read."""
    given = os.memfd_create("state", os.MFD_CLOEXEC)
    os.write(given, state.encode())
    os.lseek(given, 0, os.SEEK_SET)
    return given


def ending(status: int) -> str:
    """Say how a hook ended, as Go's programs do."""
    number = status & 0x7F
    if not number:
        return f"exit status {status >> 8}"
    import signal

    return f"signal: {(signal.strsignal(number) or str(number)).lower()}"


def start(kernel: Kernel, hook: Hook, state: str, mask: set[int]) -> int:
    """Start one hook, with the state on its standard input."""
    given = paper(state)
    pid = os.fork()
    if pid:
        os.close(given)
        return pid
    try:
        kernel.setsid()
        kernel.default_signals({13, 17, 25})
        kernel.sigprocmask(mask)
        os.dup2(given, 0)
        os.dup2(2, 1)  # what a hook says goes where our own messages go
        said = [*os.environ.items()] if hook.env is None else pairs(hook.env)
        env = dict(said)
        os.execve(hook.path, hook.args, env)
    except OSError as problem:
        os.write(2, f"{hook.path}: {problem.strerror}\n".encode())
    finally:
        os._exit(127)


def pairs(env: list[str]) -> list[tuple[str, str]]:
    """Take variables apart: "NAME=VALUE" → (NAME, VALUE)."""
    return [(name, value) for name, mark, value in (item.partition("=") for item in env) if mark]


LONGEST = (1 << 31) - 1  # milliseconds, 24 days: what poll(2) takes


def wait(pid: int, timeout: int | None) -> int | None:
    """Wait for a hook, so many seconds at most: its wait status; None for one that was killed."""
    door = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(door, select.POLLIN)
        if not poll.poll(None if timeout is None else min(timeout * 1000, LONGEST)):
            os.killpg(pid, 9)
            os.waitpid(pid, 0)
            return None
        return os.waitpid(pid, 0)[1]
    finally:
        os.close(door)
