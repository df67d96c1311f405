"""`minidocker doctor` as a learner runs it: status, streams, formats."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from minidocker.course import manifest

ROOT = Path(__file__).parents[2]
LESSON = """
title = "{title}"
question = "?"
notebook = "notebooks/x.ipynb"
minutes = 1
needs = [{needs}]
"""


def write_course(folder: Path, zero: str = "") -> None:
    """Make a course of two lessons, of which the first one needs `zero`."""
    lessons = folder / manifest.FOLDER
    for made in (lessons, folder / "exercises"):
        made.mkdir(parents=True, exist_ok=True)
    (lessons / manifest.COMMON).write_text("")
    text = LESSON.format(title="What is a container?", needs=zero)
    (lessons / "00_what.toml").write_text(text)
    (lessons / "01_pid.toml").write_text(LESSON.format(title="The pid namespace", needs=""))


def run(folder: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from minidocker.__main__ import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "doctor", *argv],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def course(tmp_path: Path) -> Path:
    write_course(tmp_path)
    return tmp_path


def test_it_says_which_lessons_run(course: Path) -> None:
    done = run(course)
    assert (done.returncode, done.stderr) == (0, "")
    assert "00_what  What is a container?: runs here" in done.stdout
    assert "You can begin: lessons 00 and 01 run here." in done.stdout
    assert "\x1b" not in done.stdout


def test_a_lesson_that_cannot_run_gives_status_1(course: Path) -> None:
    write_course(course, '"no_such_feature"')
    done = run(course)
    assert done.returncode == 1
    assert "blocked: needs no_such_feature" in done.stdout


def test_json_is_json_and_nothing_else(course: Path) -> None:
    done = run(course, "--json")
    told = json.loads(done.stdout)
    assert told["version"] == 1 and told["ok"] is True
    assert [item["id"] for item in told["lessons"]] == ["00_what", "01_pid"]
    assert {item["state"] for item in told["findings"]} <= {"ok", "gap", "info"}


def test_the_store_that_is_asked_about_is_the_one_named(course: Path, tmp_path: Path) -> None:
    store = tmp_path / "not, yet: there"
    done = run(course, "--json", MINIDOCKER_ROOT=str(store))
    found = {item["id"]: item for item in json.loads(done.stdout)["findings"]}
    assert str(store) in found["store"]["seen"]
    assert not store.exists()


def test_help_teaches_the_exit_status(course: Path) -> None:
    done = run(course, "--help")
    assert done.returncode == 0
    assert "exit status: 0 when lessons 00 and 01 can run" in done.stdout
    assert "minidocker doctor --json" in done.stdout


def test_a_wrong_option_is_one_sentence(course: Path) -> None:
    done = run(course, "--jsn")
    assert done.returncode == 2
    assert "unrecognized arguments: --jsn" in done.stderr
    assert "minidocker doctor --help" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_manifest_that_does_not_parse_is_one_sentence(course: Path) -> None:
    (course / manifest.FOLDER / manifest.COMMON).write_text("[[messages")
    done = run(course)
    assert done.returncode == 2 and "course.toml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_table_and_no_color_is_kept(course: Path, colour: bool) -> None:
    pytest.importorskip("rich")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    env.pop("NO_COLOR", None)
    if not colour:
        env["NO_COLOR"] = "1"
    leader, follower = pty.openpty()
    argv = [sys.executable, "-m", "minidocker", "doctor"]
    process = subprocess.Popen(argv, cwd=course, env=env, stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        seen += part
    os.close(leader)
    assert process.wait() == 0
    text = seen.decode()
    assert "What this machine can show" in text and "✓ ok" in text
    assert ("\x1b[32m" in text) == colour
