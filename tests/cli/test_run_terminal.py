"""`minidocker run` and its terminal: readers that leave, typing that nobody reads."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.needs("root", "overlay")


@pytest.fixture
def store_env(shared_store: Path) -> dict[str, str]:
    return {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_reader_that_leaves_ends_a_terminal_quietly(
    command: list[str], store_env: dict[str, str]
) -> None:
    line = f"{' '.join(command)} run --rm -t base yes | head -2; echo end"
    shell = pexpect.spawn("bash", ["-c", line], env=store_env, timeout=30, encoding="utf-8")
    shell.expect("end")
    assert "minidocker" not in shell.before
    assert "Traceback" not in shell.before
    shell.close()


def test_output_that_cannot_be_written_is_no_success(
    command: list[str], store_env: dict[str, str]
) -> None:
    """Docker's end for it, too: 125, and the reason."""
    args = [*command, "run", "--rm", "-t", "base", "echo", "hi"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(args, env=store_env, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 125
    assert b"output is lost: write(2): No space left on device" in done.stderr


def test_a_reader_that_leaves_does_not_stop_an_explained_run(
    command: list[str], store_env: dict[str, str], tmp_path: Path
) -> None:
    line = f"{' '.join(command)} run --rm --explain base sh -c 'exit 7' 2>&1 | true"
    script = f"{line}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=store_env, capture_output=True, timeout=60)
    assert done.returncode == 7, done


def test_typing_at_a_command_that_closed_its_terminal(
    command: list[str], store_env: dict[str, str]
) -> None:
    args = ["run", "--rm", "-it", "base", "sh", "-c"]
    script = "echo begin; exec </dev/null >/dev/null 2>&1; sleep 2; exit 3"
    child = pexpect.spawn(command[0], [*command[1:], *args, script], env=store_env, timeout=30)
    child.expect("begin")
    for _ in range(4):
        time.sleep(0.3)
        child.send("x\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3


def test_a_large_paste_waits_without_spinning(
    command: list[str], store_env: dict[str, str]
) -> None:
    args = ["run", "--rm", "-it", "base", "sh", "-c", "stty raw -echo; echo begin; sleep 60"]
    child = pexpect.spawn(command[0], [*command[1:], *args], env=store_env, timeout=30)
    child.expect("begin")
    os.set_blocking(child.fileno(), False)
    sent = 0
    end = time.monotonic() + 2
    while time.monotonic() < end and sent < 400_000:
        try:
            sent += os.write(child.fileno(), b"x" * 4000)
        except BlockingIOError:
            time.sleep(0.02)
    before = _cpu_ticks(child.pid)
    time.sleep(1)
    after = _cpu_ticks(child.pid)
    child.close(force=True)
    assert after - before <= 20  # a hundred is one second of one CPU
