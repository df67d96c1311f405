"""`minidocker mine`: the page, and its last line, which really opens a shell in there."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.plan import own

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.needs("root", "overlay")
def test_the_last_line_enters_it(
    minidocker: Callable, host_unchanged: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REPOSITORY / "exercises", tmp_path / "mine")
    shutil.copy(REPOSITORY / "solutions/01_pid.py", tmp_path / "mine")
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(tmp_path / "mine"))
    shown = minidocker("mine")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[-1] == f"a shell in there: {own.ENTER}"
    (spawn,) = (line.split() for line in lines if line.startswith("spawn "))
    assert spawn == ["spawn", "pid", "01", "yours"]
    words = shlex.split(own.ENTER.removeprefix("minidocker "))
    words[words.index("-it")] = "--rm"  # no terminal in a test
    told = minidocker(*words, "-c", "echo $$")
    assert told.stdout == "1\n"
