"""`minidocker bench`, the real command: the shape of what it says, and that nothing stays."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from minidocker import bench

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "busybox")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which the bench works below tmp_path; no cgroup may stay."""
    before = cgroups()
    yield {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    assert cgroups() - before == set()


def cgroups() -> set[str]:
    """The cgroups at the top of each hierarchy."""
    return {path for depth in ("*", "*/*") for path in glob.glob(f"/sys/fs/cgroup/{depth}/")}


def test_json_has_each_section(command: list[str], place: dict[str, str], tmp_path: Path) -> None:
    wanted = ["start", "oci", "memory", "stages"]
    argv = [*command, "bench", "--quick", "--runs", "2", "--json", "--only", ",".join(wanted)]
    done = subprocess.run(argv, env=place, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["version"] == 1
    assert list(found["sections"]) == wanted
    ours = found["sections"]["start"]["rows"][0]
    assert ours["name"] == "minidocker"
    assert ours["ratio"] == 1.0
    assert set(ours) == {"name", "version", "wall_ms", "p90_ms", "cpu_ms", "ratio"}
    for row in found["sections"]["start"]["rows"] + found["sections"]["memory"]["rows"]:
        assert row.get("problem") or row.get("wall_ms") or row.get("kib"), row
    steps = [row["name"] for row in found["sections"]["stages"]["rows"]]
    for step in ("interpreter", "imports", "spawn", "rootfs inside", "exec", "exit"):
        assert step in steps
    assert steps.index("spawn") < steps.index("rootfs inside") < steps.index("exec")
    assert os.listdir(tmp_path) == []


def running(command: list[str], place: dict[str, str], tmp_path: Path) -> subprocess.Popen[str]:
    """Start a bench that ends only by a signal, and wait until it measures."""
    argv = [*command, "bench", "--runs", "100000", "--only", "start"]
    process = subprocess.Popen(
        argv, env=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("*/stderr")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.glob("*/stderr"))
    return process


def test_ctrl_c_leaves_nothing(command: list[str], place: dict[str, str], tmp_path: Path) -> None:
    process = running(command, place, tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the bench and what it started
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped" in said
    assert "Traceback" not in said
    assert os.listdir(tmp_path) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_timeout_leaves_nothing_and_the_next_bench_takes_what_a_kill_left(
    command: list[str], place: dict[str, str], tmp_path: Path
) -> None:
    process = running(command, place, tmp_path)
    process.terminate()  # as timeout(1) does
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM and os.listdir(tmp_path) == []
    killed = running(command, place, tmp_path)
    [left] = tmp_path.iterdir()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    assert list(bench.left_behind(str(tmp_path))) == []  # it may have been made just now
    bench_time = time.time() + bench.JUST_MADE + 1
    assert left.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.time, "time", lambda: bench_time)
        assert list(bench.left_behind(str(tmp_path))) == [str(left)]
        held = os.open(left, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert list(bench.left_behind(str(tmp_path))) == []  # its bench is running
        os.close(held)
        bench.forget_work(str(left))
    assert os.listdir(tmp_path) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_a_section_that_is_not_there(command: list[str]) -> None:
    done = subprocess.run([*command, "bench", "--only", "x"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "try:" in done.stderr
    assert "Traceback" not in done.stderr
