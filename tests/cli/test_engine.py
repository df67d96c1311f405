"""Containers that run alone: what holds when those who keep them are killed. See docs/engine.md."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import killed_at
import pytest
from keeping import ROOT, Run, keepers, kill, record, start, until, waits

from minidocker.proc import living

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

TRAP = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"


# --- it runs alone ---------------------------------------------------------------------------


def test_it_outlives_who_started_it_and_its_status_is_kept(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--name", "box", "base", "sh", "-c", TRAP)
    assert len(id) == 12
    found = record(shared_store, id)
    assert found["status"] == "running" and living.alive(living.mark(found["pid"]))
    until(lambda: "up" in alone("logs", "box").stdout)
    assert id in alone("ps", "-q").stdout
    waiter = subprocess.Popen(
        [sys.executable, "-m", "minidocker", "wait", id, "box"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, cwd=ROOT,
    )  # fmt: skip
    assert alone("stop", "box").stdout == "box\n"
    assert waiter.communicate(timeout=20)[0] == "3\n3\n"
    assert alone("wait", "box").stdout == "3\n"
    assert "Exited (3)" in alone("ps", "-a").stdout
    assert alone("logs", "box").stdout == "up\nbye\n"


def test_its_keepers_hold_nothing_of_the_caller(alone: Run, shared_store: Path) -> None:
    read, write = os.pipe()
    id = start(alone, "base", "sleep", "600", pass_fds=[write])
    for pid in keepers(shared_store, id):
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert os.getsid(pid) == pid
        assert all(os.readlink(f"/proc/{pid}/fd/{n}") == "/dev/null" for n in (0, 1, 2))
        stat = Path(f"/proc/{pid}/status").read_text()
        assert "\nThreads:\t1\n" in stat
    for name in os.listdir(f"/proc/{record(shared_store, id)['pid']}/fd"):
        assert name in ("0", "1", "2")
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("unit", [True, False])
def test_its_keepers_leave_their_callers_unit(alone: Run, shared_store: Path, unit: bool) -> None:
    tree = next(path for path in map(Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) if path.is_dir())
    callers = tree / f"minidocker-caller-{os.getpid()}{'.scope' if unit else ''}"
    try:
        callers.mkdir()
        (callers / "cgroup.procs").read_text()
    except OSError as problem:
        pytest.skip(f"blocked: no cgroup can be made here: {problem} (the lab machine)")
    try:
        procs = callers / "cgroup.procs"
        id = start(alone, "base", "sleep", "600", preexec_fn=lambda: procs.write_text("0"))
        for pid in keepers(shared_store, id):
            assert (str(pid) in procs.read_text().split()) != unit
        assert alone("exec", id, "echo", "in").stdout == "in\n"
        alone("rm", "-f", id)
    finally:
        for _ in range(100):
            try:
                callers.rmdir()
                break
            except OSError:
                time.sleep(0.05)


def test_its_keepers_give_back_what_they_do_not_need(alone: Run, shared_store: Path) -> None:
    bare = subprocess.run(
        [sys.executable, "-ISc", "print(open('/proc/self/status').read())"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    often = ("--health-cmd", "true", "--health-interval", "3s")
    id = start(alone, *often, "-v", "/data", "base", "sleep", "600")
    assert alone("exec", id, "true").returncode == 0  # it has worked, and rests again
    until(lambda: "(healthy)" in alone("ps", "--format", "{{.Status}}").stdout)
    most = resident(bare) + 4096
    for pid in keepers(shared_store, id):
        until(lambda pid=pid: resident(Path(f"/proc/{pid}/status").read_text()) < most)


def resident(status: str) -> int:
    """The kB of memory that a process has, from its /proc/PID/status."""
    return int(status.partition("\nVmRSS:")[2].split()[0])


def test_a_command_that_cannot_run_leaves_nothing(alone: Run) -> None:
    done = alone("run", "-d", "--network", "none", "base", "nonesuch")
    assert done.returncode == 127 and done.stdout == ""
    assert "cannot run nonesuch" in done.stderr
    assert alone("ps", "-aq").stdout == ""


def test_with_rm_it_goes_when_it_ends_and_wait_still_hears_how(
    alone: Run, shared_store: Path
) -> None:
    id = start(alone, "--rm", "--name", "box", "base", "sh", "-c", TRAP)
    until(lambda: "up" in alone("logs", "box").stdout)
    waiter = subprocess.Popen(
        [sys.executable, "-m", "minidocker", "wait", "box"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, cwd=ROOT,
    )  # fmt: skip
    until(lambda: any(f"{id}/lock" in link for link in links(waiter.pid)))
    assert alone("kill", "-s", "TERM", "box").returncode == 0
    assert waiter.communicate(timeout=20)[0] == "3\n"
    until(lambda: not alone("ps", "-aq").stdout)


def links(pid: int) -> list[str]:
    """What a process has open."""
    return [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()]


def test_with_a_terminal_it_is_logged_as_one(alone: Run) -> None:
    start(alone, "-t", "--name", "box", "base", "sh", "-c", "test -t 1 && echo a terminal")
    assert alone("wait", "box").stdout == "0\n"
    assert alone("logs", "box").stdout == "a terminal\n"  # \r\n, which Python joins


# --- the log ---------------------------------------------------------------------------------


def test_the_log_is_dockers_and_keeps_every_byte(alone: Run, shared_store: Path) -> None:
    script = r"printf 'a\tb\042\\\n'; echo oops >&2; printf '\377\000\303\251'; sleep 0.2; printf end"
    id = start(alone, "base", "sh", "-c", script)
    assert alone("wait", id).stdout == "0\n"
    text = (shared_store / "containers" / id / "log.json").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert all(set(entry) == {"log", "stream", "time"} for entry in entries)
    assert {"oops\n"} == {entry["log"] for entry in entries if entry["stream"] == "stderr"}
    done = alone("logs", id)
    assert done.stdout.encode(errors="surrogateescape") == b'a\tb"\\\n\xff\0\xc3\xa9end'
    assert done.stderr == "oops\n"


def test_logs_follow_to_the_end_and_cut_by_lines_and_times(alone: Run) -> None:
    start(alone, "--name", "box", "base", "sh", "-c",
          "for n in 1 2 3 4 5; do echo $n; sleep 0.1; done; printf 6")  # fmt: skip
    assert alone("logs", "-f", "box").stdout == "1\n2\n3\n4\n5\n6"
    assert alone("logs", "--tail", "2", "box").stdout == "5\n6"
    stamped = alone("logs", "-t", "box").stdout.splitlines()
    third = stamped[2].split()[0]
    assert alone("logs", "--since", third, "box").stdout == "3\n4\n5\n6"
    assert alone("logs", "--until", third, "box").stdout == "1\n2\n3\n"  # as in Docker: not later
    assert alone("logs", "--since", "1h", "--until", "1h", "box").stdout == ""
    assert "is no time" in alone("logs", "--since", "soon", "box").stderr
    quiet = start(alone, "base", "sh", "-c", "echo up; sleep 600")
    until(lambda: alone("logs", quiet).stdout == "up\n")
    assert alone("logs", "-f", "--until", "0s", quiet, timeout=20).stdout == "up\n"


# --- stop, kill, rm --------------------------------------------------------------------------


def test_stop_asks_then_kills_and_kill_signals(alone: Run) -> None:
    start(alone, "--name", "deaf", "base", "sleep", "600")
    assert alone("stop", "-t", "0", "deaf").returncode == 0
    assert alone("wait", "deaf").stdout == "137\n"
    start(alone, "--name", "box", "--stop-signal", "USR1", "base", "sh", "-c",
          "trap 'exit 4' USR1; trap 'exit 5' USR2; echo up; while :; do sleep 0.05; done")  # fmt: skip
    until(lambda: "up" in alone("logs", "box").stdout)
    assert alone("kill", "-s", "WINCH", "box").stdout == "box\n"
    assert alone("stop", "box").returncode == 0
    assert alone("wait", "box").stdout == "4\n"
    done = alone("kill", "box")
    assert done.returncode != 0 and "is not running" in done.stderr


def test_a_number_may_be_larger_than_the_kernel_takes(alone: Run) -> None:
    id = start(alone, "--init", "--stop-timeout", "99999999999", "base", "sleep", "600")
    for words in (("stop", id), ("start", id), ("restart", "-t", "99999999999", id),
                  ("logs", "--tail", "9" * 30, id), ("stop", "-t", "-1", id)):  # fmt: skip
        done = alone(*words)
        assert done.returncode == 0, (words, done.stderr)


def test_two_removers_at_once_agree(alone: Run, shared_store: Path, command: list[str]) -> None:
    id = start(alone, "-v", "/data", "base", "sleep", "600")
    done = alone("rm", id)
    assert done.returncode != 0 and "is running" in done.stderr
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    both = [
        subprocess.Popen([*command, "rm", "-fv", id], env=env, cwd=ROOT, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    for one in both:
        _, errors = one.communicate(timeout=30)
        assert one.returncode == 0, errors
    assert alone("ps", "-aq").stdout == ""
    assert alone("volume", "ls", "-q").stdout == ""


# --- created, started again ------------------------------------------------------------------


def test_what_was_created_starts_and_starts_again_with_its_files(alone: Run) -> None:
    words = ["--network", "none", "--name", "box", "-v", "/data", "-e", "A=b c"]
    done = alone("create", *words, "base", "sh", "-c",
                 "echo $A >> /days; echo x >> /data/x; cat /days; exit $(wc -l < /data/x)")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Created" in alone("ps", "-a").stdout
    for times in (1, 2, 3):
        verb = "restart" if times == 3 else "start"
        assert alone(verb, "box").stdout == "box\n"
        assert alone("wait", "box").stdout == f"{times}\n"
    assert alone("logs", "box").stdout == "b c\n" * 6


def test_files_can_be_put_into_what_was_created(alone: Run, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("from the host\n")
    made = alone("create", "--network", "none", "--name", "box", "base", "cat", "/srv/words")
    assert made.returncode == 0, made.stderr
    assert alone("diff", "box").stdout == ""
    for words in (("cp", f"{tmp_path}/words", "box:/srv/words"), ("export", "-o", os.devnull, "box"),
                  ("cp", "box:/srv/words", f"{tmp_path}/back")):  # fmt: skip
        done = alone(*words)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "back").read_text() == "from the host\n"
    assert "A /srv/words" in alone("diff", "box").stdout
    assert alone("start", "-a", "box").stdout == "from the host\n"


def test_restart_ends_what_runs(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--init", "base", "sleep", "600")
    before = record(shared_store, id)["pid"]
    assert alone("start", id).stdout == f"{id}\n"
    assert record(shared_store, id)["pid"] == before
    done = alone("restart", "-t", "0", id)
    assert done.returncode == 0, done.stderr
    assert record(shared_store, id)["pid"] != before
    start(alone, "--rm", "--name", "brief", "base", "sleep", "600")
    assert "--rm" in alone("restart", "brief").stderr


def test_a_start_that_fails_removes_nothing(alone: Run) -> None:
    alone("create", "--network", "none", "--name", "box", "base", "nonesuch")
    done = alone("start", "box")
    assert done.returncode == 127 and "cannot run nonesuch" in done.stderr
    assert "Exited (127)" in alone("ps", "-a").stdout
    assert alone("start", "nobody").returncode != 0


def test_two_starts_at_once_make_one_container(
    alone: Run, shared_store: Path, command: list[str]
) -> None:
    id = alone("create", "--network", "none", "base", "sleep", "600").stdout.strip()
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    both = [
        subprocess.Popen([*command, "start", id], env=env, cwd=ROOT, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=30)[1] for one in both]
    assert any(one.returncode == 0 for one in both), said
    assert all(not text or "just now" in text for text in said)
    assert "Up " in alone("ps").stdout


# --- killed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1], ids=["keeper", "standby"])
def test_one_of_the_two_is_enough(which: int, alone: Run, shared_store: Path) -> None:
    id = start(alone, "--name", "box", "base", "sh", "-c", TRAP)
    until(lambda: "up" in alone("logs", "box").stdout)
    kill(keepers(shared_store, id)[which])
    assert "Up " in alone("ps").stdout
    alone("stop", "box")
    assert alone("wait", "box").stdout == "3\n"
    assert alone("logs", "box").stdout == "up\nbye\n"


def test_keepers_that_were_stopped_go_on(alone: Run, shared_store: Path) -> None:
    """Else an exec would wait for an answer, and a stop for the keeper's note, for ever."""
    id = start(alone, "--name", "box", "base", "sh", "-c", TRAP)
    until(lambda: "up" in alone("logs", "box").stdout)
    for words in (("exec", "box", "echo", "in"), ("stop", "box")):
        for pid in keepers(shared_store, id):
            os.kill(pid, signal.SIGSTOP)
        done = alone(*words, timeout=20)
        assert done.returncode == 0 and done.stdout in ("in\n", "box\n")
    assert alone("wait", "box").stdout == "3\n"


def test_keepers_that_are_stopped_while_somebody_waits(
    alone: Run, shared_store: Path, command: list[str]
) -> None:
    id = start(alone, "base", "sleep", "600")
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    with subprocess.Popen(
        [*command, "wait", id], env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as wait:  # fmt: skip
        until(lambda: waits(wait.pid))
        for pid in keepers(shared_store, id):
            os.kill(pid, signal.SIGSTOP)
        os.kill(record(shared_store, id)["pid"], signal.SIGKILL)
        assert wait.communicate(timeout=60) == ("137\n", "")


def test_without_both_it_runs_on_and_its_words_wait(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--name", "box", "base", "sh", "-c",
               "while [ ! -e /go ]; do sleep 0.05; done; "
               "yes 12345678 | head -n 20000; echo end; while [ -e /go ]; do sleep 0.05; done; exit 9",
               )  # fmt: skip
    main = record(shared_store, id)["pid"]
    kill(*keepers(shared_store, id))
    done = alone("exec", "box", "sh", "-c", "grep CapEff /proc/1/status /proc/self/status; exit 4")
    assert done.returncode == 4 and len({line.split(":")[2] for line in done.stdout.split("\n")[:2]}) == 1
    go = Path(f"/proc/{main}/root/go")
    go.touch()
    done = alone("ps")  # which gives it a new keeper
    assert "Up " in done.stdout and id in done.stdout
    assert alone("rm", "box").returncode != 0
    until(lambda: "end" in alone("logs", "--tail", "1", "box").stdout)
    go.unlink()
    said = alone("logs", "-f", "box").stdout
    assert said == "12345678\n" * 20000 + "end\n"
    done = alone("wait", "box")
    assert done.stdout == "?\n" and "nobody saw" in done.stderr
    assert "Exited (?)" in alone("ps", "-a").stdout


def test_prune_takes_no_living_container_away(alone: Run, shared_store: Path) -> None:
    id = start(alone, "base", "sleep", "600")
    main = record(shared_store, id)["pid"]
    kill(*keepers(shared_store, id))
    assert id not in alone("prune").stdout
    assert living.mark(main)
    assert alone("stop", "-t", "0", id).returncode == 0
    assert id in alone("prune").stdout
    assert not living.mark(main)


@pytest.mark.parametrize("who", ["keeper", "both"])
@pytest.mark.parametrize("point", killed_at.POINTS)
def test_killed_at(point: str, who: str, alone: Run, shared_store: Path) -> None:
    """At each point, the next commands tell the truth, and nothing hangs or stays."""
    network = ["--network", "none"] if who == "both" else []
    words = ["run", "-d", *network, "--name", "box", "base", "sh", "-c", "sleep 0.3; exit 6"]
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        killed_at.command(point, who, *words), env=env, cwd=ROOT, capture_output=True, text=True,
        timeout=30, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    listed = alone("ps", "-a", timeout=10)
    assert listed.returncode == 0
    if done.returncode:
        assert "killed" in done.stderr, done.stderr
        assert "Up " not in listed.stdout
    else:
        assert alone("stop", "-t", "5", "box", timeout=10).returncode == 0
        said = alone("wait", "box", timeout=10).stdout
        unknown = who == "both" and "noted" not in point.replace("not noted", "")
        assert said in (("6\n", "137\n") if who == "keeper" else ("6\n", "137\n", "?\n")), said
        assert unknown or said != "?\n"
    assert alone("rm", "-f", "box", timeout=10).returncode == 0
    alone("prune", timeout=10)
    assert alone("ps", "-aq").stdout == ""
