"""The tree of mounts, drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn import drawn
from recorded_proc import make

from minidocker.pictures.mount_tree import mount_tree

MOUNTS = """\
50 10 8:1 / / rw shared:1 - ext4 /dev/sda rw
51 50 0:5 / /proc rw master:7 - proc proc rw
52 50 0:6 / /a\\040b rw - tmpfs <none> rw
53 52 0:7 / /a\\040b/c ro shared:9 master:1 - tmpfs t rw
54 52 0:8 / /a\\040b/d rw unbindable - tmpfs t rw
"""


@pytest.fixture
def procfs(tmp_path: Path) -> str:
    for pid, text in ((100, MOUNTS), (200, "20 1 8:1 / / rw shared:1 - ext4 /dev/sda rw\n")):
        (make(tmp_path, pid) / "mountinfo").write_text(text)
    (tmp_path / "self").symlink_to("200")
    return str(tmp_path)


def test_mounts_stand_as_a_tree_with_their_propagation(procfs: str) -> None:
    picture = mount_tree(100, procfs)
    words = drawn(picture)
    assert [(row[0], row[2]) for row in picture.rows] == [
        ("/", "shared 1, with you"),
        ("  /proc", "slave of 7"),
        ("  /a b", "private"),
        ("    /a b/c", "shared 9, slave of 1 (yours)"),
        ("    /a b/d", "unbindable"),
    ]
    assert "A mount made below / appears at yours as well." in picture.desc
    for word in ("shared: mounts travel both ways", "private: they stay", "/a b/c"):
        assert word in words


def test_the_same_table_is_told_as_such(procfs: str) -> None:
    assert mount_tree("self", procfs).desc.endswith("It is your own mount table.")


def test_a_long_table_is_cut_in_the_drawing_only(procfs: str) -> None:
    picture = mount_tree(100, procfs, limit=2)
    assert len(picture.rows) == 5 and "… and 3 more: see the table" in drawn(picture)


def test_a_part_of_the_mounts(procfs: str) -> None:
    assert len(mount_tree(100, procfs, below="/a b").rows) == 3
    with pytest.raises(LookupError):
        mount_tree(100, procfs, below="/a")


def test_mounts_of_nobody(procfs: str) -> None:
    with pytest.raises(LookupError):
        mount_tree(4242, procfs)
    (Path(procfs) / "100" / "mountinfo").write_text("")
    with pytest.raises(LookupError, match="zombie"):
        mount_tree(100, procfs)
