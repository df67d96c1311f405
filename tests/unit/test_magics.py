"""The magics, in a plain IPython shell: what they print, what they raise, and what ? says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from minidocker.course import manifest
from minidocker.doctor.finding import Finding
from minidocker.errors import LAB_MACHINE
from minidocker.lab import elsewhere, progress
from minidocker.lab.cells import CellFailed
from minidocker.lab.predict import Predictions

pytest.importorskip("IPython", reason="blocked: the magics need Jupyter (make setup)")

REPOSITORY = Path(__file__).resolve().parents[2]
MAGICS = ("isolated", "shell", "predict", "needs", "lesson", "grade", "hint", "mine", "recall", "why")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An IPython shell with the extension, in a copy of the course."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    for name in ("exercises", "notebooks", "solutions", manifest.FOLDER):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MINIDOCKER_COURSE", raising=False)
    InteractiveShell.clear_instance()
    # Its history would be written when Python ends, and the directory is gone by then.
    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.extension_manager.load_extension("minidocker.lab")
    yield made
    InteractiveShell.clear_instance()


def test_every_magic_teaches_itself(shell):
    for name in MAGICS:
        magic = shell.find_magic(name, "line") or shell.find_magic(name, "cell")
        assert magic is not None, name
        assert f"%{name}" in magic.__doc__
        assert len(magic.__doc__.strip().splitlines()) > 5


def test_isolated_prints_output_and_nothing_else(shell, capsys):
    shell.run_cell_magic("isolated", "", "print('hello')")
    assert capsys.readouterr().out == "hello\n"


def test_a_silent_cell_says_that_it_ran(shell, capsys):
    shell.run_cell_magic("isolated", "", "x = 1")
    assert capsys.readouterr().out == "[exit status 0]\n"


def test_a_failing_cell_fails_in_one_line(shell, capsys):
    with pytest.raises(CellFailed, match="ended with exit status 1; expected: 0") as caught:
        shell.run_cell_magic("isolated", "", "assert 1 == 2")
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert "AssertionError" in capsys.readouterr().out


def test_an_expected_status_is_no_error_and_another_one_is(shell, capsys):
    shell.run_cell_magic("shell", "--status 3", "exit 3")
    assert "[exit status 3]" in capsys.readouterr().out
    with pytest.raises(CellFailed, match="expected: 3"):
        shell.run_cell_magic("shell", "--status 3", "true")


def test_a_signal_is_named(shell, capsys):
    with pytest.raises(CellFailed, match="ended by SIGKILL"):
        shell.run_cell_magic("shell", "", "kill -9 $$")


def test_an_unknown_option_is_one_sentence(shell, capsys):
    shell.run_cell_magic("isolated", "--pidd", "x = 1")
    assert "unrecognized arguments: --pidd" in capsys.readouterr().err


def test_the_course_command_is_known_in_shell_cells(shell, capsys):
    shell.run_cell_magic("shell", "", "minidocker run --help | head -1")
    assert "minidocker run" in capsys.readouterr().out


def test_without_root_a_namespace_is_blocked_with_the_line_that_helps(shell, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(CellFailed, match=r"blocked: .*sudo make learn"):
        shell.run_cell_magic("isolated", "--pid", "x = 1")


def test_a_prediction_is_kept_in_the_learners_tree(shell, capsys, tmp_path):
    shell.run_cell_magic("predict", "pid", "Which?\na) 1\nb) 2\nanswer: b")
    assert capsys.readouterr().out == "kept: b) 2\n"
    assert '"answer": "b"' in (tmp_path / ".minidocker" / "predictions.jsonl").read_text()
    assert shell.run_line_magic("predict", "--show pid b").verdict == "as you predicted"


def test_a_prediction_never_raises(shell, capsys, tmp_path):
    shell.run_cell_magic("predict", "pid", "Which?\na) 1\nb) 2\nanswer: z")
    shell.run_line_magic("predict", "--show nothing")
    shell.run_line_magic("predict", "--show")
    (tmp_path / ".minidocker").write_text("a file where a directory should be")
    shell.run_cell_magic("predict", "pid", "Which?\na) 1\nanswer: a")
    told = capsys.readouterr().out
    assert "'z' is none of a or b" in told
    assert "there is no prediction 'nothing'" in told
    assert "which one?" in told
    assert "could not be kept" in told


@pytest.fixture
def no_memory(monkeypatch):
    """A machine whose memory controller is on cgroup version 1."""
    monkeypatch.setattr(elsewhere.cgroup_probe, "findings", lambda _: iter([
        Finding("memory", "memory controller", "gap", "on version 1", LAB_MACHINE),
    ]))  # fmt: skip


def test_the_first_cell_says_which_command_runs_this_notebook_whole(shell, capsys, no_memory):
    shell.run_line_magic("needs", "memory")
    told = capsys.readouterr().out
    assert "Blocked on this machine: memory controller (on version 1)." in told
    assert "    minidocker vm lab\n" in told
    shell.run_cell_magic("needs", "memory", "print('never')")
    assert capsys.readouterr().out == "blocked, as above: memory controller\n"
    shell.run_line_magic("needs", "")
    assert capsys.readouterr().out == "This machine has all that this notebook needs.\n"


def test_a_blocked_cell_shows_what_it_did_elsewhere_with_its_label(
    shell, capsys, no_memory, tmp_path, monkeypatch
):
    shell.run_line_magic("lesson", "05")
    results = tmp_path / "notebooks" / "results"
    results.mkdir(exist_ok=True)
    outputs = [{"text/plain": "killed at 20 MB", "text/html": "<svg/>"}]
    cells = {elsewhere.digest("memory", "print(1)"): outputs}
    (results / "05.json").write_text(json.dumps({"machine": "Debian, Linux 6.1", "cells": cells}))
    shown = []
    monkeypatch.setattr("minidocker.lab.magics.show", lambda one, **how: shown.append(one))
    capsys.readouterr()
    shell.run_cell_magic("needs", "memory", "print(1)")
    label = "Reference result, not from this machine. Measured on Debian, Linux 6.1:"
    assert capsys.readouterr().out.splitlines()[-1] == label
    assert shown == outputs
    shell.run_cell_magic("needs", "memory", "print(2)")
    assert capsys.readouterr().out == "blocked, as above: memory controller\n"
    assert shown == outputs, "of a cell that was changed there is no result"
    (results / "05.json").write_text("{")
    shell.run_cell_magic("needs", "memory", "print(1)")
    assert "Reference" not in capsys.readouterr().out


def test_a_prediction_without_evidence_is_not_judged(shell, no_memory, tmp_path):
    shell.run_cell_magic("predict", "oom", "Which?\na) 1\nb) 2\nanswer: a sure")
    shell.run_cell_magic("needs", "memory", "print(1)")
    told = shell.run_line_magic("predict", "--show oom b")
    assert told.verdict == "not judged: this machine could not show it"
    assert ("elsewhere", "b) 2") in told.rows()
    path = str(tmp_path / ".minidocker" / "predictions.jsonl")
    assert Predictions(path).unjudged == {"oom"}
    shell.run_cell_magic("needs", "", "print(1)")
    assert shell.run_line_magic("predict", "--show oom b").verdict == "not as you predicted"
    assert Predictions(path).unjudged == set()


def test_lesson_shows_the_map_and_the_question(shell, capsys):
    shell.run_line_magic("lesson", "01")
    told = capsys.readouterr().out
    assert "How can a process be number 1?" in told
    assert "../exercises/01_pid.py" in told


@pytest.mark.parametrize("rest", ["pass", "blocked"])
def test_the_map_marks_what_is_done_here(shell, tmp_path, rest):
    def states() -> list[str]:
        return [row[2] for row in progress.picture(str(tmp_path), "01").rows[:2]]

    assert states() == ["to come", "you are here"]
    (tmp_path / ".minidocker").mkdir()
    entry = {"do": "grade", "lesson": "00_what_is_a_container", "earned": 9, "points": 15,
             "digest": "", "checks": {"a": ["pass", ""], "b": [rest, ""]}, "message": ""}  # fmt: skip
    (tmp_path / ".minidocker" / "progress.jsonl").write_text(json.dumps(entry) + "\n")
    assert states() == ["done", "you are here"]


def test_an_unknown_lesson_is_one_sentence(shell, capsys):
    shell.run_line_magic("lesson", "77")
    assert "there is no lesson '77'" in capsys.readouterr().out


def test_grade_and_hint_take_the_notebooks_lesson(shell, monkeypatch):
    seen: list[str] = []
    monkeypatch.setattr(
        "minidocker.lab.cells.stream", lambda options, source, write: seen.append(source) or 0
    )
    shell.run_line_magic("lesson", "01")
    shown: list[str] = []
    monkeypatch.setattr("minidocker.lab.magics.show", lambda one: shown.append(one.data))
    shell.run_line_magic("grade", "")
    assert "FORCE_COLOR=1" in seen[-1]
    assert shown == ["[exercises/01_pid.py](../exercises/01_pid.py) · a hint: `%hint 01`"]
    shell.run_line_magic("hint", "")
    shell.run_line_magic("grade", "00 01")
    assert [text.rpartition("; ")[2] for text in seen] == [
        "minidocker",
        "minidocker grade 01",
        "minidocker hint 01",
        "minidocker grade 00 01",
    ]


def test_recall_asks_and_takes_an_answer(shell, capsys):
    shell.run_line_magic("lesson", "02")
    capsys.readouterr()
    shell.run_line_magic("recall", "")
    asked = capsys.readouterr().out
    assert asked.startswith("From lesson 01, do you remember?")
    shell.run_line_magic("recall", "getpid b")
    assert capsys.readouterr().out.startswith("✓ b) the same number as before")
    shell.run_line_magic("recall", "getpid z")
    assert "do you remember?" in capsys.readouterr().out


def test_why_asks_and_then_shows_the_model_answer(shell, capsys):
    shell.run_line_magic("lesson", "01")
    capsys.readouterr()
    shell.run_line_magic("why", "")
    lesson = manifest.load(REPOSITORY).lesson("01")
    asked = capsys.readouterr().out
    assert lesson.why in asked and lesson.because not in asked
    assert "Your answer: %why 01 …" in asked and "minidocker why" not in asked
    shell.run_line_magic("why", "it's that only children move")
    told = capsys.readouterr().out
    assert "you said: it's that only children move" in told and lesson.because in told
    shell.run_line_magic("why", "02 all that is mounted")
    assert "you said: all that is mounted\n" in capsys.readouterr().out
