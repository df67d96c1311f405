"""`minidocker image …`, the real command: what it prints, and how it says no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from minidocker.errors import Blocked
from minidocker.images import base

REPOSITORY = Path(__file__).resolve().parents[2]
Result = subprocess.CompletedProcess
Image = Callable[..., Result]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Run `minidocker image` on a store of this test's own."""

    def run(*args: str | Path, **more: object) -> Result:
        env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store")}
        more.setdefault("stdin", subprocess.DEVNULL)
        command = [sys.executable, "-m", "minidocker", "image", *map(str, args)]
        return subprocess.run(
            command, env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, **more
        )

    return run


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """A small archive of a root file system, made by tarfile."""
    (tmp_path / "tree/bin").mkdir(parents=True)
    (tmp_path / "tree/bin/sh").write_text("#!")
    with tarfile.open(tmp_path / "small.tar", "w") as out:
        out.add(tmp_path / "tree", ".")
    return tmp_path / "small.tar"


def refused(done: Result, words: str, remedy: str, status: int = 125) -> None:
    """One sentence, one remedy, the status, and no traceback."""
    lines = done.stderr.splitlines()
    assert done.returncode == status, done.stderr
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("minidocker: ")
    assert words in lines[0]
    assert lines[1].startswith("  try: ")
    assert remedy in lines[1]
    assert done.stdout == ""


def test_import_prints_the_id_alone_on_standard_output(image: Image, tar: Path) -> None:
    done = image("import", "small", tar)
    assert done.returncode == 0, done.stderr
    [id] = done.stdout.splitlines()
    assert id.startswith("sha256:")
    assert len(id) == 71
    assert done.stderr.startswith("small:latest: 3 entries, 2 B, in ")
    again = image("import", "small", tar)
    assert again.stdout == done.stdout
    assert "the layer was here already" in again.stderr


def test_import_from_a_pipe(image: Image, tar: Path) -> None:
    with open(tar) as stream:
        assert image("import", "small", "-", stdin=stream).returncode == 0
    assert "imported from -" in image("history", "small").stdout


def test_changes_reach_the_image(image: Image, tar: Path, tmp_path: Path) -> None:
    image("import", "small", tar, "-c", 'CMD ["a b", "c"]', "--change=ENV X=1")
    [place] = (tmp_path / "store/images/sha256").iterdir()
    config = tmp_path / "store/blobs/sha256" / place.name
    assert json.loads(config.read_text())["config"]["Cmd"] == ["a b", "c"]


def test_ls_history_rm(image: Image, tar: Path) -> None:
    id = image("import", "small:1", tar).stdout.strip()
    image("import", "more/small", tar, "-c", "CMD x")
    lines = image("ls").stdout.splitlines()
    assert lines[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert [line.split()[:2] for line in lines[1:]] == [["more/small", "latest"], ["small", "1"]]
    assert lines[2].split()[2] == id[7:19]
    assert image("ls", "-q", "--no-trunc", "small:1").stdout == f"{id}\n"
    said = image("ls", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}").stdout
    assert said == "more/small:latest 2B\nsmall:1 2B\n"
    assert json.loads(image("ls", "--format", "json", "small:1").stdout)["ID"] == id[7:19]
    assert "sha256:" in image("ls", "--digests").stdout
    told = json.loads(image("ls", "--json").stdout)
    assert [entry["names"] for entry in told] == [["more/small:latest"], ["small:1"]]
    assert told[1]["id"] == id
    assert told[0]["size"] == 2
    assert "imported from" in image("history", "small:1").stdout
    assert json.loads(image("history", "small:1", "--json").stdout)[0]["size"] == 2
    done = image("rm", "small:1", "more/small")
    assert "Untagged: small:1" in done.stdout
    assert "Deleted: " + id in done.stdout
    assert len(image("ls").stdout.splitlines()) == 1
    assert "minidocker image build-base" in image("ls").stderr
    assert json.loads(image("ls", "--json").stdout) == []


def test_build_base_twice_is_the_same(image: Image) -> None:
    try:
        base.find_busybox()
    except Blocked as problem:
        pytest.skip(f"blocked: {problem.message} ({problem.remedy})")
    first = image("build-base")
    assert first.returncode == 0, first.stderr
    assert image("build-base", "other:2").stdout == first.stdout
    assert [line.split()[0] for line in image("ls").stdout.splitlines()[1:]] == ["base", "other"]


def test_a_hostile_archive_gets_one_sentence(image: Image, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as out:
        out.addfile(tarfile.TarInfo("../../etc/evil"))
    refused(image("import", "bad", tmp_path / "bad.tar"), "has .. in it", "do not trust", 1)
    assert image("ls").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "words", "remedy", "status"),
    [
        (["import", "a", "/no/file.tar"], "no file /no/file.tar", "ls /no", 1),
        (["import", "A b", "/dev/null"], "'A b' is not a name", "lower-case", 1),
        (["import", "a", "/dev/null"], "is empty", "tar archive", 1),
        (["import", "a", "/"], "is a directory", "tar -C /", 1),
        (["import", "a", "/dev/null", "-c", "FROM x"], "FROM x", "ENTRYPOINT", 1),
        (["history", "nobody"], "no image nobody", "minidocker image ls", 1),
        (["rm", "nobody"], "no image nobody", "minidocker image ls", 1),
        (["history", "base"], "no image base", "minidocker image build-base", 1),
        (["rm"], "rm: ", "minidocker image rm --help", 1),
        (["import"], "import: ", "minidocker image import --help", 1),
        (["frob"], "frob", "minidocker image --help", 1),
        (["ls", "--frob"], "--frob", "minidocker image ls --help", 125),
    ],
)
def test_bad_input(image: Image, args: list[str], words: str, remedy: str, status: int) -> None:
    refused(image(*args), words, remedy, status)


def test_the_archive_and_the_name_come_in_either_order_and_the_name_may_be_left_out(
    image: Image, tar: Path
) -> None:
    ids = {image("import", *words).stdout for words in ((tar, "small"), ("small", tar))}
    assert len(ids) == 1 and "small" in image("ls").stdout
    done = image("import", tar, "-c", "CMD other")
    assert "<none>" in image("ls").stdout and done.stdout.startswith("sha256:")
    assert f"deleted: {done.stdout.strip()}" in image("prune").stdout
    refused(image("import", tar, ""), "'' is not a name", "lower-case", 1)


@pytest.mark.parametrize("verb", [[], ["build-base"], ["import"], ["ls"], ["rm"], ["history"]])
def test_help_teaches_by_examples(image: Image, verb: list[str]) -> None:
    done = image(*verb, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert " ".join(["minidocker image", *verb]) in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(image: Image, tar: Path, tmp_path: Path) -> None:
    pytest.importorskip("rich", reason="blocked: pip install rich")
    assert "\x1b" not in image("import", "small", tar).stderr
    with open(tar, "ab") as out:
        out.write(bytes(20_000_000))
    env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store"), "TERM": "xterm"}
    command = ["-m", "minidocker", "image", "import", "big", str(tar)]
    child = pexpect.spawn(sys.executable, command, env=env, cwd=REPOSITORY, dimensions=(24, 100))
    child.expect(pexpect.EOF, timeout=60)
    child.close()
    assert child.exitstatus == 0
    assert b"small.tar" in child.before
    assert b"big:latest" in child.before


def test_inspect_check_prune(image: Image, tar: Path, tmp_path: Path) -> None:
    id = image("import", "small", tar, "-c", "CMD x").stdout.strip()
    [told] = json.loads(image("inspect", "small").stdout)
    assert told["Id"] == id
    assert told["RepoTags"] == ["small:latest"]
    assert told["Config"]["Cmd"] == ["/bin/sh", "-c", "x"]
    blob = tmp_path / "store/blobs" / told["Manifest"]["Digest"].replace(":", "/")
    assert json.loads(blob.read_text())["config"]["digest"] == id
    done = image("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the store is whole: 1 names, 1 images, 1 layers, 3 blobs\n"
    blob.write_text("{}")
    done = image("check")
    assert done.returncode == 1
    assert f"blobs/sha256/{blob.name} has the digest" in done.stdout
    assert "try: minidocker image rm small:latest, and get it again" in done.stderr
    assert "\ndeleted: sha256:" in image("prune", "-a").stdout
    assert image("check").stdout == "the store is whole: 0 names, 0 images, 0 layers, 0 blobs\n"
