"""What a container in the foreground says is kept, too: `logs`, `attach` and `wait` of another terminal."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keeping import ROOT, Run, start, until, waits

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(command: list[str], shared_store: Path, alone: Run) -> Iterator[Begin]:
    """Start commands of ours that go on."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str, **more: object) -> subprocess.Popen[str]:
        env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        begun.append(subprocess.Popen(
            [*command, *words], env=env, cwd=ROOT, text=True, **{**options, **more},  # type: ignore[call-overload]
        ))  # fmt: skip
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def test_what_it_said_can_be_read_when_it_has_ended(alone: Run, shared_store: Path) -> None:
    # Whoever the command is may open /dev/stdout: of what runs alone, too.
    words = ("-u", "1000", "base", "sh", "-c",
             "echo out; echo err >&2; echo again > /dev/stdout; printf part; exit 3")  # fmt: skip
    ran = alone("run", "--network", "none", "--name", "box", *words)
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "out\nagain\npart", "err\n")
    logged = alone("logs", "box")
    assert (logged.stdout, logged.stderr) == (ran.stdout, ran.stderr)
    id = start(alone, *words)
    assert alone("wait", id).stdout == "3\n"
    assert alone("logs", id).stdout == ran.stdout
    assert alone("start", "-a", "box").returncode == 3
    assert alone("logs", "box").stdout == ran.stdout * 2


@pytest.mark.parametrize(("words", "out", "err"), [
    (["-a", "stdout"], "out\n", ""), (["--rm", "--attach=STDERR"], "", "err\n"),
    (["-i", "-astdin", "-astderr"], "", "err\n"), (["-i", "-astdin"], "[0-9a-f]{12}\n", ""),
])  # fmt: skip
def test_of_its_streams_these_alone(alone: Run, words: list[str], out: str, err: str) -> None:
    """-a: the others go into the log alone; who hears none of them is told the id."""
    ran = alone("run", "--network", "none", *words, "base", "sh", "-c", "echo out; echo err >&2")
    assert (ran.returncode, ran.stderr) == (0, err) and re.fullmatch(out, ran.stdout)


def test_with_a_terminal_its_log_is_as_it_was_shown(alone: Run) -> None:
    ran = alone("run", "--network", "none", "--name", "box", "-t", "base", "echo", "shown")
    assert ran.stdout == "shown\n" == alone("logs", "box").stdout


def test_another_terminal_hears_it_while_it_runs(alone: Run, begin: Begin) -> None:
    box = begin("run", "--network", "none", "--name", "box", "-i", "base", "sh", "-c",
                "echo one; read x; echo $x; echo bad >&2; exit 4")  # fmt: skip
    assert box.stdin and box.stdout and box.stdout.readline() == "one\n"
    logs, wait = begin("logs", "-f", "box"), begin("wait", "box")
    attach = begin("attach", "box", stdin=subprocess.DEVNULL)
    assert logs.stdout and logs.stdout.readline() == "one\n"
    assert attach.stderr and "another terminal" in attach.stderr.readline()
    box.stdin.write("two\n")
    box.stdin.flush()
    assert attach.communicate(timeout=60) == ("two\n", "bad\n") and attach.returncode == 4
    assert logs.communicate(timeout=60) == ("two\n", "bad\n")
    assert wait.communicate(timeout=60) == ("4\n", "")
    assert box.communicate(timeout=60) == ("two\n", "bad\n") and box.returncode == 4


def test_with_rm_it_has_its_callers_own_streams(alone: Run, begin: Begin) -> None:
    box = begin("run", "--rm", "--network", "none", "--name", "box", "-i", "base", "sh", "-c",
                "echo one; read x; exit 4")  # fmt: skip
    assert box.stdin and box.stdout and box.stdout.readline() == "one\n"
    for word in ("logs", "attach"):
        assert "--rm" in alone(word, "box").stderr
    wait = begin("wait", "box", stdin=subprocess.DEVNULL)
    until(lambda: waits(wait.pid))
    box.communicate("\n", timeout=60)
    assert wait.communicate(timeout=60) == ("4\n", "")


def test_a_caller_that_reads_nothing_holds_up_nobody_but_the_command(
    alone: Run, begin: Begin, shared_store: Path
) -> None:
    box = begin("run", "--network", "none", "--name", "box", "base", "yes", "words")
    directory = shared_store / "containers"
    names = directory / "names/box"
    until(names.is_symlink)
    log = directory / os.path.basename(os.readlink(names)) / "log.json"
    until(lambda: log.exists() and log.stat().st_size > 1 << 17)  # its pipes are full
    assert alone("exec", "box", "true").returncode == 0
    assert alone("stop", "-t", "0", "box", timeout=30).returncode == 0
    assert box.stdout and set(box.stdout.read().split()) <= {"words", "word", "wor", "wo", "w"}
    assert box.wait(timeout=60) == 137


def test_a_caller_that_goes_is_a_closed_pipe_for_the_command(alone: Run, begin: Begin) -> None:
    box = begin("run", "--network", "none", "--name", "box", "base", "sh", "-c", "yes; exit 5")
    assert box.stdout and box.stdout.readline() == "y\n"
    box.stdout.close()
    assert box.wait(timeout=60) == 5
    with open("/dev/full", "w") as full:
        lost = begin("run", "--network", "none", "--name", "full", "base", "echo", "x", stdout=full)
        assert "No space left" in lost.communicate(timeout=60)[1] and lost.returncode == 125
    assert alone("logs", "full").stdout == "x\n"  # and it is there still
