"""The students' edition: nothing of a solution is in it, and it can be judged, updated, packed again."""

from __future__ import annotations

import ast
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

from minidocker.classroom import pack
from minidocker.course import exercise_file as subjects
from minidocker.course.manifest import FOLDER, load
from minidocker.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load(ROOT)


@functools.cache
def files() -> dict[str, tuple[bytes, int]]:
    return pack.edition(MANIFEST)


GIVEN_LATER = {("changes", "12_layers.py")}
"""What a later lesson gives, since the one before asked for it."""


def answers() -> dict[str, str]:
    """Function → the text of its body, of those that take three lines or more."""
    found = {}
    for lesson in MANIFEST.lessons:
        text = subjects.read(ROOT / "solutions" / lesson.file)
        nodes = subjects.items(subjects.parse(text))
        begun = subjects.items(subjects.parse(subjects.starter(MANIFEST, lesson)))
        for function in lesson.functions:
            node = nodes[function.name]
            if not isinstance(node, ast.FunctionDef) or ast.dump(node) == ast.dump(begun[function.name]):
                continue
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
            if len(lines) >= 3:
                found[function.name] = without_remarks("\n".join(lines))
    return found


def without_remarks(text: str) -> str:
    """Leave the lines that are no comment alone: an answer is one without its labels, too."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_no_answer_is_in_it() -> None:
    known = answers()
    assert len(known) > 30
    texts = {name: without_remarks(data.decode(errors="replace")) for name, (data, _) in files().items()}
    leaks = {(function, Path(name).name) for function, answer in known.items()
             for name, text in texts.items() if answer in text}  # fmt: skip
    assert leaks <= GIVEN_LATER


def test_what_is_a_teachers_stays_away() -> None:
    assert not [name for name in files() if name.startswith(("solutions", "tests/wrong", "tests/right"))]
    assert {"tests/stages/test_01_pid.py", "Makefile", "notebooks/01_pid_namespace.ipynb"} <= set(files())
    for name, (data, _) in files().items():
        if name.startswith(FOLDER):
            manifest = tomllib.loads(data.decode())
            assert not [one for one in manifest.get("function", []) if "holes" in one], name


def test_its_starters_are_those_of_the_course(tmp_path: Path) -> None:
    pack.write_tree(tmp_path, files())
    there = load(tmp_path)
    for lesson, ours in zip(there.lessons, MANIFEST.lessons, strict=True):
        assert subjects.starter(there, lesson) == subjects.starter(MANIFEST, ours) != ""
        assert subjects.changed(there, lesson, tmp_path / "exercises") == set()
        assert [c.id for c in lesson.checks] == [c.id for c in ours.checks]


def test_packing_again_replaces_and_leaves_what_is_not_ours(tmp_path: Path) -> None:
    first = {"a": (b"1", 0o644), "sub/b": (b"1", 0o755)}
    (tmp_path / ".git").mkdir()
    pack.write_tree(tmp_path, first)
    (tmp_path / "notes").write_text("the teacher's")
    pack.write_tree(tmp_path, {"a": (b"2", 0o644)})
    assert (tmp_path / "a").read_text() == "2" and (tmp_path / "notes").exists()
    assert not (tmp_path / "sub").exists() and (tmp_path / ".git").is_dir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mine").write_text("")
    with pytest.raises(UsageError, match="no pack of ours"):
        pack.write_tree(tmp_path / "other", first)
    (tmp_path / pack.LIST).write_text("../outside\n/etc/nothing\na\n")
    (tmp_path.parent / "outside").write_text("stays")
    pack.write_tree(tmp_path, {})
    assert (tmp_path.parent / "outside").exists() and not (tmp_path / "a").exists()


def test_the_tar_is_the_same_each_time() -> None:
    small = dict(list(files().items())[:5])
    data = pack.as_tar("course", small)
    assert data == pack.as_tar("course", small)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == sorted(f"course/{name}" for name in small)


@pytest.mark.skipif(not shutil.which("git"), reason="blocked: there is no git")
@pytest.mark.needs("root", "pidns")
def test_a_student_is_judged_at_home_and_updates(tmp_path: Path) -> None:
    course, mine = tmp_path / "course", tmp_path / "mine"

    def git(where: Path, *words: str) -> None:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        argv = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(where), *words]
        subprocess.run(argv, env=env, check=True, capture_output=True)

    pack.write_tree(course, files())
    git(course, "init", "-q", "-b", "main")
    git(course, "add", "-A")
    git(course, "commit", "-qm", "x")
    git(tmp_path, "clone", "-q", str(course), "mine")
    exercise = mine / "exercises/00_what_is_a_container.py"
    exercise.write_bytes((ROOT / "solutions" / exercise.name).read_bytes())
    env = {**os.environ, "PYTHONPATH": str(mine), "MINIDOCKER_ROOT": str(tmp_path / "store")}
    argv = [sys.executable, "-m", "minidocker"]
    graded = subprocess.run([*argv, "grade", "00", "--json", "-"], cwd=mine, env=env,
                            capture_output=True, text=True)  # fmt: skip
    told = json.loads(graded.stdout)
    assert told["earned"] == told["possible_here"] > 10
    borrowed = subprocess.run([*argv, "borrow", "spawn"], cwd=mine, env=env, capture_output=True,
                              text=True)  # fmt: skip
    assert borrowed.returncode == 2 and "no solutions" in borrowed.stderr
    pack.write_tree(course, {**files(), "README.md": (b"new\n", 0o644)})
    git(course, "commit", "-qam", "x")
    updated = subprocess.run([sys.executable, "-I", "minidocker/update.py"], cwd=mine, env=env,
                             capture_output=True, text=True)  # fmt: skip
    assert updated.returncode == 0, updated.stderr
    assert (mine / "README.md").read_text() == "new\n"
    assert exercise.read_bytes() == (ROOT / "solutions" / exercise.name).read_bytes()
