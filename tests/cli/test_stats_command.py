"""`minidocker stats` as a person runs it: once, as a stream, on a terminal, and with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

contained = pytest.mark.needs("root", "pidns", "mntns", "overlay")
BUSY = "while :; do :; done"


@pytest.fixture
def env(shared_store: Path) -> dict[str, str]:
    return {**os.environ, "MINIDOCKER_ROOT": str(shared_store), "COLUMNS": "120"}


@pytest.fixture
def running(command: list[str], env: dict[str, str]) -> Iterator[Callable[..., str]]:
    """Start containers that run a shell's words; return the name. All end with the test."""
    processes: dict[str, subprocess.Popen] = {}

    def start(words: str, *options: str) -> str:
        name = f"s{os.getpid()}-{time.monotonic_ns()}"
        process = subprocess.Popen(
            [*command, "run", "--rm", "--name", name, *options, "base", "sh", "-c", words],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        processes[name] = process
        limit = time.monotonic() + 30
        argv = [*command, "stats", "--no-stream", "--json"]
        while name not in subprocess.run(argv, env=env, capture_output=True, text=True).stdout:
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.1)
        return name

    yield start
    for name, process in processes.items():
        process.kill()  # the container dies with its starter
        process.wait(timeout=30)
        subprocess.run([*command, "rm", name], env=env, capture_output=True)


def one(minidocker: Callable, name: str) -> dict:
    done = minidocker("stats", "--no-stream", "--json", name)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["version"] == 1
    (row,) = told["containers"]
    return row


@contained
def test_a_busy_container_and_an_idle_one(minidocker: Callable, running: Callable) -> None:
    busy, idle = running(BUSY), running("sleep 300")
    row = one(minidocker, busy)
    limit = time.monotonic() + 60  # the machine may have much else to do
    while row["cpu_percent"] <= 5:
        assert time.monotonic() < limit
        row = one(minidocker, busy)
    assert row["name"] == busy
    assert one(minidocker, idle)["cpu_percent"] < 5
    assert one(minidocker, idle)["cpu_seconds"] < row["cpu_seconds"]


@contained
def test_memory_and_processes_are_those_of_the_container(
    minidocker: Callable, running: Callable
) -> None:
    row = one(minidocker, running("sleep 300 & sleep 300 & wait"))
    assert row["pids"] == 3  # the shell and two
    assert 100_000 < row["memory"] < 50_000_000
    assert row["source"] in ("cgroup", "proc")


@contained
def test_the_table_in_a_pipe(minidocker: Callable, running: Callable) -> None:
    name = running("sleep 300")
    done = minidocker("stats", "--no-stream", name)
    head, line = done.stdout.splitlines()
    assert re.split(r"\s{2,}", head) == ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %",
                                         "NET I/O", "BLOCK I/O", "PIDS"]  # fmt: skip
    row = one(minidocker, name)
    assert line.split()[:2] == [row["id"], name]
    assert "\x1b" not in done.stdout
    note = "from /proc: no cgroup v2 here\n" if row["source"] == "proc" else ""
    assert done.stderr == note
    head, line = minidocker("stats", "--no-stream", "--limits", name).stdout.splitlines()
    assert head.split()[:2] == ["NAME", "CPU"] and line.split()[0] == name


@contained
@pytest.mark.needs("cgroup2", "memory", "pids", "cpu")
def test_limits_and_throttling_from_the_cgroup(minidocker: Callable, running: Callable) -> None:
    name = running(BUSY, "-m", "64m", "--cpus", "0.2", "--pids-limit", "20")
    row = one(minidocker, name)
    assert row["source"] == "cgroup"
    assert (row["memory_limit"], row["pids_limit"], row["cpu_limit"]) == (64 << 20, 20, 0.2)
    assert row["throttled"] > 0 and row["periods"] >= row["throttled"]
    assert row["cpu_percent"] < 60 and row["pressure"]["cpu"] is not None


@contained
def test_a_stream_ends_with_the_containers_that_were_named(
    command: list[str], env: dict[str, str], running: Callable
) -> None:
    name = running("sleep 300")
    process = subprocess.Popen(
        [*command, "stats", "--json", "--interval", "0.3", name], env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    rounds = [json.loads(process.stdout.readline())["containers"] for _ in range(3)]
    assert [[row["name"] for row in rows] for rows in rounds] == [[name]] * 3
    os.kill(rounds[0][0]["pid"], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@contained
def test_the_reader_may_go(command: list[str], env: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*command, "stats", "--json", "--interval", "0.1"], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and json.loads(process.stdout.readline())["version"] == 1
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None and process.stderr.read() == ""


@contained
def test_a_terminal_is_redrawn_and_ctrl_c_ends_it(
    command: list[str], env: dict[str, str], running: Callable
) -> None:
    pytest.importorskip("rich")
    name = running("sleep 300")
    child = pexpect.spawn(
        command[0], [*command[1:], "stats", "--interval", "0.3"],
        env={**env, "TERM": "xterm"}, encoding="utf-8", timeout=30, dimensions=(24, 120),
    )  # fmt: skip
    child.expect("MEM USAGE / LIMIT")
    child.expect(name)
    child.expect("Ctrl-C ends it")
    child.expect(r"\x1b\[\d*A|\x1b\[2K")  # the second table is drawn over the first
    child.expect(name)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, child.signalstatus) == (130, None)
    assert "Traceback" not in child.before
    assert "\x1b[?25h" in child.before  # the cursor is shown again


@contained
def test_ctrl_c_in_a_pipe(command: list[str], env: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*command, "stats", "--interval", "0.2"], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith("CONTAINER ID")
    assert process.stderr.readline() == "no container runs\n"  # said after the head
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


@contained
@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["no-such-name"], 1, "there is no container no-such-name"),
        (["--interval", "0"], 125, "0 is no number of seconds from 0.1 to 3600"),
        (["--interval", "nan"], 125, "no number of seconds"),
        (["--jsn"], 125, "unrecognized arguments: --jsn"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    minidocker: Callable, argv: list[str], status: int, words: str
) -> None:
    done = minidocker("stats", *argv)
    assert done.returncode == status and done.stdout == ""
    assert words in done.stderr and "try: " in done.stderr and "Traceback" not in done.stderr


def test_no_container_runs(minidocker: Callable, tmp_path: Path) -> None:
    done = minidocker("stats", "--no-stream", env={"MINIDOCKER_ROOT": str(tmp_path / "empty")})
    assert done.returncode == 0 and "no container runs" in done.stderr
    assert not (tmp_path / "empty").exists()


@contained
def test_the_formats_are_dockers(alone: Callable, env: dict[str, str]) -> None:
    lives = alone("run", "-d", "--name", "lives", "--network", "none", "base", "sleep", "60")
    made = alone("create", "--name", "made", "--network", "none", "base", "true")
    shown = alone("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.NetIO}} {{.ID}}")
    assert shown.stdout == f"lives 1 0B / 0B {lives.stdout}"
    rows = alone("stats", "--no-stream", "-a", "--no-trunc", "--format", "json").stdout
    found = {row["Name"]: row for row in map(json.loads, rows.splitlines())}
    assert found["made"]["ID"] == made.stdout.strip() and found["made"]["CPUPerc"] == "0.00%"
    assert found["lives"]["MemUsage"].endswith("GiB") and found["lives"]["MemPerc"].endswith("%")
    heads = alone("stats", "--no-stream", "--format", "table", "lives").stdout.splitlines()[0]
    assert heads.split("  ")[0] == "CONTAINER ID" and heads.endswith("PIDS")
    wrong = alone("stats", "--no-stream", "--format", "{{.Nope}}")
    assert wrong.returncode == 1 and "no entry for key" in wrong.stderr
