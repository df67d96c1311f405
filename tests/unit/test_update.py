"""`make update`: what the course brings and what the learner has written, put together."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from minidocker import update

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="blocked: there is no git")
EXERCISE, NOTEBOOK = "exercises/02_mounts.py", "notebooks/02_mount_namespace.ipynb"
TEXT = "one\n\n\n\ntwo\n\n\n\nthree\n"


def git(folder: Path, *words: str) -> str:
    """Run git as somebody who is nobody's configuration."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    argv = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(folder), *words]
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout


def publish(course: Path, **files: str | None) -> None:
    """Give the course a new state: path with __ for / and _dot_ for a dot → text, or None."""
    for name, text in files.items():
        path = course / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)
    git(course, "add", "-A")
    git(course, "commit", "-qm", "x")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """What all learners clone."""
    folder = tmp_path / "course"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    publish(folder, exercises__02_mounts_dot_py=TEXT, README="old\n",
            notebooks__02_mount_namespace_dot_ipynb="{}\n", gone="x\n")  # fmt: skip
    return folder


@pytest.fixture
def mine(course: Path, tmp_path: Path) -> Path:
    """A learner's clone."""
    git(tmp_path, "clone", "-q", str(course), "mine")
    return tmp_path / "mine"


def kept(mine: Path, name: str) -> list[str]:
    """The copies of a file that were made."""
    return [path.read_text() for path in (mine / ".minidocker/copies").glob(f"*/{name}")]


def test_what_nobody_touched_is_new_and_the_rest_stays(course: Path, mine: Path) -> None:
    (mine / EXERCISE).write_text(TEXT.replace("two", "mine"))
    (mine / "notes").write_text("my own file\n")
    publish(course, README="new\n", notebooks__03_dot_ipynb="{}\n", gone=None)
    assert update.update(str(mine)) == 0
    assert (mine / "README").read_text() == "new\n"
    assert (mine / "notebooks/03.ipynb").exists() and not (mine / "gone").exists()
    assert (mine / EXERCISE).read_text() == TEXT.replace("two", "mine")
    assert (mine / "notes").read_text() == "my own file\n"
    assert git(mine, "rev-parse", "HEAD") == git(course, "rev-parse", "HEAD")
    assert git(mine, "status", "--short").split() == ["M", EXERCISE, "??", "notes"]


def test_edits_at_different_places_are_put_together(course: Path, mine: Path) -> None:
    (mine / EXERCISE).write_text(TEXT.replace("three", "mine"))
    publish(course, exercises__02_mounts_dot_py=TEXT.replace("one", "theirs"))
    assert update.update(str(mine)) == 0
    assert (mine / EXERCISE).read_text() == TEXT.replace("one", "theirs").replace("three", "mine")
    assert kept(mine, EXERCISE) == [TEXT.replace("three", "mine")]
    assert not list(mine.glob("exercises/*.new"))


def test_at_the_same_place_the_learners_stays(
    course: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in (("1", ".new"), ("2", "-2.new")):
        (mine / EXERCISE).write_text(TEXT.replace("two", "mine"))
        publish(course, exercises__02_mounts_dot_py=TEXT.replace("two", number))
        assert update.update(str(mine)) == 0
        assert (mine / EXERCISE).read_text() == TEXT.replace("two", "mine")
        assert (mine / (EXERCISE + name)).read_text() == TEXT.replace("two", number)
        assert f"yours stays; the new one is {EXERCISE}{name}" in capsys.readouterr().out


def test_a_saved_notebook_is_kept_beside_the_new_one(course: Path, mine: Path) -> None:
    (mine / NOTEBOOK).write_text('{"outputs": 1}\n')
    publish(course, notebooks__02_mount_namespace_dot_ipynb='{"new": 1}\n')
    assert update.update(str(mine)) == 0
    assert (mine / NOTEBOOK).read_text() == '{"new": 1}\n'
    beside = mine / NOTEBOOK.replace(".ipynb", ".mine.ipynb")
    assert beside.read_text() == '{"outputs": 1}\n'
    assert kept(mine, NOTEBOOK) == ['{"outputs": 1}\n']


def test_a_saved_notebook_without_news_stays(course: Path, mine: Path) -> None:
    (mine / NOTEBOOK).write_text('{"outputs": 1}\n')
    publish(course, README="new\n")
    assert update.update(str(mine)) == 0
    assert (mine / NOTEBOOK).read_text() == '{"outputs": 1}\n'
    assert not list(mine.glob("notebooks/*.mine*"))


def test_names_that_collide_and_files_that_go(course: Path, mine: Path) -> None:
    (mine / "extra").write_text("mine\n")
    (mine / "gone").write_text("edited\n")
    (mine / "README").unlink()
    git(mine, "add", "-A")  # a learner may have staged it
    publish(course, extra="theirs\n", gone=None, README="new\n")
    assert update.update(str(mine)) == 0
    assert (mine / "extra").read_text() == "mine\n"
    assert (mine / "extra.new").read_text() == "theirs\n"
    assert (mine / "gone").read_text() == "edited\n"
    assert git(mine, "rev-parse", "HEAD") == git(course, "rev-parse", "HEAD")


def test_nothing_new_changes_nothing(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / EXERCISE).write_text("mine\n")
    assert update.update(str(mine)) == 0
    assert capsys.readouterr().out == "Nothing is new.\n"
    assert (mine / EXERCISE).read_text() == "mine\n" and not (mine / ".minidocker").exists()


def test_a_step_of_gits_that_fails_gives_everything_back(
    course: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine / EXERCISE).write_text("mine\n")
    (mine / "extra").write_text("mine\n")
    publish(course, exercises__02_mounts_dot_py="theirs\n", extra="theirs\n")
    real = update.Clone.git

    def fails(self: update.Clone, *words: str) -> bytes:
        if words[0] == "merge":
            raise KeyboardInterrupt
        return real(self, *words)

    monkeypatch.setattr(update.Clone, "git", fails)
    with pytest.raises(KeyboardInterrupt):
        update.update(str(mine))
    assert (mine / EXERCISE).read_text() == (mine / "extra").read_text() == "mine\n"


@pytest.mark.parametrize("case", ["commits", "no clone", "nobody to follow", "no network"])
def test_what_cannot_be_done_changes_nothing(case: str, course: Path, mine: Path) -> None:
    (mine / EXERCISE).write_text("mine\n")
    publish(course, exercises__02_mounts_dot_py="theirs\n")
    if case == "commits":
        git(mine, "commit", "-qam", "mine")
    elif case == "no clone":
        shutil.rmtree(mine / ".git")
    elif case == "nobody to follow":
        git(mine, "branch", "--unset-upstream")
    else:
        shutil.rmtree(course)
    with pytest.raises(update.Trouble) as caught:
        update.update(str(mine))
    assert caught.value.remedy and "\n" not in str(caught.value)
    assert (mine / EXERCISE).read_text() == "mine\n"
    assert not list(mine.glob("exercises/*.new"))


@pytest.mark.needs("root")
def test_root_works_as_the_owner_of_the_clone(course: Path, mine: Path, tmp_path: Path) -> None:
    """`sudo make update`: what it makes belongs to the learner, who must be able to edit it."""
    for folder in (course, mine):
        shutil.copytree(Path(update.__file__).parents[1] / "minidocker", folder / "minidocker",
                        ignore=lambda path, names: [n for n in names if n not in ("update.py", "make")
                                                            and not path.endswith("make")])  # fmt: skip
        git(folder, "add", "-A")
    git(course, "commit", "-qm", "code")
    git(mine, "reset", "-q", "--hard")
    git(mine, "pull", "-q")
    publish(course, new="new\n")
    subprocess.run(["chown", "-R", "nobody", str(course), str(mine)], check=True)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, folder.stat().st_mode | 0o711)
    script = mine / "minidocker/update.py"
    done = subprocess.run(["python3", "-I", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (mine / "new").stat().st_uid == (mine / "README").stat().st_uid != 0
