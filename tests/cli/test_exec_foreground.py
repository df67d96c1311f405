"""exec into a container that runs in the foreground, where no keeper is: docs/engine.md"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keeping import ROOT, Run, until
from test_exec import WAYS, xray

from minidocker.runtime import reading

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

LONG = "61.5"  # seconds: what PID 1 sleeps
Foreground = Callable[..., dict[str, Any]]


@pytest.fixture
def foreground(alone: Run, command: list[str], shared_store: Path) -> Iterator[Foreground]:
    """Start a container in the foreground; return its record."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> dict[str, Any]:
        env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
        line = [*command, "run", "--rm", "--name", "front", "--network", "none", *words, "base",
                "sleep", LONG]  # fmt: skip
        started.append(
            subprocess.Popen(line, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, preexec_fn=less)
        )
        until(lambda: LONG in alone("top", "front").stdout)
        return reading.find(str(shared_store), "front")

    yield start
    alone("rm", "-f", "front")  # its PID 1 hears no SIGTERM
    for process in started:
        process.wait()


def less() -> None:
    """What this container has is less than what its visitors have outside."""
    resource.setrlimit(resource.RLIMIT_CORE, (77, 77))
    os.nice(3)
    Path("/proc/self/oom_score_adj").write_text("200")


def named(text: str) -> list[int]:
    """The processes that have this word in their command, and are no program of ours."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if text.encode() in words and words[0] == b"sleep":
            found.append(int(pid))
    return found


@pytest.mark.parametrize("way", WAYS)
def test_it_has_exactly_the_walls_of_pid_1(
    way: str, alone: Run, foreground: Foreground
) -> None:
    main = foreground(*WAYS[way])["pid"]
    if way == "shared":  # there PID 1 is an init of ours, which keeps less than its command
        (main,) = named(LONG)

    word = f"62.{os.getpid()}"
    done = alone("exec", "-d", "front", "sleep", word)
    assert done.returncode == 0, done.stderr
    program = os.readlink(f"/proc/{main}/exe")
    (pid,) = until(lambda: [p for p in named(word) if os.readlink(f"/proc/{p}/exe") == program])
    assert xray(alone, pid) == xray(alone, main)
    for name in ("limits", "oom_score_adj"):
        assert Path(f"/proc/{pid}/{name}").read_text() == Path(f"/proc/{main}/{name}").read_text()
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, main)
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]


def test_words_streams_status_and_refusals(alone: Run, foreground: Foreground) -> None:
    foreground()
    done = alone("exec", "front", "sh", "-c", "echo out; echo err >&2; exit 4")
    assert (done.returncode, done.stdout, done.stderr) == (4, "out\n", "err\n")
    assert alone("exec", "-i", "front", "cat", stdin=None, input="hello\n").stdout == "hello\n"
    assert alone("exec", "-u", "7:8", "-e", "A=b", "front", "sh", "-c", "id -u; echo $A").stdout == "7\nb\n"
    assert alone("exec", "front", "/no/such").returncode == 127
    assert "no log" in alone("logs", "front").stderr


def test_it_outlives_its_caller_and_ends_with_the_container(
    alone: Run, foreground: Foreground, command: list[str], shared_store: Path
) -> None:
    record = foreground()
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    word = f"63.{os.getpid()}"
    caller = subprocess.Popen([*command, "exec", "front", "sleep", word], env=env, cwd=ROOT)
    until(lambda: named(word))
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    (pid,) = named(word)
    usher = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    other = subprocess.Popen([*command, "exec", "front", "sleep", "64"], env=env, cwd=ROOT)
    until(lambda: named("64"))
    assert alone("stop", "-t", "0", "front").returncode == 0
    assert other.wait(20) == 137
    until(lambda: not os.path.exists(f"/proc/{usher}") and not named(word))
    assert not os.path.exists(record["directory"])


def test_a_number_that_is_anothers_is_not_entered(
    alone: Run, foreground: Foreground, shared_store: Path
) -> None:
    record = foreground()
    path = shared_store / "containers" / record["id"] / "record.json"
    whole = path.read_text()
    for pid in (os.getpid(), 1, 4_000_000):
        path.write_text(json.dumps({**json.loads(whole), "pid": pid}))
        done = alone("exec", "front", "id")
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "is about to end" in done.stderr
    path.write_text(whole)
