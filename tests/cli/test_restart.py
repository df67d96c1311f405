"""--restart: what is started again when it ends, and what is not. See docs/engine.md"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from keeping import ROOT, Run, keepers, kill, record, start, until

from minidocker.engine import backoff, revival
from minidocker.errors import UsageError
from minidocker.proc import living
from minidocker.spec import restart

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")


def test_a_policy_starts_it_so_often(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "on-failure:2", "base", "sh", "-c", "echo run >> /f; cat /f; exit 3")
    until(lambda: record(shared_store, id)["status"] == "exited")
    until(lambda: id not in alone("ps", "-q").stdout)
    assert alone("logs", id).stdout == "run\n" * 6  # 1, 2 and 3 lines: its files stay
    assert json.loads(alone("inspect", id).stdout)[0]["RestartCount"] == 2
    id = start(alone, "--restart", "on-failure", "base", "true")
    assert alone("wait", id).stdout == "0\n"
    assert record(shared_store, id)["status"] == "exited"


def test_what_was_stopped_stays_so(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "always", "--init", "base", "sleep", "600")
    first = record(shared_store, id)["pid"]
    os.kill(first, signal.SIGKILL)  # not by a command of ours: it shall run
    until(lambda: record(shared_store, id)["pid"] != first)
    until(lambda: record(shared_store, id)["status"] == "running")
    for verb in (["stop", "-t", "1"], ["kill"]):
        assert alone(*verb, id).returncode == 0
        until(lambda: id not in alone("ps", "-q").stdout)
        assert record(shared_store, id)["status"] == "exited"
        assert alone("start", id).returncode == 0
    for verb in ("stop", "kill"):
        waiting = start(alone, "--restart", "always", "base", "false")
        until(lambda id=waiting: (record(shared_store, id).get("restarts") or 0) >= 4)
        until(lambda id=waiting: record(shared_store, id)["status"] == "restarting")
        assert alone(verb, waiting, timeout=20).returncode == 0
        assert waiting not in alone("ps", "-q").stdout
        assert alone("rm", waiting).returncode == 0


def test_its_stop_signal_by_kill_is_a_stop_and_another_is_not(alone: Run, shared_store: Path) -> None:
    """As in Docker: a server that reads its settings again at HUP keeps its policy."""
    script = "trap 'exit 4' HUP; trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"
    id = start(alone, "--restart", "always", "base", "sh", "-c", script)
    until(lambda: alone("logs", id).stdout == "up\n")  # without its traps PID 1 does not hear
    assert alone("kill", "-s", "HUP", id).returncode == 0
    until(lambda: alone("logs", id).stdout == "up\nup\n")
    assert alone("kill", "-s", "TERM", id).returncode == 0
    until(lambda: record(shared_store, id)["status"] == "exited")
    time.sleep(0.5)
    assert id not in alone("ps", "-q").stdout
    assert alone("logs", id).stdout == "up\nup\n"


def test_what_should_run_comes_back(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "unless-stopped", "base", "sleep", "600")
    main = record(shared_store, id)["pid"]
    kill(*keepers(shared_store, id), main)
    assert id in alone("ps", "-q").stdout
    assert living.mark(record(shared_store, id)["pid"])
    assert alone("stop", "-t", "0", id).returncode == 0
    assert alone("restore").stdout == ""
    alone("start", id)  # killed again, and stopped before anybody has looked
    kill(*keepers(shared_store, id), record(shared_store, id)["pid"])
    assert alone("stop", id).returncode == 0
    assert id not in alone("ps", "-q").stdout
    other = start(alone, "--restart", "always", "base", "sleep", "600")
    assert alone("stop", "-t", "0", other).returncode == 0
    assert other not in alone("ps", "-q").stdout
    assert alone("restore").stdout == f"{other}\n"
    assert other in alone("ps", "-q").stdout


def test_the_count_of_starts_outlives_both_keepers(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "on-failure:2", "base", "sh", "-c", "sleep 600; exit 1")
    for times in (1, 2):
        kill(*keepers(shared_store, id), record(shared_store, id)["pid"])
        assert id in alone("ps", "-q").stdout
        assert record(shared_store, id)["restarts"] == times
    kill(*keepers(shared_store, id), record(shared_store, id)["pid"])
    assert id not in alone("ps", "-q").stdout
    assert "Exited (?)" in alone("ps", "-a").stdout


def test_the_wait_outlives_both_keepers(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "always", "base", "false")
    until(lambda: (record(shared_store, id).get("restarts") or 0) >= 3)
    kill(*keepers(shared_store, id))
    known = record(shared_store, id)
    assert known["waited"] == backoff.FIRST * 2 ** (known["restarts"] - 1)
    assert alone("ps", "-a").returncode == 0
    until(lambda: record(shared_store, id)["restarts"] >= known["restarts"] + 2)
    assert record(shared_store, id)["waited"] > known["waited"]


def test_a_wait_is_forgotten_after_some_health() -> None:
    now = time.time()
    for running, left in ((now - 1, 6.4), (now - 11, 0.0), (None, 0.0), ("spoilt", 0.0)):
        known = {"facts": {"times": {"running": running}}, "waited": 6.4}
        assert revival.waited(known) == left
    assert revival.waited({"facts": {}, "waited": 6.4}) == 0.0


def test_what_its_policy_starts_just_now_is_ended_too(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--restart", "always", "base", "sh", "-c", "sleep 0.05")
    for _ in range(4):  # at any moment of its lives
        assert alone("stop", "-t", "0", id).returncode == 0
        assert id not in alone("ps", "-q").stdout
        assert alone("start", id).returncode == 0
    assert alone("rm", "-f", id).returncode == 0


def test_what_has_no_cgroup_cannot_be_paused(alone: Run, shared_store: Path) -> None:
    id = start(alone, "base", "sleep", "600")
    done = alone("pause", id)
    if not record(shared_store, id)["facts"].get("cgroup"):
        assert done.returncode == 1 and "no cgroup of its own" in done.stderr
        return
    assert "(Paused)" in alone("ps").stdout
    assert "is paused" in alone("exec", id, "true").stderr
    assert "already" in alone("pause", id).stderr
    assert alone("unpause", id).returncode == 0
    assert alone("exec", id, "true").returncode == 0
    alone("pause", id)
    assert alone("stop", "-t", "0", id, timeout=20).returncode == 0


def test_waits_are_doubled() -> None:
    waits, last = [], 0.0
    for _ in range(12):
        last = backoff.delay(last, 1.0)
        waits.append(last)
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == backoff.LONGEST
    assert backoff.delay(60.0, backoff.HEALTHY) == 0.1


def test_policies_are_read_as_docker_does() -> None:
    assert restart.parse("no", "--restart") is None
    found = restart.parse("on-failure:3", "--restart")
    assert found == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert backoff.wanted(found, 1, False, 2) and not backoff.wanted(found, 1, False, 3)
    assert not backoff.wanted(found, 0, False, 0) and backoff.wanted(found, None, False, 0)
    for wrong in ("sometimes", "always:3", "on-failure:x", "on-failure:-1"):
        with pytest.raises(UsageError) as problem:
            restart.parse(wrong, "--restart")
        assert problem.value.docker.startswith("invalid restart policy")


def test_update_changes_the_policy(alone: Run, shared_store: Path) -> None:
    id = start(alone, "base", "sh", "-c", "trap 'exit 1' TERM; while :; do sleep 0.05; done")
    shown = ("inspect", "-f", "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}")
    assert alone(*shown, id).stdout == "no 0\n"
    assert alone("update", "--restart", "on-failure:5", id).stdout == f"{id}\n"
    assert alone(*shown, id).stdout == "on-failure 5\n"
    first = record(shared_store, id)["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: record(shared_store, id)["pid"] != first)
    until(lambda: record(shared_store, id)["status"] == "running")
    assert alone("update", "--restart=no", id).returncode == 0
    assert alone(*shown, id).stdout == "no 0\n"
    os.kill(record(shared_store, id)["pid"], signal.SIGKILL)
    until(lambda: id not in alone("ps", "-q").stdout)
    assert record(shared_store, id)["status"] == "exited"
    assert alone("update", "--restart=unless-stopped", id).returncode == 0
    assert alone("restore").stdout == f"{id}\n"
    wrong = alone("update", "--restart", "sometimes", id)
    assert wrong.returncode == 1 and "unknown policy 'sometimes'" in wrong.stderr
    goes = start(alone, "--rm", "base", "sleep", "600")
    assert "AutoRemove is enabled" in alone("update", "--restart", "always", goes).stderr


def test_a_second_life_has_two_keepers_too(
    alone: Run, shared_store: Path, command: list[str]
) -> None:
    id = start(alone, "--restart", "always", "base", "sleep", "600")
    first = record(shared_store, id)["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: record(shared_store, id)["pid"] != first)
    until(lambda: record(shared_store, id)["status"] == "running")
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    line = [*command, "exec", id, "sh", "-c", "> /in; until test -e /out; do sleep 0.05; done; exit 4"]
    caller = subprocess.Popen(line, env=env, cwd=ROOT)
    until(lambda: alone("exec", id, "test", "-e", "/in").returncode == 0)
    kill(keepers(shared_store, id)[0])
    assert alone("exec", id, "touch", "/out").returncode == 0
    assert caller.wait(20) == 4
