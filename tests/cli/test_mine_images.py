"""A learner's functions at work on images: commit, build, import and image blame with --mine."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
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


@pytest.fixture
def registry(command: list[str]) -> Iterator[str]:
    """The address of a registry on loopback."""
    serve = [*command, "registry", "serve", "--port", "0"]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        serve, stdout=subprocess.PIPE, stderr=nothing, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip().removeprefix("http://")
        process.terminate()


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


def test_a_run_of_a_build_stands_behind_the_learners_walls(
    minidocker: Callable, mine: Path, context: Path, shared_store: Path
) -> None:
    walls = mine.parent / "03_rootfs.py"
    shutil.copy(REPOSITORY / "solutions/03_rootfs.py", walls)
    (context / "Dockerfile").write_text("FROM base\nRUN echo behind walls > /mine\n")
    build = lambda *more: minidocker("build", "--network", "none", "-t", "walled", *more, str(context))  # noqa: E731
    pivots = lambda: [  # noqa: E731
        one for one in used.notes(str(shared_store))
        if (one["by"], one["function"]) == ("run", "pivot")
    ]  # fmt: skip
    assert build().returncode == 0 and not pivots()
    done = build("--mine")
    assert done.returncode == 0, done.stderr
    assert len(pivots()) == 1, "and what ours has made is not theirs"
    assert minidocker("run", "--rm", "walled", "cat", "/mine").stdout == "behind walls\n"
    walls.write_text(walls.read_text() + "\ndef pivot(kernel, root):\n    1 / 0\n")
    done = build("--mine", "--no-cache")
    assert done.returncode and "ZeroDivisionError" in done.stderr and "03_rootfs.py" in done.stderr
    assert build().returncode == 0


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


def test_pull_takes_the_learners_tree_where_it_is_right(
    minidocker: Callable, mine: Path, registry: str, shared_store: Path
) -> None:
    name = f"{registry}/lab/pulled:latest"
    minidocker("rm", "-f", "wrote")
    work = "mkdir /d; echo hi > /d/f; ln /d/f /d/g; ln -s f /d/l; chmod 4711 /d/f"
    assert minidocker("run", "--name", "wrote", "base", "sh", "-c", work).returncode == 0
    assert minidocker("commit", "wrote", name).returncode == 0
    assert minidocker("rm", "wrote").returncode == 0
    again = f"FROM {name}\nRUN rm /d/l\n"
    (mine.parent / "Dockerfile").write_text(again)
    build = ("build", "-q", "--network", "none", "-t", f"{registry}/lab/deletes")
    assert minidocker(*build, str(mine.parent)).returncode == 0
    for which in (name, f"{registry}/lab/deletes"):
        assert minidocker("push", which).returncode == 0
        assert minidocker("image", "rm", which).returncode == 0
    minidocker("image", "prune", "-a")
    text = mine.read_text()
    mine.write_text(text + """

def apply_layer(tar, directory, right=apply_layer):
    right(tar, directory)
    path = os.path.join(directory, "d/f")
    if os.path.exists(path):                 # the same size, the same times, other bytes
        times = os.stat(path)
        with open(path, "r+") as file:
            file.write("ho")
        os.chmod(path, times.st_mode & 0o7777)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
""")
    done = minidocker("pull", "--mine", "--unsafe", name)
    assert done.returncode and "as we do: 'd/f' is not what the archive says" in done.stderr
    assert minidocker("image", "inspect", name).returncode, "nothing of it was stored"
    mine.write_text(text)
    done = minidocker("pull", "--mine", name)
    assert done.returncode == 0, done.stderr
    assert "your functions in this pull: apply_layer" in done.stderr
    assert set(called(shared_store, "pull", name)) == {"apply_layer"}
    assert minidocker("image", "check").returncode == 0
    seen = minidocker("run", "--rm", name, "sh", "-c", "cat /d/l; stat -c %a%h /d/g").stdout
    assert seen == "hi\n47112\n"
    # What deletes has marks that are no files: ours unpacks that layer.
    assert minidocker("pull", "--mine", f"{registry}/lab/deletes").returncode == 0
    seen = minidocker("run", "--rm", f"{registry}/lab/deletes", "ls", "/d").stdout
    assert seen == "f\ng\n"


def test_check_asks_the_learners_store_is_whole(
    minidocker: Callable, mine: Path, shared_store: Path
) -> None:
    check = lambda: minidocker("image", "check", "--mine")  # noqa: E731
    assert "no store_is_whole of yours" in check().stderr
    theirs = mine.parent / "13_images.py"
    shutil.copy(REPOSITORY / "solutions/13_images.py", theirs)
    done = check()
    assert done.returncode == 0 and done.stdout.startswith("your store_is_whole says: whole\n")
    assert called(shared_store, "check", "the store")[-1:] == ["store_is_whole"]
    blob = max((shared_store / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = check()
    assert done.returncode == 1 and done.stdout.startswith("your store_is_whole says: damaged\n")
    blob.write_bytes(whole)
    theirs.write_text(theirs.read_text() + "\ndef store_is_whole(layout):\n    return False\n")
    done = check()
    assert done.returncode == 1 and "the store is whole" in done.stdout


ORDERS = {
    '["name", "manifest", "layers", "check", "unpack"]': '"name" before "manifest": the image is not whole',
    '["manifest", "layers", "unpack", "check", "name"]': '"unpack" before "check": nobody has compared',
    '["manifest", "layers", "check", "name", "unpack"]': '"name" before "unpack"',
    '["manifest"]': "is not the five steps",
    '["manifest", "layers", "check", "unpack", "name"]': "",
}


def test_pull_follows_the_learners_order(
    minidocker: Callable, mine: Path, shared_store: Path, registry: str
) -> None:
    theirs, name = mine.parent / "13_images.py", f"{registry}/lab/ordered:latest"
    mine.unlink()
    assert minidocker("image", "build-base").returncode == 0  # a test before prunes all images
    made = minidocker("run", "--name", "ordered", "base", "sh", "-c", "echo hi > /word")
    assert made.returncode == 0, made.stderr
    assert minidocker("commit", "ordered", name).returncode == 0
    assert minidocker("push", name).returncode == 0
    for order, said in ORDERS.items():
        minidocker("rmi", name)
        minidocker("image", "prune")
        theirs.write_text(f"PULL_ORDER = {order}\n")
        done = minidocker("pull", "--mine", name)
        assert "your functions in this pull: PULL_ORDER" in done.stderr
        assert called(shared_store, "pull", name)[-1] == "PULL_ORDER"
        there = minidocker("image", "inspect", name).returncode == 0
        assert (done.returncode == 0, there) == (not said, not said), done.stderr
        assert said in done.stderr and ("your PULL_ORDER" in done.stderr or not said)
    assert minidocker("image", "check").returncode == 0
    minidocker("rm", "ordered")
