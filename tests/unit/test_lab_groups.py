"""The notebook's cgroups and %%needs: what they make is theirs, and goes away again."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from minidocker.lab import elsewhere
from minidocker.proc import cgroups


def test_needs_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*names: str) -> list[str]:
        return [f"{gap.title}: {gap.seen}; {gap.fix}" for gap in elsewhere.gaps([*names])]

    assert told() == []
    assert told("warp") == ["warp: the doctor knows no feature 'warp'; minidocker doctor"]
    monkeypatch.setattr(elsewhere.cgroup_probe, "findings", lambda _: iter([
        elsewhere.Finding("cgroup2", "cgroup version 2", "ok", "here"),
        elsewhere.Finding("memory", "memory controller", "gap", "on version 1", "use the VM"),
    ]))  # fmt: skip
    assert told("cgroup2") == []
    assert told("cgroup2", "memory") == ["memory controller: on version 1; use the VM"]


SCRIPT = """
import os
from minidocker.lab.cgroups import cgroup

box = cgroup("box")
assert box.run("grep -c /box /proc/$$/cgroup") == "1"
sleeper = box.start("sleep 60")
assert box.pids() == [sleeper.starter]
assert os.getpid() not in box.pids()
deep = cgroup("one/two/three")
assert deep.pids() == [] and deep.path.endswith("/one/two/three")
assert cgroup("box").pids() == [], "a new one is empty"
try:
    box.write("no.such.file", "1")
except OSError as problem:
    print(os.path.dirname(box.path), type(problem).__name__)
"""


@pytest.mark.needs("root", "cgroup2")
def test_cgroups_of_a_notebook_go_with_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    path, kind = done.stdout.split()
    assert kind == "KernelError"
    assert path.startswith(cgroups.home()[0])
    end = time.monotonic() + 10
    while os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.02)
    assert not os.path.exists(path)
