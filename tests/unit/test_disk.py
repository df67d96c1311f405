"""When a container has filled the disk of the store: on recorded figures, and on a real tmpfs."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from minidocker.runtime import disk
from minidocker.runtime.disk import Disk


@pytest.fixture
def upper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on a disk of 1000 blocks and 1000 inodes; `left` sets what is free."""
    (tmp_path / "upper/deep/deeper").mkdir(parents=True)
    monkeypatch.setattr(disk.os, "statvfs", lambda path: SimpleNamespace(
        f_bavail=left["blocks"], f_blocks=1000, f_frsize=4096,
        f_favail=left["inodes"], f_files=left["files"],
    ))  # fmt: skip
    left.update(blocks=900, inodes=900, files=1000)
    return tmp_path / "upper"


left: dict[str, int] = {}


def fill(upper: Path, count: int, size: int = 0) -> None:
    for number in range(count):
        (upper / f"deep/deeper/{number}").write_bytes(bytes(size))


def look(upper: Path) -> str:
    found = Disk(str(upper.parent))
    found.look()
    return found.full


def test_much_room(upper: Path) -> None:
    fill(upper, 110)
    assert look(upper) == ""


def test_the_one_who_took_it(upper: Path) -> None:
    fill(upper, 110)
    left["inodes"] = 99
    assert look(upper) == "inodes"
    left.update(inodes=900, blocks=99)
    assert look(upper) == ""  # 110 empty files are no bytes
    fill(upper, 110, 4096)
    assert look(upper) == "bytes"


def test_another_took_it(upper: Path) -> None:
    fill(upper, 60)
    left["inodes"] = 0
    assert look(upper) == ""


def test_a_file_system_that_counts_no_inodes(upper: Path) -> None:
    fill(upper, 110)
    left.update(inodes=0, files=0)
    assert look(upper) == ""


def test_looks_come_quicker_as_the_room_gets_less(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SPEED", (4096, 100))
    seconds = []
    for inodes in (900, 200, 110, 101, 100):
        left["inodes"] = inodes
        seconds.append(Disk(str(upper.parent)).look())
    assert seconds == [disk.LONGEST, 1.0, 0.1, disk.SHORTEST, disk.SHORTEST]


def test_what_goes_meanwhile(upper: Path) -> None:
    os.symlink("/", upper / "link")  # not followed
    assert len(list(disk.walk(str(upper)))) == 3
    assert list(disk.walk(str(upper / "none"))) == []
