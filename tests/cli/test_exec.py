"""exec: one more command in a container that runs, with no more power than its own. docs/engine.md"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest
from keeping import ROOT, Run, keepers, kill, record, start, until

from minidocker.proc import living

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

# What an x-ray says that may differ between two processes of one container.
OWN = ("pid", "pids", "ppid", "name", "command", "state", "compared_with", "holes", "summary", "processes")
WAYS = {
    "plain": (),
    "user": ("--user", "1000:1000", "--security-opt", "no-new-privileges", "--read-only"),
    "rights": ("--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN", "--ulimit", "nofile=100:200",
               "--security-opt", "seccomp=unconfined"),
    "userns": ("--userns", "private"),
    "shared": ("--ipc", "host", "--uts", "host", "--init"),
}  # fmt: skip


@pytest.fixture
def box(alone: Run) -> str:
    """The id of a container that runs."""
    return start(alone, "--name", "box", "base", "sleep", "600")


def xray(run: Run, pid: int) -> dict[str, Any]:
    """The walls of a process."""
    found = json.loads(run("xray", "--json", str(pid)).stdout)
    found["cgroup"].pop("use")  # which changes from moment to moment
    return {key: value for key, value in found.items() if key not in OWN}


@pytest.mark.parametrize("way", WAYS)
def test_it_has_exactly_the_walls_of_pid_1(way: str, alone: Run, shared_store: Path) -> None:
    id = start(alone, *WAYS[way], "base", "sleep", "61")
    main, keeper = record(shared_store, id)["pid"], keepers(shared_store, id)[0]
    done = alone("exec", "-d", id, "sleep", "62")
    assert done.returncode == 0, done.stderr

    def entered() -> list[int]:
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        return [int(pid) for pid in children if b"62" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    (pid,) = until(entered)
    ours, theirs = xray(alone, main), xray(alone, pid)
    if way == "shared":  # there PID 1 is an init of ours, which keeps less than its command
        (main,) = [int(n) for n in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
        ours = xray(alone, main)
    assert theirs == ours
    for name in ("limits", "oom_score_adj", "loginuid"):
        assert Path(f"/proc/{pid}/{name}").read_text() == Path(f"/proc/{main}/{name}").read_text()
    lines = ("Uid", "Gid", "Groups", "NoNewPrivs", "Cap", "Seccomp", "SigBlk", "SigIgn", "Umask")
    status = [
        [line for line in Path(f"/proc/{one}/status").read_text().splitlines() if line.startswith(lines)]
        for one in (pid, main)
    ]
    assert status[0] == status[1]
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]
    assert os.readlink(f"/proc/{pid}/exe") == os.readlink(f"/proc/{main}/exe")


def test_words_streams_and_status(alone: Run, box: str) -> None:
    done = alone("exec", "box", "sh", "-c", "echo out; echo err >&2; exit 4")
    assert (done.returncode, done.stdout, done.stderr) == (4, "out\n", "err\n")
    done = alone("exec", "-i", "box", "cat", stdin=None, input="hello\n")
    assert done.stdout == "hello\n"
    assert alone("exec", "box", "cat", stdin=None, input="not for it").stdout == ""
    done = alone("exec", "-u", "1000", "-w", "/tmp", "-e", "A=b c", "-e", "HERE", "box", "sh", "-c",
                 "id -u; pwd; echo $A $HERE", env={"HERE": "mine"})  # fmt: skip
    assert done.stdout == "1000\n/tmp\nb c mine\n"
    assert alone("exec", "box", "sh", "-c", "kill -9 $$").returncode == 137


def test_the_last_of_a_variable_counts_and_files_come_first(
    alone: Run, box: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("# a note\nA=file\nB=file\nC\nD\n")
    words = ("--env-file", str(tmp_path / "file"), "-e", "B=1", "-e", "B=2", "-e", "PATH=/bin:/usr/bin")
    done = alone("exec", *words, "box", "env", env={"C": "mine"})
    assert sorted(line for line in done.stdout.splitlines() if line[:2] in ("A=", "B=", "C=", "D=")) == [
        "A=file", "B=2", "C=mine",
    ]  # fmt: skip
    assert done.stdout.count("PATH=") == 1 and "PATH=/bin:/usr/bin\n" in done.stdout
    done = alone("exec", "--env-file", str(tmp_path / "gone"), "box", "env")
    assert done.returncode == 1 and "No such file" in done.stderr


def test_what_cannot_be_says_so(alone: Run, box: str) -> None:
    done = alone("exec", "box", "nonesuch")
    assert done.returncode == 127 and "cannot run nonesuch" in done.stderr
    assert alone("exec", "box", "/etc").returncode == 126
    for where in ("/nowhere", "/proc/self/fd/4", "/proc/self/fd/9"):
        done = alone("exec", "-w", where, "box", "pwd")
        assert done.returncode != 0 and done.stderr.startswith("minidocker: "), where
    for where, status in (("/nowhere", 127), ("/etc/passwd", 126)):
        done = alone("exec", "-w", where, "box", "pwd")
        assert done.returncode == status and f"cannot enter {where} in the container" in done.stderr
        assert f'(Docker says: chdir to cwd ("{where}") set in config.json failed: n' in done.stderr
    for word in (["exec", "-it", "box"], ["run", "-it", "--network", "none", "base"]):
        done = alone(*word, "true")
        assert done.returncode == 1 and "(Docker says: the input device is not a TTY)" in done.stderr
    assert "no user" in alone("exec", "-u", "nobody-here", "box", "true").stderr
    assert alone("exec", "box").returncode == 1
    alone("stop", "-t", "0", "box")
    done = alone("exec", "box", "true")
    assert done.returncode == 1 and "is not running" in done.stderr


def test_a_passwd_that_is_the_kernels_is_not_read(alone: Run, tmp_path: Path) -> None:
    """To read it may change something: /proc/kmsg gives each of the host's messages to one reader."""
    id = start(alone, "base", "sh", "-c",
               "printf e:x:7:7::/: > /proc/1/comm; ln -sf /proc/1/comm /etc/passwd; echo up; "
               "while :; do sleep 600; done")  # fmt: skip
    until(lambda: alone("logs", id).stdout == "up\n")
    assert alone("exec", id, "cat", "/etc/passwd").stdout == "e:x:7:7::/:\n"
    assert "no user" in alone("exec", "-u", "e", id, "id").stderr
    assert alone("exec", "-u", "7", id, "id", "-u").stdout == "7\n"
    (tmp_path / "file").touch()
    assert alone("cp", "-a", f"{tmp_path}/file", f"{id}:/file").returncode == 0


def test_a_terminal_of_its_own(
    box: str, alone: Run, command: list[str], shared_store: Path
) -> None:  # fmt: skip
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    child = pexpect.spawn(command[0], [*command[1:], "exec", "-it", "box", "sh"], env=env,
                          timeout=20, encoding="utf-8", cwd=str(ROOT), dimensions=(33, 77))  # fmt: skip
    child.sendline("stty size; tty; trap 'echo caught' INT")
    child.expect("33 77")
    child.expect("/dev/pts/")
    child.sendline("ps | grep -c '[m]inidocker'; cat")
    child.expect("\r\n0\r\n")
    child.sendline("cat is here")
    child.expect("cat is here\r\ncat is here\r\n")
    child.sendintr()
    child.expect("caught")
    child.sendline("exit 6")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 6


def test_its_terminal_is_left_by_the_keys(
    alone: Run, command: list[str], shared_store: Path
) -> None:
    id = start(alone, "base", "sleep", "600")
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    words = ["exec", "-it", "--detach-keys", "ctrl-x,y", id, "sh", "-c",
             "echo up; read a; echo got $a; until [ -e /go ]; do sleep 0.02; done; "
             "yes | head -n 100000; echo $? > /done; sleep 600"]  # fmt: skip
    child = pexpect.spawn(command[0], [*command[1:], *words], env=env, timeout=60,
                          encoding="utf-8", cwd=str(ROOT))  # fmt: skip
    child.expect("up\r\n")
    child.send("x\x18z\r")  # not the keys
    child.expect("got x\x18z\r\n")
    child.send("\x18y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert alone("exec", id, "touch", "/go").returncode == 0
    until(lambda: alone("exec", id, "cat", "/done").stdout == "0\n", 60)
    assert alone("exec", "--detach-keys", "ctrl-", id, "true").returncode != 0


def test_the_end_of_the_container_ends_it(
    alone: Run, box: str, command: list[str], shared_store: Path
) -> None:  # fmt: skip
    with visitor(command, shared_store, "sleep", "600") as inside:
        assert inside.stdout
        assert inside.stdout.readline() == "in\n"
        alone("stop", "-t", "0", "box")
        inside.communicate(timeout=20)
        assert inside.returncode == 137


@pytest.mark.parametrize("which", [0, 1], ids=["keeper", "standby"])
def test_its_status_outlives_a_keeper(
    which: int, alone: Run, box: str, command: list[str], shared_store: Path
) -> None:  # fmt: skip
    words = ("sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; exit 8")
    with visitor(command, shared_store, *words) as inside:
        assert inside.stdout
        assert inside.stdout.readline() == "in\n"
        kill(keepers(shared_store, box)[which])
        assert alone("exec", "box", "touch", "/go").returncode == 0
        inside.communicate(timeout=20)
        assert inside.returncode == 8


def visitor(command: list[str], store: Path, *words: str) -> subprocess.Popen[str]:
    """Start an exec that says "in" and then does something."""
    script = 'echo in; exec "$@"'
    return subprocess.Popen(
        [*command, "exec", "box", "sh", "-c", script, "sh", *words], text=True, cwd=ROOT,
        stdout=subprocess.PIPE, env={**os.environ, "MINIDOCKER_ROOT": str(store)},
    )  # fmt: skip


def test_a_caller_that_goes_leaves_it_running(
    alone: Run, box: str, command: list[str], shared_store: Path
) -> None:  # fmt: skip
    with visitor(command, shared_store, "sh", "-c", "sleep 0.5; touch /done") as inside:
        assert inside.stdout
        assert inside.stdout.readline() == "in\n"
        inside.send_signal(signal.SIGKILL)
    until(lambda: alone("exec", "box", "test", "-e", "/done").returncode == 0)


def test_a_container_that_may_trace_is_not_entered(alone: Run) -> None:
    id = start(alone, "--cap-add", "SYS_PTRACE", "base", "sleep", "600")
    done = alone("exec", id, "true")
    assert done.returncode != 0 and "CAP_SYS_PTRACE" in done.stderr


def test_a_container_that_one_who_may_trace_has_joined_is_not_entered(alone: Run) -> None:
    """Who has joined a pid namespace sees who enters it, though its first container may trace nobody."""
    first = start(alone, "base", "sleep", "600")
    assert alone("exec", first, "true").returncode == 0
    tracer = start(alone, "--pid", f"container:{first}", "--cap-add", "SYS_PTRACE", "base", "sleep", "600")
    for words in (("exec", first, "true"), ("run", "--rm", "--pid", f"container:{first}", "base", "true")):
        done = alone(*words)
        assert done.returncode != 0 and "CAP_SYS_PTRACE" in done.stderr
    alone("rm", "-f", tracer)
    assert alone("exec", first, "true").returncode == 0


def test_many_at_once(alone: Run, box: str, command: list[str], shared_store: Path) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    many = [
        subprocess.Popen([*command, "exec", "box", "sh", "-c", f"exit {n}"], env=env, cwd=ROOT)
        for n in range(8)
    ]  # fmt: skip
    assert [one.wait(timeout=60) for one in many] == list(range(8))
    main = record(shared_store, box)["pid"]
    assert living.mark(main) and sys.platform == "linux"
