"""Health checks: what the keepers ask a container, and what `ps`, `inspect` and `events` say. docs/engine.md"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from keeping import ROOT, Run, keepers, kill, start, until

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

OFTEN = ("--health-interval", "50ms", "--health-retries", "2")
LOUD = "for one in 1 2 3 4; do cat /dev/zero & done; wait"


def health(run: Run, id: str) -> dict[str, Any]:
    """State.Health."""
    return json.loads(run("inspect", "-f", "{{json .State.Health}}", id).stdout)


def becomes(run: Run, id: str, status: str) -> dict[str, Any]:
    """Wait until the health is so."""
    return until(lambda: (found := health(run, id))["Status"] == status and found)


def test_ps_inspect_and_events_tell_how_it_is(alone: Run) -> None:
    id = start(alone, *OFTEN, "--health-cmd", "echo looked; test -e /ok", "base", "sleep", "600")
    found = becomes(alone, id, "unhealthy")
    assert found["FailingStreak"] >= 2
    assert {(one["ExitCode"], one["Output"]) for one in found["Log"]} == {(1, "looked\n")}
    assert "(unhealthy)" in alone("ps", "--format", "{{.Status}}").stdout
    alone("exec", id, "touch", "/ok")
    becomes(alone, id, "healthy")
    assert alone("ps", "-q", "-f", "health=healthy").stdout.strip() == id
    until(lambda: len(health(alone, id)["Log"]) == 5)  # and no more are kept
    told = alone("events", "--since", "10m", "--until", "0s", "-f", "event=health_status",
                 "-f", f"container={id}", "--format", "{{.Action}}")  # fmt: skip
    assert told.stdout == "health_status: unhealthy\nhealth_status: healthy\n"
    alone("stop", "-t", "0", id)
    assert health(alone, id)["Status"] == "unhealthy"  # nobody looks any more
    assert "healthy" not in alone("ps", "-a", "--format", "{{.Status}}").stdout
    other = start(alone, "--health-cmd", "true", "base", "sleep", "600")
    for _ in range(2):  # the first look is half a minute away
        assert "(health: starting)" in alone("ps", "--format", "{{.Status}}").stdout
        assert alone("restart", "-t", "0", other).returncode == 0


def test_what_takes_too_long_is_killed_and_what_is_not_there_is_said(alone: Run) -> None:
    id = start(alone, *OFTEN, "--health-timeout", "100ms", "--health-cmd", "sleep 61 & sleep 62",
               "base", "sleep", "600")  # fmt: skip
    found = becomes(alone, id, "unhealthy")
    assert found["Log"][0]["ExitCode"] == -1
    assert found["Log"][0]["Output"] == "Health check exceeded timeout (100ms)"
    left = alone("top", id, "-o", "args").stdout
    assert left.count("sleep 62") <= 1  # the look of this moment
    other = start(alone, *OFTEN, "--health-cmd", "/no/such", "base", "sleep", "600")
    assert "not found" in becomes(alone, other, "unhealthy")["Log"][0]["Output"]


def test_who_never_stops_talking_holds_nobody_up(alone: Run) -> None:
    id = start(alone, *OFTEN, "--health-timeout", "200ms", "--health-cmd", LOUD, "base", "sh", "-c",
               "trap 'exit 3' TERM; while :; do sleep 0.05; done")  # fmt: skip
    assert becomes(alone, id, "unhealthy")["Log"][-1]["Output"].startswith("Health check exceeded")
    assert alone("exec", id, "echo", "here", timeout=20).stdout == "here\n"
    assert alone("stop", id, timeout=20).returncode == 0
    assert alone("wait", id).stdout == "3\n"


@pytest.mark.parametrize("role", [0, 1])
def test_one_keeper_is_enough(role: int, alone: Run, shared_store: Path) -> None:
    id = start(alone, *OFTEN, "--health-cmd", "test ! -e /ill", "base", "sleep", "600")
    becomes(alone, id, "healthy")
    kill(keepers(shared_store, id)[role])
    alone("exec", id, "touch", "/ill")
    becomes(alone, id, "unhealthy")


def test_without_both_nobody_looks(alone: Run, shared_store: Path) -> None:
    id = start(alone, *OFTEN, "--health-cmd", "true", "base", "sleep", "600")
    becomes(alone, id, "healthy")
    kill(*keepers(shared_store, id))
    becomes(alone, id, "unhealthy")


def test_an_image_says_it_and_no_healthcheck_takes_it_away(
    command: list[str], tmp_path: Path, host_unchanged: None
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store")}
        return subprocess.run([*command, *words], env=env, cwd=ROOT, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)  # fmt: skip

    assert run("image", "build-base").returncode == 0
    (tmp_path / "Dockerfile").write_text(
        'FROM base\nHEALTHCHECK --interval=50ms --retries=1 CMD ["test", "-e", "/ok"]\n'
    )
    done = run("build", "-q", "-t", "watched", str(tmp_path))
    assert done.returncode == 0, done.stderr
    id = start(run, "watched", "sleep", "600")
    assert becomes(run, id, "unhealthy")["Log"][0]["ExitCode"] == 1
    shown = json.loads(run("inspect", "-f", "{{json .Config.Healthcheck}}", id).stdout)
    assert shown == {"Test": ["CMD", "test", "-e", "/ok"], "Interval": 50_000_000, "Retries": 1}
    other = start(run, "--no-healthcheck", "watched", "sleep", "600")
    assert "Health" not in json.loads(run("inspect", other).stdout)[0]["State"]
    assert "health" not in run("ps", "-f", f"id={other}", "--format", "{{.Status}}").stdout
    assert run("run", "--rm", "--network", "none", "watched", "true").returncode == 0
    assert run("rm", "-f", id, other).returncode == 0
