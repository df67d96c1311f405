"""Revival: a container whose two keepers were killed, and whose command runs on, gets a new one.

The command is no child of ours any more: its end can be seen, by a pidfd, but not its status. Its
outputs are found again behind its descriptors; its terminal is lost with those who held it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from time import time
from typing import Any

from minidocker.engine import backoff, freezing, keepers, once_more
from minidocker.engine.disk_look import DiskLook
from minidocker.engine.leaving import leave
from minidocker.engine.log_file import LOG, LogFile
from minidocker.engine.pump import Pump
from minidocker.engine.streams import found_again
from minidocker.errors import MinidockerError
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.proc import living
from minidocker.runtime import healthy, reading, state
from minidocker.spec import logging
from minidocker.stages import STAGES


def find(store: Store, name: str) -> dict[str, Any]:
    """Return a container's record, as reading.find does; one without a keeper gets one first."""
    record = reading.find(store.root, name)
    revive(record)
    return as_it_is(record)


def records(store: Store) -> Iterator[dict[str, Any]]:
    """Yield each container's record, as reading.records does; each that lives has a keeper."""
    for record in reading.records(store.root):
        revive(record)
        if should_run(record):
            record = restored(store, record)
        yield as_it_is(record)


def should_run(record: dict[str, Any], reboot: bool = False) -> bool:
    """Say whether a policy wants a container to run that nobody keeps: its keepers were killed.

    After a `reboot`, "always" means also one that somebody has stopped, as in Docker.
    """
    policy = (record.get("spec") or {}).get("restart")
    if record["alive"] or not policy or not record.get("keeper"):
        return False
    stopped = once_more.is_stopped(record["directory"])
    if reboot and policy["Name"] == "always":
        return True
    count = started_again(record) - 1
    code = record.get("exit_code") if record["status"] == "exited" else None
    return (once_more.is_unseen(record) or reboot) and backoff.wanted(policy, code, stopped, count)


def started_again(record: dict[str, Any]) -> int:
    """Return the number of the next start by a policy; one that waits for it has counted it."""
    return int(record.get("restarts") or 0) + int(record["status"] != "restarting")


def waited(record: dict[str, Any]) -> float:
    """Return the wait before its last start, which the next one doubles; 0 where it was healthy."""
    times = record["facts"].get("times")
    began = times.get("running") if isinstance(times, dict) else None
    long = not isinstance(began, float) or time() - began >= backoff.HEALTHY
    return 0.0 if long else float(record.get("waited") or 0)


def restored(store: Store, record: dict[str, Any]) -> dict[str, Any]:
    """Start such a container; one that cannot be started is said, and stays as it is."""
    try:
        from minidocker.engine import again  # all that a start needs: most looks start nothing

        again.start(record, started_again(record), waited(record))
        return reading.find(store.root, record["id"])
    except MinidockerError as problem:
        name = record["name"] or record["id"]
        sys.stderr.write(f"minidocker: {name} should run, and does not: {problem.message}\n")
        return record


def as_it_is(record: dict[str, Any]) -> dict[str, Any]:
    """Say "paused" where the kernel does: it is nowhere else written down."""
    if record["alive"] and record["status"] == "running" and freezing.is_frozen(record):
        record["status"] = "paused"
    return record


def revive(record: dict[str, Any]) -> None:
    """Start a keeper for a container that lives without one; else do nothing."""
    directory = record["directory"]
    if not (record["alive"] and record.get("keeper")):
        return
    try:
        lock = state.take_lock(directory)
    except OSError:
        return  # it is gone, or another user's
    if lock is None:
        return keepers.go_on(record)  # it has one
    process = living.handle(living.written(directory))
    if process < 0:  # it has just ended
        os.close(lock)
        return
    if os.fork() == 0:
        try:
            Revived(record, lock, process).keep()
        finally:
            os._exit(0)
    os.close(lock)
    os.close(process)


class Revived:
    """A keeper that came later. It holds the lock from its first moment: it was born with it."""

    def __init__(self, record: dict[str, Any], lock: int, process: int) -> None:
        self.record = record
        self.lock = lock
        self.process = process
        self.poll = select.poll()
        limits = record["spec"].get("log") or logging.limits(())
        log = LogFile(f"{record['directory']}/{LOG}", limits["size"], limits["files"])
        self.pump = Pump(log, self.poll)

    def keep(self) -> None:
        """Pump until the command has ended; then clean up."""
        os.setsid()
        leave()
        Linux().close_all_but({0, 1, 2, self.lock, self.process})  # the caller's are the caller's
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.chdir("/")
        for fd, name in found_again(self.record["pid"], self.record.get("streams") or []).items():
            self.pump.add(fd, name)
        self.poll.register(self.process, select.POLLIN)
        healthy.give_up(self.record["directory"])
        disk = DiskLook(self.record["directory"])
        disk.begin(bool((self.record["spec"].get("root") or {}).get("layers")))
        ended = False
        while not ended:
            for fd, _ in self.poll.poll(disk.time_left()):
                if fd in self.pump.streams:
                    self.pump.serve(fd)
                ended = ended or fd == self.process
            if disk.is_full():
                signal.pidfd_send_signal(self.process, signal.SIGKILL)
        self.pump.drain()
        self.clean_up()

    def clean_up(self) -> None:
        """Undo the stages from the record; with --rm nothing stays."""
        run = state.run_of(self.record)
        state.undo(run, [stage() for stage in STAGES], Linux())
        if self.record["spec"].get("remove"):
            state.forget(run, self.record)
