"""Ending a container: a signal, some patience, SIGKILL; and waiting for its end.

A process is signalled by a pidfd, after a look at who it is: its number may have a new owner.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import Any

from minidocker.engine import freezing, keepers, once_more, told
from minidocker.engine.standing import exit_code
from minidocker.errors import Blocked, Conflict
from minidocker.kernel.linux import Linux
from minidocker.proc import lean, living
from minidocker.runtime import last_word, reading, state
from minidocker.stages import STAGES

PATIENCE = 10  # seconds, as Docker's
STEP = 0.01
MOST = 2**31 - 1  # milliseconds
LOOK = 0.2  # seconds between two looks whether a policy has started it again
LEFT = 1  # seconds: so long may one take to end that a learner's own `stop` has killed

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.runtime.apart import Own
ENDABLE = ("running", "paused", "restarting", "unreadable")


def main_of(record: dict[str, Any]) -> int:
    """Open the process that gets signals: the command, or in the foreground its runtime; −1: none.

    The runtime passes them on to the command: also where that is another user's.
    """
    if runs_alone(record):
        process = living.handle(living.written(record["directory"]))
        return process if process >= 0 else child_of_keepers(record)
    return owner_of(record)


def child_of_keepers(record: dict[str, Any]) -> int:
    """Open the command by the record, where its mark is lost: a child of a keeper's; -1: none."""
    pid = record.get("pid") or 0
    roles = (living.alive(str(record.get(role) or "")) for role in ("keeper", "standby"))
    try:
        process = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return -1
    if parent_of(pid) in {one for one in roles if one} and not has_ended(process, 0):
        return process
    os.close(process)
    return -1


def parent_of(pid: int) -> int:
    """Return the parent of a process; 0 where it has none, or is gone."""
    found = lean.fields(pid)
    return int(found[lean.PARENT - 3]) if found else 0


def runs_alone(record: dict[str, Any]) -> bool:
    """Say whether it was started with -d: also of one whose record cannot be read any more."""
    return bool(record.get("keeper") or living.lives(record["directory"]))


def owner_of(record: dict[str, Any]) -> int:
    """Open the process that has the container's lock: its child's parent; -1 when it is gone."""
    try:
        fd = os.pidfd_open(parent_of(record["pid"]))
    except (OSError, KeyError):
        return -1
    if not state.is_alive(record["directory"]):  # the numbers have new owners perhaps
        os.close(fd)
        return -1
    return fd


def send(process: int, record: dict[str, Any], number: int) -> None:
    """Send a signal by a pidfd: the process that we have looked at, or nobody."""
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        pass  # it has just ended
    except PermissionError:
        name = record["name"] or record["id"]
        raise Blocked(f"container {name} is another user's", "the same with sudo") from None


def has_ended(process: int, patience: float) -> bool:
    """Wait until a process has ended; say whether it has. A negative patience is endless.

    So is one of more milliseconds than poll(2) can be told: 24 days.
    """
    poll = select.poll()
    poll.register(process, select.POLLIN)  # a pidfd can be read when its process has ended
    return bool(poll.poll(patience * 1000 if 0 <= patience * 1000 <= MOST else None))


def stop(
    record: dict[str, Any], number: int | None, timeout: int | None, own: Own | None = None
) -> None:
    """End one container; one that has ended already is fine, as in Docker.

    own: a learner's `stop`, which asks and kills in our place. What it leaves alive we kill.
    """
    between = record.get("status") == "exited" and record.get("keeper")  # two starts of its policy
    if not record["alive"] or not (between or record.get("status") in ENDABLE):
        if not record["alive"] and record.get("keeper") and once_more.is_unseen(record):
            once_more.mark_stopped(record["directory"])  # or the next command would bring it back
        return
    once_more.mark_stopped(record["directory"])
    spec = record.get("spec") or {}
    said = spec.get("stop_timeout")
    patience = timeout if timeout is not None else PATIENCE if said is None else said
    process = main_of(record)
    if process >= 0:
        try:
            word = number or spec.get("stop_signal") or signal.SIGTERM
            told.tell(record, "kill", signal=str(int(word)))
            if own and word == signal.SIGTERM and patience >= 0:
                freezing.thaw(record)
                own(process, patience, keep=frozenset({process}))
                patience = LEFT
            else:
                send(process, record, word)
                freezing.thaw(record)
            if not has_ended(process, patience):
                kill_main(record, process)
        finally:
            os.close(process)
    settle(record)
    told.tell(record, "stop")


def kill(record: dict[str, Any], number: int) -> None:
    """Send a signal to the command of a container that runs; else Conflict.

    One that waits for its policy to start it again has none: it is not started any more.
    """
    process = main_of(record) if record["alive"] else -1
    if process < 0 and record["alive"] and record["status"] == "restarting":
        once_more.mark_stopped(record["directory"])
        return settle(record)
    if process < 0:
        name = record["name"] or record["id"]
        raise Conflict(
            f"container {name} is not running", "minidocker ps -a",
            docker=f"cannot kill container: {name}: Container {record['id']} is not running",
        )  # fmt: skip
    told.tell(record, "kill", signal=str(int(number)))
    try:
        if number == signal.SIGKILL:
            kill_main(record, process)
        else:
            word = (record.get("spec") or {}).get("stop_signal") or signal.SIGTERM
            if number == word and runs_alone(record):
                once_more.mark_stopped(record["directory"])  # as in Docker; another word is no end
            send(process, record, number)
    finally:
        os.close(process)


def kill_main(record: dict[str, Any], process: int) -> None:
    """Kill the container's first process, and all with it.

    In the foreground, where that process is a subordinate user's, the runtime goes, and takes it
    along.
    """
    if runs_alone(record):
        once_more.mark_stopped(record["directory"])
        send(process, record, signal.SIGKILL)
        return
    try:
        os.kill(record["pid"], signal.SIGKILL)
    except PermissionError:
        send(process, record, signal.SIGKILL)
    except ProcessLookupError:
        pass


def settle(record: dict[str, Any]) -> None:
    """Wait until who owns a container has noted its end and cleaned up; clean up where it can't.

    What its policy has started again meanwhile is ended, too: it had not seen yet that it shall
    not. A keeper that does not come to an end, since somebody has stopped it, is killed.
    """
    directory = record["directory"]
    if record.get("keeper") and not living.lives(directory):
        keepers.wake(record)  # one that waits to start it again does not see that it shall not
    start = time.monotonic()
    look = start + LOOK
    while state.is_alive(directory):
        now = time.monotonic()
        if now > start + PATIENCE:
            keepers.kill(as_now(record))
            break
        if now >= look and record.get("keeper"):
            look = now + LOOK
            hurry(record)
        time.sleep(STEP)
    if os.path.isdir(directory) and (record.get("spec") or {}).get("remove"):
        state.clean_up(record, STAGES, Linux())


def hurry(record: dict[str, Any]) -> None:
    """Kill the command of a container that somebody has stopped; wake a keeper that waits."""
    if not once_more.is_stopped(record["directory"]):
        return  # somebody starts it just now
    record = as_now(record)
    process = main_of(record)
    if process < 0:
        keepers.wake(record)
        return
    send(process, record, signal.SIGKILL)
    os.close(process)


def as_now(record: dict[str, Any]) -> dict[str, Any]:
    """Read a record again: with a policy, its command and its keepers may be other ones by now."""
    found = reading.one(os.path.dirname(os.path.dirname(record["directory"])), record["id"])
    return found or record


def remove(record: dict[str, Any], force: bool, volumes: bool) -> None:
    """Remove a container; a running one only by `force`, else Conflict."""
    if force and record["alive"]:
        once_more.mark_stopped(record["directory"])
        process = main_of(record)
        if process >= 0:
            try:
                kill_main(record, process)
                has_ended(process, PATIENCE)
            finally:
                os.close(process)
        settle(record)
        if not os.path.isdir(record["directory"]):
            return
    # Who has noted its end may still be at its cables: `start -a` has ended, and `rm` is next.
    ended = as_now(record).get("status") == "exited"
    end = time.monotonic() + (PATIENCE if force or ended else 0)
    while not state.clean_up(record, STAGES, Linux(), volumes):
        if not os.path.isdir(record["directory"]):
            return
        if time.monotonic() < end:  # another remover is at work on it
            time.sleep(STEP)
            continue
        name = record["name"] or record["id"]
        raise Conflict(
            f"container {name} is running", f"minidocker stop {name}   or: minidocker rm -f {name}",
            docker=f'cannot remove container "/{name}": container is running: stop the container '
            "before removing or force remove",
        )  # fmt: skip


def wait(record: dict[str, Any]) -> int | None:
    """Wait until a container's command has ended; its status, None where nobody saw the end."""
    directory = record["directory"]
    if not record["alive"]:
        return record.get("exit_code") if record.get("status") == "exited" else 0
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        lock = os.open(f"{directory}/lock", flags)  # read when it is gone, too
    except OSError:
        return None
    try:
        process = main_of(record)
        if process >= 0:
            has_ended(process, -1)
            os.close(process)
        start = time.monotonic()
        end, look = start + PATIENCE, start + LOOK
        while (status := last_word.heard(lock)) is None and time.monotonic() < end:
            if not os.path.isdir(directory) or not state.is_alive(directory):
                status = last_word.heard(lock)
                break
            if time.monotonic() >= look:
                keepers.go_on(as_now(record))  # one that somebody has stopped tells nothing
                look += LOOK
            time.sleep(STEP)
        return status if status is not None else recorded(record)
    finally:
        os.close(lock)


def recorded(record: dict[str, Any]) -> int | None:
    """Return the status that a container in the foreground has left in its record.

    One that was only being made at our first look may have had keepers, and nobody saw its end.
    """
    if record.get("keeper"):
        return None
    found = reading.one(os.path.dirname(os.path.dirname(record["directory"])), record["id"])
    return exit_code(found) if found and found["status"] == "exited" else None
