"""The README's two minutes: every line is run, and what it says is compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def steps() -> list[tuple[str, list[str]]]:
    """Return (command, lines that it prints) of the README's tour."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = text.split("<!-- tour:")[1].split("<!-- end of the tour -->")[0]
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", tour, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.needs("root", "pidns", "mntns", "overlay")
@pytest.mark.parametrize(("line", "expected"), steps(), ids=lambda value: str(value)[:60])
def test_the_tour_is_true(
    line: str, expected: list[str], command: list[str], shared_store: Path, tmp_path: Path
) -> None:
    wrapper = tmp_path / "minidocker"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    wrapper.chmod(0o755)
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store), "PYTHONPATH": str(ROOT)}
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == len(expected), done.stdout + done.stderr
    for real, written in zip(said, expected, strict=True):
        pattern = ".*".join(re.escape(part) for part in written.split("…"))
        assert re.fullmatch(pattern, real), f"{real!r} is not {written!r}"
