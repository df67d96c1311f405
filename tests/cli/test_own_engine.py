"""--mine of the engine's words: a learner's functions of lesson 14 serve, and can break nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from keeping import ROOT, Run, start, until

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
SOLUTION = ROOT / "solutions/14_engine.py"
POLITE = ("base", "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's exercises: the solution of lesson 14, to which a test adds what is wrong."""
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(tmp_path))
    file = tmp_path / "14_engine.py"
    file.write_text(SOLUTION.read_text())
    return file


def wrong(file: Path, text: str) -> None:
    file.write_text(f"{SOLUTION.read_text()}\n\n{text}")


def used(store: Path) -> list[str]:
    """The functions that were noted."""
    return [json.loads(line)["function"] for line in (store / "used").read_text().splitlines()]


def code(run: Run, id: str) -> int:
    return int(json.loads(run("inspect", id).stdout)[0]["State"]["ExitCode"])


def test_stop_asks_by_their_function(alone: Run, mine: Path, shared_store: Path) -> None:
    polite, deaf = start(alone, *POLITE), start(alone, "base", "sleep", "600")
    while "ready" not in alone("logs", polite).stdout:
        pass
    done = alone("stop", "--mine", polite, timeout=30)
    assert done.returncode == 0 and "your stop serves" in done.stderr
    alone("stop", "--mine", "-t", "0", deaf, timeout=30)
    assert (code(alone, polite), code(alone, deaf)) == (7, 137)
    assert used(shared_store)[-2:] == ["stop", "stop"]


def test_what_their_stop_leaves_alive_is_killed_all_the_same(alone: Run, mine: Path) -> None:
    wrong(mine, "def stop(pidfd, grace):\n    return True\n")
    id = start(alone, "base", "sleep", "600")
    assert alone("stop", "--mine", id, timeout=30).returncode == 0
    assert code(alone, id) == 137


def test_what_their_stop_raises_is_a_sentence(alone: Run, mine: Path) -> None:
    wrong(mine, "def stop(pidfd, grace):\n    raise ValueError('no')\n")
    id = start(alone, "base", "sleep", "600")
    done = alone("stop", "--mine", id, timeout=30)
    assert done.returncode and "your stop in" in done.stderr and "Traceback" not in done.stderr
    assert id[:12] in alone("ps", "-q").stdout


def test_ps_shows_their_word_where_it_is_another(alone: Run, mine: Path) -> None:
    start(alone, "--name", "up", "base", "sleep", "600")
    start(alone, "--name", "down", "base", "true")
    alone("wait", "down")
    table = ("ps", "-a", "--format", "{{.Names}} {{.Status}}", "--mine")
    assert "says your status_of" not in alone(*table).stdout
    wrong(mine, "def status_of(record, proc):\n    return 'running' if record['exit'] is None else 'gone'\n")
    rows = alone(*table).stdout.splitlines()
    assert any(row.startswith("down gone (says your status_of; ours: Exited (0)") for row in rows)
    assert any(row.startswith("up Up") for row in rows)


LOOK = "grep -E 'Cap|NoNewPrivs|Seccomp' /proc/self/status; readlink /proc/self/ns/*; ls /proc/self/fd"


def test_exec_by_their_function_has_the_walls_of_ours(alone: Run, mine: Path, shared_store: Path) -> None:
    start(alone, "--name", "box", "base", "sleep", "600")
    ours = alone("exec", "box", "sh", "-c", f"{LOOK}; exit 3")
    theirs = alone("exec", "--mine", "box", "sh", "-c", f"{LOOK}; exit 3")
    assert "your exec_in serves" in theirs.stderr
    assert (theirs.stdout, theirs.returncode) == (ours.stdout, 3) and "Seccomp:\t2" in ours.stdout
    assert used(shared_store)[-1] == "exec_in"
    assert alone("exec", "--mine", "box", "nothing").returncode == 127
    assert alone("exec", "--mine", "-i", "box", "cat", input="hi", stdin=None).stdout == "hi"
    assert alone("exec", "--mine", "-t", "box", "true").returncode == 1


SLOPPY = {
    "the child calls setns": "pid",
    "the rights are forgotten": "CapBnd",
    "the mounts are the host's": "mnt",
}
BODIES = {
    "the child calls setns": """
    process = os.pidfd_open(container.pid)
    pid = kernel.fork()
    if pid == 0:
        kernel.setns(process, others(container.pid))
        give_up(kernel, container)
        kernel.execve(argv[0], argv, container.env)
    return pid
""",
    "the rights are forgotten": """
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
""",
    "the mounts are the host's": """
    kernel.setns(os.pidfd_open(container.pid), others(container.pid) & ~NAMESPACES["mnt"])
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
""",
}


@pytest.mark.parametrize("mistake", SLOPPY)
def test_an_exec_with_too_much_power_starts_nothing(alone: Run, mine: Path, mistake: str) -> None:
    wrong(mine, f"def exec_in(kernel, container, argv):{BODIES[mistake]}")
    start(alone, "--name", "box", "base", "sleep", "600")
    done = alone("exec", "--mine", "--unsafe", "box", "sh", "-c", "echo it runs", timeout=30)
    assert done.returncode and done.stdout == ""
    assert "more than PID 1 has" in done.stderr and SLOPPY[mistake] in done.stderr


def test_without_a_function_of_theirs_ours_serves(alone: Run, mine: Path) -> None:
    mine.unlink()
    id = start(alone, "base", "sleep", "600")
    done = alone("stop", "--mine", "-t", "0", id, timeout=30)
    assert done.returncode == 0 and "there is no stop of yours" in done.stderr


def error_of(run: Run, id: str) -> str:
    return str(json.loads(run("inspect", id).stdout)[0]["State"]["Error"])


def served(store: Path, id: str) -> list[str]:
    """The functions that were noted for a container."""
    lines = [json.loads(line) for line in (store / "used").read_text().splitlines()]
    return [line["function"] for line in lines if id.startswith(line["for"])]


TALK = "echo one; echo two >&2; printf three"
PUMPS = {
    "theirs": "",
    "shouts": """
def log_pump(streams, write):
    poll = select.poll()
    for fd in streams.values():
        poll.register(fd, select.POLLIN)
    while streams:
        for name, fd in list(streams.items()):
            data = os.read(fd, 1000)
            if not data:
                del streams[name]
            for line in data.splitlines(True):
                write(name, line.upper())
""",
    "raises": "def log_pump(streams, write):\n    raise KeyError('stdin')\n",
    "writes what is no entry": "def log_pump(streams, write):\n    write('stdout', b'a\\nb\\n')\n",
    "returns at once": "def log_pump(streams, write):\n    return 0\n",
    "reads nothing": "def log_pump(streams, write):\n    select.poll().poll()\n",
}


@pytest.mark.parametrize("mistake", PUMPS)
def test_the_log_is_written_by_their_pump(
    alone: Run, mine: Path, shared_store: Path, mistake: str
) -> None:
    wrong(mine, PUMPS[mistake])
    more = "; i=0; while [ $i -lt 3000 ]; do echo 4567890123456789012345678901234567890; i=$((i+1)); done"
    long = more if mistake == "reads nothing" else ""  # more than a pipe holds
    id = start(alone, "--mine", "--unsafe", "base", "sh", "-c", TALK + long)
    assert alone("wait", id, timeout=30).stdout == "0\n", "it never waits for their pump"
    logs = alone("logs", id)
    out, err = ("ONE\nTHREE", "TWO\n") if mistake == "shouts" else ("one\nthree", "two\n")
    assert (logs.stdout[:9], logs.stderr) == (out, err)
    assert len(logs.stdout) == 9 + (3000 * 38 if long else 0)
    assert "log_pump" in served(shared_store, id)
    assert ("your log_pump in" in error_of(alone, id)) == (mistake not in ("theirs", "shouts"))


SUPERVISORS = {
    "theirs": ("", 2, ""),
    "starts nothing again": ("def supervise(start, policy, clock):\n    return start()[0]\n", 0, ""),
    "waits as it likes": ("""
def supervise(start, policy, clock):
    for _ in range(int(policy[-1])):
        status, _ = start()
        clock.sleep(0.1)
        policy = "no"
    return status
""", 2, ""),
    "raises": ("def supervise(start, policy, clock):\n    1 / 0\n", 2, "ZeroDivisionError"),
    "waits for ever": ("def supervise(start, policy, clock):\n    while True:\n        start()\n        clock.sleep(1e999)\n", 2, "inf seconds"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SUPERVISORS)
def test_a_policy_is_theirs_to_obey(alone: Run, mine: Path, shared_store: Path, mistake: str) -> None:
    text, count, error = SUPERVISORS[mistake]
    wrong(mine, text)
    id = start(alone, "--mine", "--unsafe", "--restart", "on-failure:2", "base", "false")

    def how() -> tuple[str, int]:
        found = json.loads(alone("inspect", id).stdout)[0]
        return found["State"]["Status"], found["RestartCount"]

    until(lambda: how() == ("exited", count))
    assert served(shared_store, id).count("supervise") == count + 1
    assert error in error_of(alone, id)


def test_what_was_stopped_stays_so_whatever_theirs_says(alone: Run, mine: Path) -> None:
    wrong(mine, "def supervise(start, policy, clock):\n    while True:\n        start()\n        clock.sleep(1)\n")
    id = start(alone, "--mine", "--unsafe", "--restart", "always", "base", "sleep", "600")
    assert alone("stop", "-t", "0", id, timeout=30).returncode == 0
    until(lambda: "starts again what somebody has stopped" in error_of(alone, id))
    assert "Exited" in alone("ps", "-a", "--format", "{{.Status}}").stdout


JOINS = {
    "theirs": ("", ""),
    "enters nothing": ("def join(kernel, pid, kinds):\n    pass\n", "net namespace is not entered"),
    "enters one more": ("""
def join(kernel, pid, kinds):
    kernel.setns(os.pidfd_open(pid), sum(NAMESPACES[kind] for kind in [*kinds, "uts"]))
""", "uts namespace is another one now, unasked"),
    "raises": ("def join(kernel, pid, kinds):\n    raise LookupError(kinds)\n", "LookupError: ['net']"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", JOINS)
def test_a_wall_is_shared_by_their_join(alone: Run, mine: Path, shared_store: Path, mistake: str) -> None:
    text, said = JOINS[mistake]
    wrong(mine, text)
    host = start(alone, "base", "sleep", "600")
    words = ("run", "--mine", "--unsafe", "--network", f"container:{host}", "base", "readlink", "/proc/self/ns/net")
    done = alone(*words, timeout=30)
    assert "your join serves this container" in done.stderr and used(shared_store).count("join")
    if said:
        assert done.returncode == 125 and done.stdout == "" and said in done.stderr
        assert "part join of" in done.stderr and "Traceback" not in done.stderr
    else:
        assert done.stdout == alone("exec", host, "readlink", "/proc/self/ns/net").stdout
