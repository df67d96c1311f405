"""`minidocker cp`: Docker's rules for names, and no way out of the container, running or ended."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

# What an enemy would prepare: links out, by names and by "..", special files, a setuid program.
PREPARE = """mkdir /d; echo inside > /etc/secret; ln -s /etc /outside; ln -s ../../../../../../etc /up
ln -s /nowhere/x /dangling; touch /f; cp /bin/busybox /suid; chmod 6755 /suid; mknod /node c 1 3
mkfifo /pipe; mkdir /trap; ln -s /etc /trap/etc; ln -s loop /loop; echo v > /vol/v"""


@pytest.fixture(scope="module", params=["running", "ended"])
def box(request: pytest.FixtureRequest, command: list[str], shared_store: Path) -> Iterator[str]:
    """A container with traps in it."""
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    name = f"{request.param}-{uuid.uuid4().hex[:8]}"
    words = [
        "run",
        "-i",
        "--network",
        "none",
        "--name",
        name,
        "-v",
        f"{name}:/vol",
        "base",
        "sh",
        "-c",
    ]
    with subprocess.Popen(
        [*command, *words, f"{PREPARE}; echo ready; read x"], env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout and process.stdin and process.stdout.readline() == "ready\n"
        if request.param == "ended":
            process.communicate()
        yield name
        process.stdin.close()
    for words in (["rm", name], ["volume", "rm", name]):
        subprocess.run([*command, *words], env=env, check=True, capture_output=True)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A directory of ours, with a link and owners in it."""
    (tmp_path / "src/sub").mkdir(parents=True)
    (tmp_path / "src/a").write_text("a\n")
    (tmp_path / "src/sub/b").write_text("b\n")
    (tmp_path / "src/link").symlink_to("/etc/passwd")
    os.chown(tmp_path / "src/a", 1234, 2345)
    return tmp_path


@pytest.fixture
def cp(minidocker: Callable, mine: Path) -> Callable:
    """Run `minidocker cp` in that directory."""

    def run(*words: str, status: int = 0, **more: object) -> subprocess.CompletedProcess:
        env = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        done = minidocker("cp", *words, cwd=mine, env=env, **more)
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def listed(command: list[str], shared_store: Path) -> Callable:
    """Return the members of a container's directory, by name."""

    def look(place: str) -> dict[str, tarfile.TarInfo]:
        env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
        out = subprocess.run([*command, "cp", place, "-"], env=env, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(out.stdout)) as found:
            return {member.name: member for member in found}

    return look


def test_where_a_copy_goes_and_whose_it_is(box: str, cp: Callable, listed: Callable) -> None:
    cp("src", f"{box}:/d")
    cp("src/.", f"{box}:/d/")
    cp("src", f"{box}:new")
    cp("src/a", f"{box}:/d/renamed")
    cp("-a", "src/a", f"{box}:/f")  # a file takes the place of a file
    found = listed(f"{box}:/d")
    assert {"d/src/sub/b", "d/sub/b", "d/renamed", "d/a"} <= found.keys()
    assert found["d/src/link"].linkname == "/etc/passwd"
    assert (found["d/renamed"].uid, found["d/renamed"].gid) == (1234, 2345)
    ours = listed(f"{box}:/f")["f"]
    assert (ours.uid, ours.gid, ours.size) == (0, 0, 2)
    assert listed(f"{box}:/new").keys() == {"new", "new/a", "new/link", "new/sub", "new/sub/b"}
    refused = [
        (("src/a", f"{box}:/none/"), "no such directory"), (("src", f"{box}:/f"), "cannot copy directory"),
        (("src/a", f"{box}:/none/x"), "Could not find the file"), (("-", f"{box}:/f"), "must be a directory"),
        ((f"{box}:/none", "."), "Could not find the file"), ((f"{box}:/f", "none/x"), "does not exist"),
        (("src/a", f"{box}:/loop"), "too many symbolic links"), (("none", f"{box}:/"), "lstat "),
    ]  # fmt: skip
    for words, said in refused[box.startswith("ended") :: 2]:
        assert said in cp(*words, status=1).stderr


def test_out_of_it_files_are_ours_and_harmless(box: str, cp: Callable, mine: Path) -> None:
    cp("src", f"{box}:/d")
    cp(f"{box}:/d/src", "out")
    assert (mine / "out/sub/b").read_text() == "b\n"
    assert os.stat(mine / "out/a").st_uid == os.geteuid()
    cp(f"{box}:/d/src", "out")
    assert (mine / "out/src/a").read_text() == "a\n"
    done = cp(f"{box}:/suid", ".")
    assert stat.S_IMODE(os.stat(mine / "suid").st_mode) == 0o755
    assert "setuid or setgid bits could not be kept" in done.stderr
    assert "device nodes could not be kept" in cp(f"{box}:/node", ".").stderr
    assert not (mine / "node").exists()
    cp(f"{box}:/vol/v", ".")
    assert (mine / "v").read_text() == "v\n"


def test_no_link_leads_out_of_the_container(
    box: str, cp: Callable, listed: Callable, mine: Path
) -> None:
    name = f"minidocker-{uuid.uuid4().hex}"
    links = ["outside", "d/../../../up", "../../outside"]
    for link in links[box.startswith("ended") :][:2]:
        cp("src/a", f"{box}:/{link}/{name}")
        assert not os.path.exists(f"/etc/{name}")
        assert f"etc/{name}" in listed(f"{box}:/etc")
        cp(f"{box}:/{link}/secret", "secret")
        assert (mine / "secret").read_text() == "inside\n"
    cp(f"{box}:/up", "kept")
    assert os.readlink(mine / "kept") == "../../../../../../etc"
    assert "Could not find" in cp("src/a", f"{box}:/dangling", status=1).stderr
    # a directory of ours has the name of a link in the container
    (mine / "src/etc").mkdir()
    (mine / "src/etc/x").write_text("x")
    assert "cannot overwrite non-directory" in cp("src/.", f"{box}:/trap", status=1).stderr
    assert not os.path.exists("/etc/x")


def test_an_archive_comes_through_a_pipe(
    box: str, cp: Callable, mine: Path, listed: Callable
) -> None:
    with tarfile.open(mine / "t.tar.gz", "w:gz") as out:
        out.add(mine / "src", "piped")
        evil = tarfile.TarInfo("../../evil")
        out.addfile(tarfile.TarInfo("piped/last"))
    with open(mine / "t.tar.gz") as stream:
        cp("-", f"{box}:/d", stdin=stream)
    found = listed(f"{box}:/d/piped")
    assert found["piped/a"].uid == 1234 and "piped/last" in found
    with tarfile.open(mine / "evil.tar", "w") as out:
        out.addfile(evil)
    with open(mine / "evil.tar") as stream:
        assert "has .. in it" in cp("-", f"{box}:/d", stdin=stream, status=1).stderr


def test_no_program_of_the_container_unpacks_an_archive(box: str, cp: Callable, mine: Path, tmp_path: Path) -> None:
    """CVE-2026-41567: for `docker cp -` the container's own xz was started, on the host."""
    mark = tmp_path / "started"
    evil = mine / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    evil.chmod(0o755)
    for name in ("xz", "unxz", "gzip", "unpigz", "zstd", "bzip2"):
        cp("evil", f"{box}:/bin/{name}")
    for packing in ("gz", "xz", "bz2"):
        with tarfile.open(mine / f"t.{packing}", f"w:{packing}") as out:
            out.add(mine / "src", f"by-{packing}")
        with open(mine / f"t.{packing}") as stream:
            cp("-", f"{box}:/d", stdin=stream)
    assert not mark.exists()


def test_what_stays_as_it_is(
    box: str, cp: Callable, minidocker: Callable, host_unchanged: None, listed: Callable
) -> None:
    before = minidocker("inspect", "-f", "{{.State.Status}}", box).stdout
    cp("src", f"{box}:/vol")
    assert {"vol/v", "vol/src/a"} <= listed(f"{box}:/vol").keys()
    assert minidocker("inspect", "-f", "{{.State.Status}}", box).stdout == before


def test_a_container_that_is_not_there(cp: Callable) -> None:
    assert "there is no container" in cp("no-such:/x", ".", status=1).stderr
