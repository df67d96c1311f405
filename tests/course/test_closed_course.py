"""A course in a directory that is closed to others, as /root is, can be judged all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.needs("root", "pidns", "userns")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of what a judge needs, below a directory of mode 700."""
    closed = tmp_path / "closed"
    course = closed / "course"
    closed.mkdir(0o700)
    unwanted = shutil.ignore_patterns("__pycache__", "wrong", "right", "vm", "cli", "unit")
    for name in ("minidocker", "tests", "exercises", "solutions", "notebooks"):
        shutil.copytree(ROOT / name, course / name, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", course)
    return course


def ask(course: Path, *words: str) -> str:
    """Run Python on the copy, and return what it said."""
    env = {**os.environ, "PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *words], cwd=course, env=env, capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL)  # fmt: skip
    return done.stdout + done.stderr


def test_a_closed_directory_above_it(course: Path) -> None:
    """The reference imports the package in its cell."""
    said = ask(course, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "tests/stages/test_01_pid.py", "-k", "order and reference")  # fmt: skip
    assert "1 passed" in said, said


def test_files_that_nobody_else_may_read_are_named(course: Path) -> None:
    (course / "minidocker").chmod(0o700)
    (course / "minidocker/errors.py").chmod(0o600)
    said = ask(course, "-m", "minidocker", "grade", "01", "--from", "solutions")
    assert f"chmod -R go+rX {course}/minidocker" in said, said
    assert "blocked" in said and "✓" not in said
