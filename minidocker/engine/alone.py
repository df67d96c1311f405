"""Start a container that runs alone, and wait until its command does."""

from __future__ import annotations

import os

from minidocker.engine.keeper import Keeper
from minidocker.errors import MinidockerError, StageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


def start(
    run: Run, stages: Sequence[Stage], kernel: Kernel, lock: int, teller: Teller | None,
    keep: bool = False, starts: int = 0, waited: float = 0.0,
) -> None:  # fmt: skip
    """Fork the container's two keepers; return when its command runs, or raise why it does not.

    They take the lock along: it is free when both have ended. `keep`: what was there before stays,
    also when the command cannot be run. `starts`: how often its policy has started it; `waited`:
    after what wait the last time.
    """
    load()
    hear, say = os.pipe()
    if os.fork() == 0:
        try:
            os.close(hear)
            keeper = Keeper(run, stages, kernel, lock, say, teller)
            keeper.keeps, keeper.starts, keeper.waited = keep, starts, waited
            keeper.stand_by()
        except BaseException as problem:
            os.write(2, f"minidocker: the keeper has failed: {problem!r}\n".encode())
        finally:
            os._exit(125)
    os.close(say)
    os.close(lock)
    try:
        said = first_line(hear)
    finally:
        os.close(hear)
    if said != b"{}":
        raise reported(said)


def load() -> None:
    """Import what the keepers may need later: the files may be other ones by then, or gone."""
    from minidocker.kernel import linux  # noqa: F401
    from minidocker.net import leases, more, networks, rules  # noqa: F401
    from minidocker.runtime import rootless  # noqa: F401
    from minidocker.volumes import store  # noqa: F401


def first_line(fd: int) -> bytes:
    """Read up to the first line's end, or to the end of all that is said."""
    said = b""
    while not said.endswith(b"\n") and (data := os.read(fd, 65536)):
        said += data
    return said.rstrip(b"\n")


def reported(said: bytes) -> MinidockerError:
    """Rebuild the error that a keeper told of."""
    if not said:
        return MinidockerError("both of its keepers were killed while it started",
                               "minidocker ps -a   (or: minidocker prune)")  # fmt: skip
    import json

    message = json.loads(said)
    problem = StageError(message["message"], "", message["remedy"], message["trace"])
    problem.status, problem.docker = message["status"], message["docker"]
    return problem
