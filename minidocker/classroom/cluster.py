"""`class grade --scheduler ADDRESS`: the same judging on an existing dask.distributed cluster.

The scheduler hands each submission to a worker on some machine, which starts a judge of its own
(judges.py) and ends it. A worker that is killed loses nothing: another gets its submissions.
Every machine must have this course: a verdict says by which checks it was reached, and is refused
when these are not ours. Nothing of dask is in the core: pip install 'minidocker[class]'.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from typing import Any

from minidocker.classroom import records
from minidocker.classroom.judges import Job, Judge
from minidocker.course.manifest import load
from minidocker.errors import Blocked, MinidockerError

PATIENCE = "30s"
AHEAD = 2  # submissions a thread of the cluster that are sent at once: the rest stays here


def work(
    jobs: Iterator[Job], address: str, course: str, seconds: float,
    busy: Callable[[list[str]], None],
) -> Iterator[tuple[Job, dict[str, Any]]]:  # fmt: skip
    """Judge jobs on a cluster; yield (job, verdict), or {"remark"} where there is none."""
    try:
        from distributed import Client, wait
    except ImportError:
        raise Blocked("--scheduler needs dask.distributed", "pip install 'minidocker[class]'", 2
                      ) from None  # fmt: skip
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as problem:
        raise MinidockerError(f"no scheduler answers at {address}: {problem}",
                              "dask scheduler; dask worker ADDRESS", 2) from None  # fmt: skip
    with client:
        waiting: dict[Any, Job] = {}
        more = True
        while more or waiting:
            threads = sum(client.nthreads().values()) or 1
            while more and len(waiting) < AHEAD * threads:
                job = next(jobs, None)
                if job is None:
                    more = False
                    break
                words = ("name", "lessons", "files", "variants")
                sent = {name: job[name] for name in words if name in job}
                future = client.submit(judge_one, sent, seconds, pure=False, retries=0)
                waiting[future] = job
            busy([job["name"] for job in waiting.values()])
            if not waiting:
                continue
            try:
                done = wait(list(waiting), timeout=1, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                continue
            for future in done:
                yield waiting.pop(future), _told(future, course)


def _told(future: Any, course: str) -> dict[str, Any]:
    """Return a future's verdict; one of other checks than ours is none."""
    if future.status != "finished":
        return {"remark": f"the cluster gave it up: {future.exception()}"[:300]}
    told: dict[str, Any] = future.result()
    if told.pop("course", "") != course:
        return {"remark": "a machine of the cluster has another course than this one"}
    return told


def judge_one(job: Job, seconds: float) -> dict[str, Any]:
    """Judge one submission on the machine where this runs: called by dask's worker there."""
    until = time.monotonic() + seconds
    judge = Judge()
    try:
        judge.give(job, seconds)
        while time.monotonic() < until:
            if select.select([judge.out], [], [], 1)[0] and (told := judge.read()) is not None:
                return {**told, "course": here(job["lessons"])}
    except (EOFError, ValueError):
        how = judge.end()
        return {"remark": f"its judge ended ({how})", "course": here(job["lessons"])}
    finally:
        if judge.process.returncode is None:
            judge.end()
    return {"remark": f"it took more than {seconds:.0f} s in all", "course": here(job["lessons"])}


def here(lessons: list[str]) -> str:
    """Return the digest of the course of this machine."""
    from minidocker.chamber.cell_needs import PACKAGE

    manifest = load(os.environ.get("MINIDOCKER_COURSE") or PACKAGE.parent)
    return records.course_digest(manifest, [manifest.lesson(one) for one in lessons], "chamber")
