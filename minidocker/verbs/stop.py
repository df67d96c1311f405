"""`minidocker stop`: a signal, some patience, then SIGKILL."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import Any

from minidocker.errors import Blocked
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.plan.notes import signal_number
from minidocker.runtime import state
from minidocker.stages import STAGES
from minidocker.verbs.parser import make

PATIENCE = 10  # seconds, as Docker's
STEP = 0.05


def main(argv: list[str]) -> int:
    """Stop containers; print the name of each; return the exit status."""
    parser = make(
        "stop",
        "End containers: their stop signal first (run's --stop-signal, or the image's; else\n"
        "SIGTERM), and SIGKILL for those that still run after the timeout.",
    )
    parser.add_argument("-s", "--signal", default="", help="this signal instead")
    parser.add_argument(
        "-t", "--timeout", "--time", type=int, default=None, metavar="SECONDS",
        help="10, or what --stop-timeout of run said; -1 waits for ever",
    )  # fmt: skip
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    args = parser.parse_args(argv)
    for name in args.names:
        stop(state.find(Store().root, name), args.signal, args.timeout)
        print(name)
    return 0


def stop(record: dict[str, Any], word: str, timeout: int | None) -> None:
    """End one container; one that has ended already is fine, as in Docker."""
    if not record["alive"] or record.get("status") != "running":
        return
    spec = record["spec"]
    number = signal_number(word) if word else spec.get("stop_signal") or signal.SIGTERM
    said = spec.get("stop_timeout")
    patience = timeout if timeout is not None else PATIENCE if said is None else said
    owner = owner_of(record)
    if owner < 0:
        return
    try:
        # The runtime passes it on to the command: also where that is another user's, or PID 1's.
        send(owner, record, number)
        if not has_ended(owner, record, patience):
            kill(record, owner)
    finally:
        os.close(owner)


def owner_of(record: dict[str, Any]) -> int:
    """Open the process that has the container's lock: its child's parent; -1 when it is gone."""
    try:
        with open(f"/proc/{record['pid']}/stat", encoding="ascii", errors="replace") as stream:
            parent = int(stream.read().rpartition(")")[2].split()[1])
        fd = os.pidfd_open(parent)
    except OSError:
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
        raise Blocked(
            f"container {record['name'] or record['id']} is another user's", "sudo minidocker stop"
        ) from None


def has_ended(owner: int, record: dict[str, Any], patience: float) -> bool:
    """Wait until the runtime has ended; say whether it has. A negative patience is endless."""
    poll = select.poll()
    poll.register(owner, select.POLLIN)  # a pidfd can be read when its process has ended
    return bool(poll.poll(None if patience < 0 else patience * 1000))


def kill(record: dict[str, Any], owner: int) -> None:
    """Kill the container's first process, and all with it; the runtime then cleans up.

    Where that process is a subordinate user's, the runtime goes, and takes it along.
    """
    try:
        os.kill(record["pid"], signal.SIGKILL)
    except PermissionError:
        send(owner, record, signal.SIGKILL)
    except ProcessLookupError:
        pass
    has_ended(owner, record, PATIENCE)
    end = time.monotonic() + PATIENCE
    while state.is_alive(record["directory"]) and time.monotonic() < end:
        time.sleep(STEP)
    if os.path.isdir(record["directory"]) and record["spec"].get("remove"):
        state.clean_up(record, STAGES, Linux())
