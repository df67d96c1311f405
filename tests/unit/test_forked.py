"""Work that a child does, and what is heard of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minidocker.forked import answer_of

REPOSITORY = Path(__file__).resolve().parents[2]


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_the_answer_comes_whole() -> None:
    long = os.urandom(3 << 20)
    before = children()
    assert answer_of(lambda: long, 20) == long
    assert answer_of(lambda: b"", 20) == b""
    assert children() == before


def never() -> bytes:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(9)


@pytest.mark.parametrize(
    "work", [never, lambda: os._exit(0), lambda: 1 / 0, lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: b"x" * 11]
)
def test_who_hangs_fails_or_says_too_much_has_said_nothing(work) -> None:
    before = children(), os.listdir("/proc/self/fd")
    begun = time.monotonic()
    assert answer_of(work, 0.3, most=10) == b""
    assert time.monotonic() - begun < 20
    assert (children(), os.listdir("/proc/self/fd")) == before


SWALLOWS = """
import logging, os, signal, sys
from minidocker.forked import answer_of
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    answer_of(lambda: b"x", 20)
except KeyboardInterrupt:
    sys.exit(7)
"""


def test_a_ctrl_c_during_the_fork_is_heard() -> None:
    """Raised in a function that Python calls after a fork, it would only be printed."""
    done = subprocess.run([sys.executable, "-c", SWALLOWS], cwd=REPOSITORY, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (7, b"")


def test_a_child_that_has_lost_its_parent_ends(tmp_path: Path) -> None:
    script = (
        "import os, time\nfrom minidocker.forked import answer_of\n"
        f"answer_of(lambda: (open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())), time.sleep(100)), 0.5)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY) as process:
        end = time.monotonic() + 20
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        process.kill()
    pid = (tmp_path / "pid").read_text()
    while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}/exe")
