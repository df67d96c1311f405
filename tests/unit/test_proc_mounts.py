"""mountinfo: escapes, optional fields, stacked and hidden mounts."""

from __future__ import annotations

import os

import pytest

from minidocker.proc import mounts

TABLE = r"""21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
22 21 0:5 / /proc rw,nosuid master:3 - proc proc rw
30 21 0:30 / /mnt/a\040b\011c\134d ro,nodev - tmpfs odd\040name rw,size=4k
31 21 0:31 /sub /srv rw shared:7 master:4 propagate_from:2 - xfs /dev/sdb rw
32 31 0:32 / /srv rw - tmpfs second rw
33 21 0:33 / /data rw unbindable - btrfs /dev/sdc rw
34 33 0:34 / /data/deep/er rw - tmpfs deep rw
35 21 0:35 / /caf\303\251 rw -  ext2  rw
"""


@pytest.fixture
def table() -> list[mounts.Mount]:
    return mounts.parse(TABLE)


def test_names_are_unescaped(table: list[mounts.Mount]) -> None:
    odd = table[2]
    assert odd.point == "/mnt/a b\tc\\d"
    assert odd.source == "odd name"
    assert odd.options == ("ro", "nodev") and odd.read_only
    assert odd.super_options == "rw,size=4k"
    assert mounts.unescape(r"\303\251") == os.fsdecode("é".encode())
    assert mounts.unescape(r"\134040") == r"\040"


@pytest.mark.parametrize(
    ("index", "propagation"),
    [(0, "shared"), (1, "slave"), (2, "private"), (3, "shared and slave"), (5, "unbindable")],
)
def test_optional_fields_tell_the_propagation(
    table: list[mounts.Mount], index: int, propagation: str
) -> None:
    assert table[index].propagation == propagation
    assert table[index].fstype  # found behind the dash, wherever that stands


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", 21),
        ("/etc/passwd", 21),
        ("/proc/1/ns", 22),
        ("/procession", 21),
        ("/srv", 32),  # stacked: the later one is on top
        ("/srv/x", 32),
        ("/data/deep", 33),
        ("/data/deep/er/x", 34),
        ("/mnt/a b\tc\\d/file", 30),
    ],
)
def test_covering_finds_the_mount_that_one_reaches(
    table: list[mounts.Mount], path: str, found: int
) -> None:
    assert mounts.covering(table, path).id == found


def test_a_mount_that_a_later_one_hides_is_not_reached() -> None:
    table = mounts.parse(
        "1 0 8:1 / / rw - ext4 a rw\n"
        "2 1 0:2 / /a/b rw - tmpfs hidden rw\n"
        "3 1 0:3 / /a rw - tmpfs over rw\n"
    )
    assert mounts.covering(table, "/a/b/c").source == "over"


def test_a_root_mounted_over_another_is_the_root() -> None:
    table = mounts.parse("1 0 0:1 / / rw - rootfs rootfs rw\n2 1 8:1 / / rw - ext4 disk rw\n")
    assert mounts.covering(table, "/etc").source == "disk"


def test_an_empty_table_covers_nothing() -> None:
    with pytest.raises(LookupError):
        mounts.covering([], "/")


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="blocked: needs Linux")
def test_the_real_table_agrees_with_the_kernel() -> None:
    here = mounts.covering(mounts.mounts(), "/proc/self")
    assert here.fstype == "proc"
    number = os.stat("/proc/self/status").st_dev
    assert here.device == f"{os.major(number)}:{os.minor(number)}"
