"""A cluster of dask's: a worker that is killed loses nothing; another course is no verdict."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from minidocker.classroom import cluster
from minidocker.errors import Blocked

HERE = importlib.util.find_spec("distributed") is not None


class Future:
    """What a future of dask's says at its end."""

    def __init__(self, status: str, result: Any) -> None:
        self.status, self.told = status, result

    def result(self) -> Any:
        return self.told

    def exception(self) -> Any:
        return self.told


def test_a_verdict_of_other_checks_is_none() -> None:
    right = {"lessons": [], "seconds": 1.0}
    assert cluster._told(Future("finished", {**right, "course": "c"}), "c") == right
    assert "another course" in cluster._told(Future("finished", {**right, "course": "d"}), "c")["remark"]
    assert "gave it up: killed" in cluster._told(Future("error", OSError("killed")), "c")["remark"]


def test_what_it_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Blocked) as problem:
        list(cluster.work(iter([]), "tcp://127.0.0.1:1", "c", 1.0, lambda names: None))
    assert "minidocker[class]" in problem.value.remedy


@pytest.mark.skipif(not HERE, reason="blocked: no dask.distributed (pip install 'minidocker[class]')")
@pytest.mark.needs("root", "pidns")
def test_a_killed_worker_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])]))
    text = (root / "solutions/00_what_is_a_container.py").read_text()
    lesson = "00_what_is_a_container"
    jobs = [{"name": f"s{n}", "lessons": [lesson], "files": {lesson: {"text": text, "why": ""}}}
            for n in range(6)]  # fmt: skip
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as dask:
        pids = [one.pid for one in dask.workers.values()]

        def kill() -> None:
            time.sleep(1)
            os.kill(pids[0], signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        course = cluster.here([lesson])
        found = list(cluster.work(iter(jobs), dask.scheduler_address, course, 120, lambda names: None))
        thread.join()
    told = {job["name"]: answer for job, answer in found}
    assert len(found) == len(told) == 6
    assert not [answer for answer in told.values() if "remark" in answer]
    assert all(check["outcome"] in ("pass", "blocked")
               for answer in told.values() for check in answer["lessons"][0]["checks"])  # fmt: skip
