"""attach, and start -a -i: a terminal joined to a container that runs alone. See docs/engine.md"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest
from keeping import ROOT, Run, keepers, kill, record, start, until

from minidocker.engine.keys import detach_keys, pass_on
from minidocker.errors import UsageError

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
ON_GO = "while [ ! -e /go ]; do sleep 0.05; done"


def attach(command: list[str], store: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command that is attached."""
    return subprocess.Popen(
        [*command, *words], text=True, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
        env={**os.environ, "MINIDOCKER_ROOT": str(store)},
    )  # fmt: skip


def test_start_attached(alone: Run) -> None:
    alone("create", "-i", "--network", "none", "--name", "box", "base", "sh", "-c",
          "echo first; read a; echo got $a; echo err >&2; cat; exit 3")  # fmt: skip
    for _ in range(2):
        done = alone("start", "-ai", "box", stdin=None, input="one\ntwo\n")
        assert (done.returncode, done.stdout, done.stderr) == (3, "first\ngot one\ntwo\n", "err\n")
    assert alone("attach", "box").returncode == 1
    assert "one container" in alone("start", "-a", "box", "box").stderr


@pytest.mark.parametrize("which", [0, 1], ids=["keeper", "standby"])
def test_attach_goes_on_when_a_keeper_is_killed(
    which: int, alone: Run, command: list[str], shared_store: Path
) -> None:
    id = start(alone, "-i", "--name", "box", "base", "sh", "-c", f"cat; {ON_GO}; echo end; exit 4")
    with attach(command, shared_store, "attach", "box") as joined:
        assert joined.stdin
        assert joined.stdout
        joined.stdin.write("one\n")
        joined.stdin.flush()
        assert joined.stdout.readline() == "one\n"
        kill(keepers(shared_store, id)[which])
        joined.stdin.write("two\n")
        joined.stdin.flush()
        assert joined.stdout.readline() == "two\n"
        assert alone("exec", "box", "touch", "/go").returncode == 0
        assert joined.communicate(timeout=20)[0] == "end\n"  # which closes its input
        assert joined.returncode == 4


def test_input_that_nobody_reads_holds_nothing_up(
    alone: Run, command: list[str], shared_store: Path
) -> None:
    start(alone, "-i", "--name", "box", "base", "sh", "-c", f"echo up; {ON_GO}; wc -c")
    data = "0123456789abcde\n" * 40_000
    with attach(command, shared_store, "attach", "box") as joined:
        assert joined.stdin
        until(lambda: alone("logs", "box").stdout == "up\n")
        writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=joined.stdin, text=True)
        joined.stdin.close()
        assert writer.stdin
        feeder = os.fork()
        if feeder == 0:
            writer.stdin.write(data)
            writer.stdin.close()
            os._exit(0)
        writer.stdin.close()
        assert alone("exec", "box", "touch", "/go", timeout=10).returncode == 0
        assert joined.stdout
        assert joined.stdout.read().split()[-1] == str(len(data))
        os.waitpid(feeder, 0)
        writer.wait(timeout=10)
        assert joined.wait(timeout=10) == 0


def test_a_terminal_is_joined_and_left_by_the_keys(
    alone: Run, command: list[str], shared_store: Path
) -> None:
    run = ["run", "-it", "--detach-keys", "ctrl-p,ctrl-q", "--network", "none", "--name", "box"]
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    for times, words in enumerate(([*run, "base", "sh"], ["attach", "box"], ["attach", "box"])):
        child = pexpect.spawn(command[0], [*command[1:], *words], env=env, timeout=20,
                              encoding="utf-8", cwd=str(ROOT), dimensions=(30 + times, 70))  # fmt: skip
        child.sendline("stty size")
        child.expect(f"{30 + times} 70")
        child.send("\x10\x11")
        child.expect("it runs on")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    assert "Up " in alone("ps").stdout


def test_a_signal_for_attach_is_for_the_command(
    alone: Run, command: list[str], shared_store: Path
) -> None:
    id = start(alone, "--name", "box", "base", "sh", "-c",
               "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done")  # fmt: skip
    with attach(command, shared_store, "attach", "box") as joined:
        assert record(shared_store, id)["status"] == "running"
        until(lambda: "up" in alone("logs", "box").stdout)
        mask = Path(f"/proc/{joined.pid}/status")
        until(lambda: int(mask.read_text().split("SigCgt:")[1].split()[0], 16) >> 14 & 1)
        joined.send_signal(signal.SIGTERM)
        assert joined.wait(timeout=20) == 7


@pytest.mark.parametrize(
    ("typed", "passed", "left"),
    [(b"ls\x10\x11", b"ls", True), (b"\x10\x10\x11more", b"\x10", True), (b"\x10l", b"\x10l", False),
     (b"\x11\x10", b"\x11", False), (b"\x10\x10\x10", b"\x10\x10", False)],
)  # fmt: skip
def test_the_detach_keys_are_found_wherever_they_begin(typed: bytes, passed: bytes, left: bool) -> None:
    assert pass_on(b"\x10\x11", b"", typed)[::2] == (passed, left)
    said, waits = b"", b""
    for at in range(len(typed)):  # the same by single keys
        more, waits, found = pass_on(b"\x10\x11", waits, typed[at : at + 1])
        said += more
        if found:
            break
    assert (said, found) == (passed, left)
    assert pass_on(b"aab", b"", b"aaab") == (b"a", b"", True)


def test_detach_keys_are_read_as_docker_does() -> None:
    assert detach_keys("ctrl-p,ctrl-q") == b"\x10\x11"
    assert detach_keys("a,ctrl-@,ctrl-_") == b"a\x00\x1f"
    assert detach_keys("") == b""
    for wrong in ("ctrl-", "ab", "ctrl-ab", "a,,b"):
        with pytest.raises(UsageError):
            detach_keys(wrong)
