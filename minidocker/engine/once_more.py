"""Once more: a keeper whose command has ended starts it again, when its policy says so.

The keeper becomes the standby of the next run, and forks a new keeper. While it waits it is alone.
"""

from __future__ import annotations

import os
import select
import time

from minidocker.engine import backoff
from minidocker.kernel.flags import SIGCHLD
from minidocker.net import more
from minidocker.runtime import state, updated
from minidocker.runtime.watch import warn
from minidocker.spec.spec import Run

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.engine.kept import Kept
    from minidocker.runtime.signals import Signals

STOPPED = "stopped"  # a file: somebody has said that it shall not run
# Facts of the container's files, not of one run.
KEPT = ("times", "copied", "own parts", "own wrong")


def is_stopped(directory: str) -> bool:
    """Say whether somebody has stopped the container."""
    return os.path.exists(f"{directory}/{STOPPED}")


def mark_stopped(directory: str) -> None:
    """Say that it shall not be started again; a full disk must not keep it from being stopped."""
    try:
        os.close(os.open(f"{directory}/{STOPPED}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        pass


def is_unseen(record: dict[str, Any]) -> bool:
    """Say whether nobody has seen the end of one that is gone: its policy may want it back."""
    return record["status"] == "restarting" or record.get("exit_code") is None


def unmark(directory: str) -> None:
    """Forget that; harmless when done twice."""
    try:
        os.unlink(f"{directory}/{STOPPED}")
    except OSError:
        pass


def start_again(keeper: Kept, status: int) -> None:
    """Return when the container shall stay as it is; else this process keeps its next run."""
    run = keeper.run
    policy = updated.policy(run.directory, run.spec.restart)
    ran, stopped = time.monotonic() - keeper.began, is_stopped(run.directory)
    again = backoff.wanted(policy, status, stopped, keeper.starts)
    wait = backoff.delay(keeper.waited, ran) if again else None
    if policy and run.own:
        from minidocker.engine import own_keeping

        keeper.lives.append((ran, status, stopped))
        wait = own_keeping.decision(run, keeper.lives, policy, wait)
        keeper.note_end()  # with what theirs did not do
    if wait is None:
        return
    keeper.undo(keep=True)
    keeper.main = 0
    keeper.tell_other("again")
    keeper.notes["waited"] = keeper.waited = wait
    keeper.notes["restarts"] = keeper.starts = keeper.starts + 1
    try:
        state.save(run, "restarting", **keeper.notes)
    except Exception as problem:
        warn(str(problem))
    if sleep(keeper.signals, keeper.waited) and not is_stopped(run.directory):
        keeper.next_life()
    keeper.note_end()
    keeper.leave()


def next_run(run: Run) -> Run:
    """Return the run that follows: what is of the container's files stays, and its networks."""
    facts = {name: fact for name, fact in run.facts.items() if name in KEPT}
    following = Run(id=run.id, directory=run.directory, root=run.root, spec=run.spec, facts=facts,
                    own=run.own)  # fmt: skip
    more.settle(following)
    return following


def sleep(signals: Signals, seconds: float) -> bool:
    """Wait; False when a signal has come meanwhile: who stops us sends one."""
    poll = select.poll()
    poll.register(signals.fd, select.POLLIN)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if poll.poll(left * 1000) and signals.take() != SIGCHLD:
            return False
    return True
