"""A learner's functions at work on images: commit, build, import and image blame with --mine."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.runtime import used
from tests.conftest import make_store

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
REPOSITORY = Path(__file__).resolve().parents[2]
LEAKY = "FROM base\nCOPY key /key\nRUN rm /key; echo hi > /greeting\n"


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> Path:
    """A store for what is made here."""
    return make_store(tmp_path_factory.mktemp("mine"), command)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's directory with the solution of lesson 12: the file."""
    shutil.copytree(REPOSITORY / "exercises", tmp_path / "mine")
    shutil.copy(REPOSITORY / "solutions/12_layers.py", tmp_path / "mine")
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(tmp_path / "mine"))
    return tmp_path / "mine/12_layers.py"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "key").write_text("s3cret\n")
    (folder / "Dockerfile").write_text(LEAKY)
    return folder


def called(store: Path, by: str, whose: str) -> list[str]:
    """The functions that were noted as used."""
    return [one["function"] for one in used.notes(str(store))
            if (one["by"], one["for"]) == (by, whose)]  # fmt: skip


def layers(minidocker: Callable, name: str) -> list[str]:
    return [one["layer"] for one in json.loads(minidocker("image", "history", name, "--json").stdout)]


def test_commit_takes_the_learners_layer(
    minidocker: Callable, mine: Path, shared_store: Path
) -> None:
    work = "echo hi > /greeting; rm /etc/shells; rm -r /home; mkdir /home; echo n > /home/x"
    assert minidocker("run", "--name", "one", "base", "sh", "-c", work).returncode == 0
    done = minidocker("commit", "--mine", "one", "theirs")
    assert done.returncode == 0 and "your pack made this layer" in done.stderr
    assert called(shared_store, "commit", "theirs") == ["pack"]
    assert minidocker("commit", "one", "ours").returncode == 0
    assert layers(minidocker, "ours")[0] != layers(minidocker, "theirs")[0]
    show = "cat /greeting; ls /home; ls /etc"
    seen = [minidocker("run", "--rm", name, "sh", "-c", show).stdout for name in ("ours", "theirs")]
    assert seen[0] == seen[1] and "shells" not in seen[0]
    assert minidocker("image", "check").returncode == 0
    mine.write_text(mine.read_text() + "\ndef pack(upper, tar, newest=None):\n    1 / 0\n")
    done = minidocker("commit", "--mine", "one", "none")
    assert done.returncode == 125 and "ZeroDivisionError" in done.stderr
    assert "12_layers.py" in done.stderr and "Traceback" not in done.stderr
    shutil.copy(REPOSITORY / "exercises/12_layers.py", mine)
    done = minidocker("commit", "--mine", "one", "again")
    assert done.returncode == 0 and "no pack of yours" in done.stderr
    minidocker("rm", "one")


def test_build_asks_the_learners_key(
    minidocker: Callable, mine: Path, context: Path, shared_store: Path
) -> None:
    build = lambda *more: minidocker("build", "--network", "none", "-t", "leaky", *more, str(context))  # noqa: E731
    first, again = build("--mine"), build("--mine")
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("your cache_key named this step") == 2
    assert first.stderr.count("your pack made this layer") == 1 and "CACHED" not in first.stderr
    assert again.stderr.count("CACHED") == 2 and again.stdout == first.stdout
    assert called(shared_store, "build", "leaky").count("pack") == 1
    assert build().stderr.count("CACHED") == 0, "what theirs has named is not ours"
    (context / "key").write_text("other\n")
    assert build("--mine").stderr.count("CACHED") == 0
    times = mine.read_text().replace("(name, digest(files[name]))",
                                     "(name, os.stat(files[name]).st_mtime_ns)")  # fmt: skip
    mine.write_text(times)
    build("--mine")
    assert "#2 CACHED" not in build("--mine").stderr, "a time in the key: never the same step"
    mine.write_text(times.replace("return hashlib.sha256(repr(", "return str(").replace(
        ").encode()).hexdigest()", ")"))  # fmt: skip
    done = build("--mine")
    assert done.returncode and "no 64 hex digits" in done.stderr and "Dockerfile:2" in done.stderr


def test_a_key_that_forgets_gives_the_wrong_layer(
    minidocker: Callable, mine: Path, context: Path
) -> None:
    """That is why the check is strict; owners and modes are ours to ask, whatever the key says."""
    mine.write_text(mine.read_text().replace("(name, digest(files[name]))", "name"))
    build = lambda: minidocker("build", "--mine", "--network", "none", "-t", "stale", str(context))  # noqa: E731
    (context / "Dockerfile").write_text("FROM base\nCOPY key /stale\n")
    assert build().returncode == 0
    (context / "key").write_text("fresh\n")
    assert "CACHED" in build().stderr
    assert minidocker("run", "--rm", "stale", "cat", "/stale").stdout == "s3cret\n"
    (context / "key").chmod(0o755)
    assert "CACHED" not in build().stderr


def test_blame_finds_a_secret_deleted_too_late(
    minidocker: Callable, mine: Path, context: Path, shared_store: Path
) -> None:
    assert minidocker("build", "--network", "none", "-t", "late", str(context)).returncode == 0
    for more in ((), ("--mine",)):
        done = minidocker("image", "blame", *more, "late", "/key")
        assert done.returncode == 0, done.stderr
        gone, still = done.stdout.splitlines()
        assert gone.startswith("deletes: ") and "RUN" in gone and "rm /key" in gone
        assert still.startswith("still in: ") and "COPY key /key" in still
        assert minidocker("image", "blame", *more, "late", "greeting").stdout.startswith("gives: ")
        done = minidocker("image", "blame", *more, "late", "/never")
        assert done.returncode == 1 and "no layer of late has ever had /never" in done.stdout
    assert set(called(shared_store, "blame", "late")) == {"blame"}
    mine.write_text(mine.read_text() + "\ndef blame(path, layers):\n    return [99, 'gives']\n")
    done = minidocker("image", "blame", "--mine", "late", "/key")
    assert done.returncode and "names no layer" in done.stderr


def test_import_takes_the_learners_tree_where_it_is_right(
    minidocker: Callable, mine: Path, tmp_path: Path, shared_store: Path
) -> None:
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "root/a/f").write_text("f")
    (tmp_path / "root/l").symlink_to("a/f")
    with tarfile.open(tmp_path / "root.tgz", "w:gz") as archive:
        archive.add(tmp_path / "root", ".")
    done = minidocker("image", "import", "--mine", "small", str(tmp_path / "root.tgz"))
    assert done.returncode == 0 and "your apply_layer unpacked this image" in done.stderr
    assert called(shared_store, "import", "small") == ["apply_layer"]
    assert minidocker("image", "check").returncode == 0
    text = mine.read_text()
    mine.write_text(text + "\ndef apply_layer(tar, directory):\n    tarfile.open(tar).close()\n")
    done = minidocker("import", "--mine", str(tmp_path / "root.tgz"), "bad")
    assert done.returncode and "root.tgz as we do: 'a' is missing" in done.stderr
    assert minidocker("image", "history", "bad").returncode
