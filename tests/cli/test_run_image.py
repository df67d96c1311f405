"""`minidocker run` with bad images and odd words: ids, passwd files, mount points, commands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.images.store.store import Store

pytestmark = pytest.mark.needs("root", "overlay")


@pytest.fixture
def rootfs(shared_store: Path, tmp_path: Path) -> Path:
    """A copy of the base image's files, to be spoilt."""
    layer = Store(str(shared_store)).resolve("base").layers[0]
    return Path(shutil.copytree(layer, tmp_path / "rootfs", symlinks=True))


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("user", ["4294967295", "0:4294967295", "99999999999", "²", "-1"])
def test_an_id_that_is_none_never_means_root(minidocker: Callable, user: str) -> None:
    done = minidocker("run", "--rm", "--user", user, "base", "id")
    assert done.returncode == 125, done
    assert "no user" in done.stderr or "must be in range 0-2147483647" in done.stderr


def test_a_group_alone_is_roots(minidocker: Callable) -> None:
    assert minidocker("run", "--rm", "--user", ":5", "base", "id", "-g").stdout == "5\n"


def test_a_missing_workdir_is_made_for_any_user_and_on_a_read_only_root(
    minidocker: Callable,
) -> None:
    done = minidocker("run", "--rm", "-u", "1000", "--read-only", "-w", "/new/dir", "base", "pwd")
    assert (done.returncode, done.stdout) == (0, "/new/dir\n"), done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "-v", "/tmp:/", "base", "ls"], "is not SRC:DST"),
        (["run", "-v", "/tmp:/x/..", "base", "ls"], "is not SRC:DST"),
        (["run", "--tmpfs", "//", "base", "ls"], "needs an absolute path"),
        (["run", "--rootfs", "/", "ls"], "the host's own root"),
        (["run", "--rootfs", "", "ls"], "not an absolute path"),
        (["run", ""], "needs an IMAGE"),
        (["run", "-h", "a b", "base", "ls"], "is no name"),
        (["run", "-h", "\udcff", "base", "ls"], "is no name"),
    ],
)
def test_words_that_would_mean_the_host_are_refused(
    minidocker: Callable, args: list[str], words: str
) -> None:
    done = minidocker(*args)
    assert done.returncode == 125
    assert words in done.stderr
    assert "Error" not in done.stderr


def test_an_empty_command_is_not_found(minidocker: Callable) -> None:
    assert minidocker("run", "--rm", "base", "").returncode == 127


def test_a_very_long_word_keeps_its_exit_status(minidocker: Callable) -> None:
    long = "a" * 100_000
    assert minidocker("run", "--rm", "base", long).returncode == 127
    done = minidocker("run", "--rm", "--explain", "base", "echo", "\U0001f600" * 30_000)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("spoil", [_fifo, _directory, _zeros])
def test_a_passwd_that_is_no_file_is_an_empty_one(
    minidocker: Callable, rootfs: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(rootfs / "etc/passwd")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "echo", "ok", timeout=20)
    assert done.stdout == "ok\n", done.stderr


def test_bad_lines_of_passwd_are_passed_over(minidocker: Callable, rootfs: Path) -> None:
    lines = "bad\nroot:x:0:zero:r:/r:/bin/sh\n:::::\nu:x:abc:1::/:\nu:x:7:8::/home/u:/bin/sh\n"
    (rootfs / "etc/passwd").write_text(lines)
    run = ["run", "--rm", "--rootfs", str(rootfs), "-u", "u", "sh", "-c"]
    assert minidocker(*run, "id -u; id -g; echo $HOME").stdout.split() == ["7", "8", "/home/u"]


def test_a_dangling_resolv_conf_is_made_inside(minidocker: Callable, rootfs: Path) -> None:
    """Debian's and Ubuntu's point to a file that systemd-resolved writes at run time."""
    (rootfs / "etc/resolv.conf").unlink(missing_ok=True)
    (rootfs / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "cat", "/etc/resolv.conf")
    assert done.returncode == 0, done.stderr
    assert done.stdout == Path("/etc/resolv.conf").read_text()


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_mount_point_that_is_a_link_is_refused(
    minidocker: Callable, rootfs: Path, name: str
) -> None:
    shutil.rmtree(rootfs / name)
    (rootfs / name).symlink_to("/etc")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "true")
    assert done.returncode == 125
    assert f"its {name} is a symbolic link" in done.stderr


def test_env_files_are_read_as_docker_reads_them(minidocker: Callable, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes("A=1\r\n  B=2\n# no\n\nC=x\x0cD=y\x85\n".encode())
    done = minidocker("run", "--rm", "--env-file", str(file), "base", "env")
    found = dict(line.split("=", 1) for line in done.stdout.split("\n") if line)
    assert (found["A"], found["B"], found["C"]) == ("1", "2", "x\x0cD=y\x85")


def test_a_dry_run_knows_any_user(minidocker: Callable) -> None:
    done = minidocker("run", "--dry-run", "--user", "bob:staff", "base", "true")
    assert done.returncode == 0, done.stderr
