"""Exercises of the course's first numbers: what a learner wrote lands in the files of today."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker import update
from minidocker.make import renumber

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="blocked: there is no git")
ROOT = Path(__file__).resolve().parents[2]
HALVES = dict(renumber.SPLIT)


def git(folder: Path, *words: str) -> None:
    """Run git as somebody who is nobody's configuration."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    argv = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(folder), *words]
    subprocess.run(argv, env=env, check=True, capture_output=True)


def given(name: str) -> str:
    """An exercise of today."""
    return (ROOT / "exercises" / name).read_text()


def together(old: str) -> str:
    """The exercise of the first numbers: both halves in one file, each name once."""
    seen: set[str] = set()
    heads, rest = ["from __future__ import annotations\n"], []
    for half in HALVES[old]:
        text = renumber.Text(given(half))
        for node in text.body[1:]:
            names = renumber.bound(node)
            piece = "\n".join(text.source(node)) + "\n"
            if names and not seen & set(names):
                (heads if renumber.is_import([piece]) else rest).append(piece)
            seen.update(names)
    return '"""Old."""\n\n' + "".join(heads) + "\n\n" + "\n\n".join(rest)


def functions(path: Path) -> dict[str, str]:
    """name → code of a file."""
    return {name: ast.dump(node) for name, node in renumber.Text(path.read_text()).nodes.items()}


def wrote(name: str, body: str, of: str) -> Callable[[str], str]:
    """What a learner does: another body for one function of a lesson."""

    def edit(text: str) -> str:
        parsed = renumber.Text(text)
        node = parsed.nodes[name]
        assert isinstance(node, ast.FunctionDef), of
        head = parsed.lines[renumber.first(node) : node.body[0].lineno - 1]
        return parsed.with_pieces({name: [*head, *(f"    {line}" for line in body.split("\n"))]}, [])

    return edit


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course with its first numbers."""
    folder = tmp_path / "course"
    (folder / "exercises").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    git(folder, "init", "-q", "-b", "main")
    for old in HALVES:
        (folder / "exercises" / old).write_text(together(old))
    for book in ("04_union_layers", "08_network", "09_hardening"):
        (folder / f"notebooks/{book}.ipynb").write_text("{}\n")
    (folder / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first numbers")
    return folder


@pytest.fixture
def mine(course: Path, tmp_path: Path) -> Path:
    """A learner's clone of it; then the course gets its numbers of today."""
    git(tmp_path, "clone", "-q", str(course), "mine")
    for old, halves in HALVES.items():
        (course / "exercises" / old).unlink()
        for half in halves:
            (course / "exercises" / half).write_text(given(half))
    (course / "notebooks/09_hardening.ipynb").unlink()
    for book in ("04_union_layers", "08_network", "10_capabilities"):
        (course / f"notebooks/{book}.ipynb").write_text('{"new": 1}\n')
    git(course, "add", "-A")
    git(course, "commit", "-qm", "sixteen")
    return tmp_path / "mine"


def edit(mine: Path, old: str, *edits: Callable[[str], str]) -> str:
    """Let the learner edit an exercise; return its text."""
    path = mine / "exercises" / old
    text = path.read_text()
    for one in edits:
        text = one(text)
    path.write_text(text)
    return text


EDITS = {
    "04_layers.py": (wrote("overlay_options", "return 'mine'  # why", "04"), wrote("meaning", "return 'mine', name", "12")),
    "08_network.py": (wrote("connect", "return 1", "08"), wrote("publish", "return 2", "09")),
    "09_hardening.py": (wrote("mask_paths", "return 3", "10"), wrote("compile_filter", "return b''", "11")),
}  # fmt: skip


@pytest.mark.parametrize("old", EDITS)
def test_each_body_lands_in_its_half(mine: Path, old: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = edit(mine, old, *EDITS[old])
    wanted = {name: ast.dump(node) for name, node in renumber.Text(before).nodes.items()}
    assert update.update(str(mine)) == 0
    for half, begin in ((half, renumber.Text(given(half))) for half in HALVES[old]):
        text = (mine / "exercises" / half).read_text()
        now = functions(mine / "exercises" / half)
        changed = {name for name in begin.nodes if now[name] != ast.dump(begin.nodes[name])}
        assert len(changed) == 1 and all(now[name] == wanted[name] for name in changed)
        assert text.startswith(given(half)[:20])  # its own docstring and comments
    if old == "04_layers.py":
        assert "return 'mine'  # why" in (mine / "exercises/04_union_layers.py").read_text()
    aside = mine / "exercises" / f"{old}.mine"
    assert aside.read_text() == before
    assert (mine / "exercises" / old).exists() == (old == "08_network.py")
    assert [p.read_text() for p in (mine / ".minidocker/copies").glob(f"*/exercises/{old}")] != []
    said = capsys.readouterr().out
    assert f"exercises/{old}: yours of " in said and f"{old}.mine" in said
    assert update.update(str(mine)) == 0  # a second time does nothing more
    assert capsys.readouterr().out == "Nothing is new.\n"


@pytest.mark.parametrize("old", EDITS)
def test_after_an_update_by_the_old_program_make_learn_carries(
    mine: Path, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = edit(mine, old, *EDITS[old])
    monkeypatch.setattr(update, "carried", lambda root: None)
    update.update(str(mine))
    assert (mine / "exercises" / old).read_text() == before
    assert len(renumber.carry(str(mine))) == 1
    for half in HALVES[old]:
        assert (mine / "exercises" / half).read_text() != given(half)
    assert not list(mine.glob("exercises/*.new"))
    assert renumber.carry(str(mine)) == []


def test_who_has_written_nothing_gets_the_new_files(mine: Path) -> None:
    assert update.update(str(mine)) == 0
    for half in (half for halves in HALVES.values() for half in halves):
        assert (mine / "exercises" / half).read_text() == given(half)
    assert sorted(p.name for p in mine.glob("exercises/*")) == sorted(
        half for halves in HALVES.values() for half in halves
    )


def test_helpers_and_imports_come_along(mine: Path) -> None:
    helper = "import fnmatch as match\n\n\nDEPTH = 3\n\n\ndef helper(name):\n    return match.fnmatch(name, DEPTH)\n\n\n"

    def add(text: str) -> str:
        return text.replace("def overlay_options", helper + "def overlay_options", 1)

    edit(mine, "04_layers.py", add, wrote("apply_layer", "return helper(tar)", "12"))
    update.update(str(mine))
    twelve = renumber.Text((mine / "exercises/12_layers.py").read_text())
    assert {"match", "DEPTH", "helper"} <= set(twelve.nodes)
    assert (mine / "exercises/04_union_layers.py").read_text() == given("04_union_layers.py")
    compile(twelve.text, "12", "exec")


def test_what_was_begun_in_the_new_file_is_left_alone(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(mine, "09_hardening.py", *EDITS["09_hardening.py"])
    monkeypatch.setattr(update, "carried", lambda root: None)
    update.update(str(mine))
    begun = edit(mine, "11_seccomp.py", wrote("compile_filter", "return b'newer'", "11"))
    (said,) = renumber.carry(str(mine))
    assert "not carried, you have begun there: compile_filter" in said
    assert (mine / "exercises/11_seccomp.py").read_text() == begun
    assert "return 3" in (mine / "exercises/10_capabilities.py").read_text()


def test_a_file_that_is_no_python_is_kept_and_said(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "exercises/04_layers.py").write_text("def (:\n")
    (mine / "exercises/04_layers.py.mine").write_text("older\n")
    update.update(str(mine))
    assert "it is no Python (line 1)" in capsys.readouterr().out
    assert (mine / "exercises/04_layers.py-2.mine").read_text() == "def (:\n"
    assert (mine / "exercises/04_layers.py.mine").read_text() == "older\n"
    assert (mine / "exercises/12_layers.py").read_text() == given("12_layers.py")


def test_saved_notebooks_are_kept(mine: Path) -> None:
    for book in ("04_union_layers", "08_network", "09_hardening"):
        (mine / f"notebooks/{book}.ipynb").write_text(f'{{"outputs": "{book}"}}\n')
    update.update(str(mine))
    for book in ("04_union_layers", "08_network", "09_hardening"):
        assert (mine / f"notebooks/{book}.mine.ipynb").read_text() == f'{{"outputs": "{book}"}}\n'
    assert not (mine / "notebooks/09_hardening.ipynb").exists()
    assert (mine / "notebooks/08_network.ipynb").read_text() == '{"new": 1}\n'


def test_a_network_file_of_today_is_not_taken_for_an_old_one(mine: Path) -> None:
    update.update(str(mine))
    text = edit(mine, "08_network.py", wrote("connect", "return publish", "08"))
    assert renumber.carry(str(mine)) == []
    assert (mine / "exercises/08_network.py").read_text() == text


def test_no_clone_and_a_course_with_the_first_numbers_are_left_alone(course: Path, tmp_path: Path) -> None:
    assert renumber.carry(str(course)) == []
    shutil.copytree(course / "exercises", tmp_path / "plain/exercises")
    assert renumber.carry(str(tmp_path / "plain")) == []
    assert (tmp_path / "plain/exercises/04_layers.py").exists()


@pytest.mark.needs("root")
def test_what_root_carries_belongs_to_the_learner(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(mine, "08_network.py", *EDITS["08_network.py"])
    monkeypatch.setattr(update, "carried", lambda root: None)
    update.update(str(mine))
    os.chown(mine, 1234, 1234)
    env = {**os.environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert len(renumber.carry(str(mine))) == 1
    for name in ("08_network.py", "09_ports.py", "08_network.py.mine"):
        assert (mine / "exercises" / name).stat().st_uid == 1234
