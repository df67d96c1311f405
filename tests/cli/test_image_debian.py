"""A real Debian: everything of it comes through the import, beside GNU tar."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from debian_tar import debian_tar

from minidocker.images.store import Store

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.needs("root")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    """The store, and the directory of the one layer."""
    root = tmp_path_factory.mktemp("debian") / "store"
    subprocess.run(
        [sys.executable, "-m", "minidocker", "image", "import", "debian", debian_tar()],
        env={**os.environ, "MINIDOCKER_ROOT": str(root)}, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    store = Store(str(root))
    return store, store.resolve("debian").layers[0]


def test_the_digest_is_that_of_the_file(imported: tuple[Store, str]) -> None:
    with open(debian_tar(), "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert imported[1].endswith(f"/layers/sha256/{digest}/fs")


def test_gnu_tar_finds_no_difference(imported: tuple[Store, str]) -> None:
    """`tar --compare` looks at kinds, modes, numeric owners, times, links, devices and contents."""
    command = ["tar", "--compare", "--numeric-owner", "-C", imported[1], "-f", debian_tar()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == done.stderr == ""
    assert done.returncode == 0


def test_nothing_was_added(imported: tuple[Store, str]) -> None:
    listed = subprocess.check_output(["tar", "-tf", debian_tar()], text=True).splitlines()
    told = {os.path.normpath(name) for name in listed}
    found = {"."}
    for folder, folders, files in os.walk(imported[1]):
        found |= {
            os.path.relpath(os.path.join(folder, name), imported[1]) for name in folders + files
        }
    assert found == told


def test_setuid_programs_devices_and_links_are_there(imported: tuple[Store, str]) -> None:
    root = Path(imported[1])
    assert (root / "usr/bin/su").stat().st_mode & 0o7777 == 0o4755
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert os.readlink(root / "bin") == "usr/bin"
    assert (root / "usr/bin/perl").stat().st_nlink == 2
    shadow = (root / "etc/shadow").stat()
    assert (shadow.st_uid, shadow.st_gid, shadow.st_mode & 0o7777) == (0, 42, 0o640)
    if (root / "dev/null").exists():
        assert (root / "dev/null").stat().st_rdev == os.makedev(1, 3)


def test_its_programs_run(imported: tuple[Store, str]) -> None:
    script = "bash -c 'echo $BASH_VERSION'; apt-get --version | head -1; python3 -Bc 'print(6 * 7)'"
    told = subprocess.check_output(
        ["chroot", imported[1], "/bin/sh", "-c", script],
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert re.fullmatch(r"5\.\S+\napt 2\.\S+ .*\n42\n", told)
