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
        what = f"error running {kind} hook #{place}: {hook.path}"
        pid = start(kernel, hook, state, mask)
        status = wait(pid, hook.timeout)
        if status is None:
            raise MinidockerError(
                f"{what}: it took more than {hook.timeout} s and was killed",
                "a larger timeout in config.json",
            )
        if status:
            raise MinidockerError(f"{what}: {ending(status)}", "see what it wrote above")


def ending(status: int) -> str:
    """Say how a hook ended, as Go's programs do."""
    number = status & 0x7F
    if not number:
        return f"exit status {status >> 8}"
    import signal

    return f"signal: {(signal.strsignal(number) or str(number)).lower()}"


def start(kernel: Kernel, hook: Hook, state: str, mask: set[int]) -> int:
    """Start one hook: the state is a file in memory, so that nobody waits for it to be read."""
    given = os.memfd_create("state", os.MFD_CLOEXEC)
    os.write(given, state.encode())
    os.lseek(given, 0, os.SEEK_SET)
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
        env = dict(item.split("=", 1) for item in hook.env if "=" in item)
        os.execve(hook.path, hook.args, env)
    except OSError as problem:
        os.write(2, f"{hook.path}: {problem.strerror}\n".encode())
    finally:
        os._exit(127)


def wait(pid: int, timeout: int | None) -> int | None:
    """Wait for a hook, so many seconds at most: its wait status; None for one that was killed."""
    door = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(door, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            os.killpg(pid, 9)
            os.waitpid(pid, 0)
            return None
        return os.waitpid(pid, 0)[1]
    finally:
        os.close(door)
