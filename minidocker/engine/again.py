"""Start a container whose record is there: one that was created, or that has ended.

All comes from the record, as if it were typed again: names resolve anew, addresses are new ones.
Its files are those that it left.
"""

from __future__ import annotations

import os
from typing import Any

from minidocker.engine import alone
from minidocker.engine.once_more import next_run, unmark
from minidocker.errors import Conflict, MinidockerError, UsageError
from minidocker.kernel.linux import Linux
from minidocker.runtime import state
from minidocker.spec import restored
from minidocker.spec.spec import Run
from minidocker.stages import STAGES, by_name


def start(record: dict[str, Any], starts: int = 0, waited: float = 0.0) -> None:
    """Start it, and return when its command runs; one that runs already is fine, as in Docker.

    `starts`, `waited`: how often its policy has started it, and after what wait, where that does.
    """
    if record["alive"]:
        return
    refuse_what_cannot(record)
    lock = taken(record)
    kernel = Linux()
    try:
        state.undo(state.run_of(record), [stage() for stage in STAGES], kernel)
        run = next_run(Run(
            id=record["id"], directory=record["directory"], root=record["root"],
            spec=restored.spec(record["spec"]), facts=record["facts"],
        ))  # fmt: skip
        run.spec.detached = True
    except BaseException:
        os.close(lock)
        raise
    unmark(run.directory)
    stages = [by_name(name)() for name in run.spec.stages]
    alone.start(run, stages, kernel, lock, None, True, starts, waited)


def refuse_what_cannot(record: dict[str, Any]) -> None:
    """Refuse a record that says too little to start by."""
    name = record["name"] or record["id"]
    if not record.get("spec") or "root" not in record:
        raise Conflict(f"the start of {name} was cut off", f"minidocker rm {name}")
    if record["facts"].get("own parts"):
        raise UsageError(
            f"{name} ran with a learner's own parts, and they are not kept with it",
            "minidocker run --mine …   again", 125,
        )  # fmt: skip
    spec = record["spec"]
    if spec.get("init") or str((spec.get("sharing") or {}).get("pid", "")).startswith("container:"):
        from minidocker.runtime import readonly  # others will see us in their /proc

        readonly.ensure(Linux())


def taken(record: dict[str, Any]) -> int:
    """Take the container's lock; Conflict where another command has been quicker."""
    name = record["name"] or record["id"]
    try:
        lock = state.try_lock(record["directory"])
    except FileNotFoundError:
        lock = None
    if lock is None:
        raise Conflict(f"another command starts or removes {name} just now", "minidocker ps -a")
    if not os.fstat(lock).st_nlink:  # it was removed while we waited for it
        os.close(lock)
        raise Conflict(f"another command has just removed {name}", "minidocker ps -a")
    if os.fstatvfs(lock).f_flag & os.ST_RDONLY:
        os.close(lock)
        raise MinidockerError(
            f"{name} cannot be kept on {record['directory']}: Read-only file system",
            "mount -o remount,rw …",
        )
    return lock
