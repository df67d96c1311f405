"""A cell's process: fresh, its output streamed, its status told, and nothing of it left behind."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minidocker.lab import cells, isolated
from minidocker.lab.cells import CellFailed, sh

REPOSITORY = Path(__file__).resolve().parents[2]


def run(source: str, *options: str) -> tuple[int, str]:
    """Run the text of a cell; its status and its output."""
    pieces: list[str] = []
    status = cells.stream(list(options), source, pieces.append)
    return status, "".join(pieces)


def holders(token: str) -> list[int]:
    """The processes that have the token in their environment or command line, me left out."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{name}/environ").read_bytes()
            text += Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if token.encode() in text and int(name) != os.getpid():
            found.append(int(name))
    return found


def wait_until_none(token: str) -> None:
    """Wait until no process has the token; fail with their command lines."""
    for _ in range(100):
        if not holders(token):
            return
        time.sleep(0.05)
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in holders(token)]
    raise AssertionError(f"still there: {lines}")


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """A word that every process of this test has in its environment."""
    word = f"md-test-{secrets.token_hex(8)}"
    monkeypatch.setenv("MD_TEST_TOKEN", word)
    return word


def test_the_last_expression_is_shown_and_statements_are_not():
    assert run("x = 20\nx + 1") == (0, "21\n")
    assert run("x = 20") == (0, "")


def test_a_cell_is_another_process_in_another_session():
    _, output = run("print(os.getpid(), os.getsid(0))")
    pid, session = map(int, output.split())
    assert pid != os.getpid()
    assert session != os.getsid(0)


def test_the_kernel_and_its_constants_are_ready_for_use():
    assert run("print(kernel.getpid() == os.getpid(), hex(CLONE_NEWPID))") == (
        0,
        "True 0x20000000\n",
    )


def test_a_failing_assert_is_status_1_with_the_cells_own_line_only():
    status, output = run("x = 1\nassert x == 2, 'not two'")
    assert status == 1
    assert "assert x == 2" in output
    assert "AssertionError: not two" in output
    assert "celltext" not in output


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit()", 0),
        ("os.kill(os.getpid(), 9)", 137),
    ],
)
def test_the_status_is_the_cells_own(source: str, status: int):
    assert run(source)[0] == status


def test_a_forked_child_that_runs_to_the_end_of_the_cell_ends_there():
    status, output = run("pid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('once', flush=True)")
    assert (status, output.count("once")) == (0, 2)


def test_arguments_reach_python_and_shell():
    assert run("import sys; print(sys.argv[1:])", "--", "one", "-2")[1] == "['one', '-2']\n"
    assert run('echo "$1-$2"', "--sh", "--", "one", "two")[1] == "one-two\n"


def test_standard_input_is_empty_and_not_the_cells_text():
    assert run("cat; echo done", "--sh")[1] == "done\n"


def test_a_cell_that_kills_its_supervisor_ends_as_in_a_shell() -> None:
    assert run("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")[0] == 137


def test_output_comes_while_the_cell_runs():
    times: list[float] = []
    begin = time.monotonic()
    cells.stream(["--sh"], "echo a; sleep 1; echo b", lambda _: times.append(time.monotonic()))
    assert times[-1] - times[0] > 0.8
    assert times[0] - begin < times[-1] - begin


def test_what_a_cell_leaves_is_ended_and_told(token: str):
    leave = "import subprocess\nsubprocess.Popen(['sleep', '300'], start_new_session=True)"
    status, output = run(f"{leave}; x = 1")
    assert status == 0
    assert "1 process of this cell still ran, and was ended" in output
    assert not holders(token)


def test_a_zombie_at_the_end_is_no_news():
    status, output = run("pid = os.fork() or os._exit(0)\nimport time; time.sleep(0.2); x = pid")
    assert (status, output) == (0, "")


def test_too_much_output_ends_the_cell(monkeypatch: pytest.MonkeyPatch, token: str):
    monkeypatch.setattr(cells, "MOST_OUTPUT", 10_000)
    status, output = run("yes", "--sh")
    assert status != 0
    assert "more than 10000 characters" in output
    assert len(output) < 200_000
    assert not holders(token)


CELL_WITH_CHILDREN = """
import sys
from minidocker.lab import cells
try:
    text = "sleep 300 & setsid sleep 300 & (setsid sh -c 'sleep 300; :' &) ; echo go; wait"
    cells.stream(["--sh"], text, lambda output: print(output, flush=True))
except cells.CellFailed as problem:
    print(problem, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_or_the_death_of_the_notebook_ends_every_process(token: str, number: int):
    with subprocess.Popen(
        [sys.executable, "-c", CELL_WITH_CHILDREN],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE, text=True,
    ) as notebook:  # fmt: skip
        assert notebook.stdout
        assert notebook.stdout.readline() == "go\n"
        assert len(holders(token)) >= 5
        notebook.send_signal(number)
        rest = notebook.stdout.read()
    if number == signal.SIGINT:
        assert "interrupted: every process of this cell was ended" in rest
    wait_until_none(token)


def test_sh_returns_the_output_and_minds_the_status():
    assert sh("echo one; echo two") == "one\ntwo"
    assert sh("exit 3", status=3) == ""
    with pytest.raises(CellFailed, match="exit status 3, and not 0"):
        sh("exit 3")


def test_a_cell_that_starts_a_name_may_be_run_again() -> None:
    named = "unshare --pid --fork sh -c 'exec sleep 60' sh --name one"
    first = cells.start(named)
    second = cells.start(named.replace("--name one", "--name=one"))
    try:
        assert not os.path.exists(f"/proc/{first.pid}") and os.path.exists(f"/proc/{second.pid}")
    finally:
        second.stop()


def test_start_waits_for_a_program_in_a_namespace_and_says_why_not(token: str):
    with pytest.raises(CellFailed, match="does not run as expected"):
        cells.start("echo hello")
    with pytest.raises(CellFailed, match="no program 'no-such-program'"):
        cells.start("no-such-program --at all")
    wait_until_none(token)


def test_the_options_are_those_of_unshare():
    flags = isolated.parse(["-pf", "--uts", "--mount-proc"])
    assert flags.fork
    assert flags.mount
    assert flags.flags == 0x20000000 | 0x04000000 | 0x00020000
    assert isolated.parse(["--", "pid"]).args == ["pid"]


def test_a_namespace_without_its_dashes_is_refused(capsys):
    with pytest.raises(SystemExit):
        isolated.parse(["pid"])
    assert "arguments come after --" in capsys.readouterr().err


@pytest.mark.needs("root")
def test_pid_moves_children_and_fork_moves_the_cell():
    child = "pid = os.fork() or os._exit(os.getpid())\n"
    status = "os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    assert run(child + status, "--pid") == (0, "1\n")
    assert run("os.getpid()", "--pid", "--fork") == (0, "1\n")
    assert run("ps -e | wc -l; echo $$", "--pid", "--mount-proc", "--sh")[1].split() == ["4", "1"]


@pytest.mark.needs("root")
def test_a_mount_in_a_cell_does_not_reach_the_host():
    before = Path("/proc/self/mountinfo").read_text()
    run("mount -t tmpfs nothing /mnt && touch /mnt/x", "--mount", "--sh")
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.mark.needs("root")
def test_the_death_of_the_notebook_ends_a_pid_namespace(token: str):
    code = (
        "from minidocker.lab.cells import start\n"
        "box = start('unshare --pid --fork --mount-proc sh -c \"sleep 300 & sleep 300\"')\n"
        "print(box.pid, flush=True)\nimport time; time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as notebook:  # fmt: skip
        assert notebook.stdout
        assert int(notebook.stdout.readline()) > 1
        notebook.kill()
    wait_until_none(token)


@pytest.mark.needs("root")
def test_a_started_command_outlives_its_starter_until_stop(token: str):
    box = cells.start("unshare --pid --fork sleep 300")
    os.kill(box.starter, signal.SIGKILL)
    time.sleep(0.5)
    assert Path(f"/proc/{box.pid}").exists()
    box.stop()
    assert not Path(f"/proc/{box.pid}").exists()
    assert not holders(token)
