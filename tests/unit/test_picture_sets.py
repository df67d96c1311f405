"""The pictures of peer groups, and of the capability sets through an exec."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn import drawn
from recorded_proc import make

from minidocker.lab.before_after import through_exec
from minidocker.lab.cells import CellFailed
from minidocker.pictures.exec_sets import exec_sets
from minidocker.pictures.peer_groups import peer_groups

ONE = """\
50 10 8:1 / / rw - ext4 /dev/sda rw
51 50 0:5 / /srv rw shared:7 - tmpfs t rw
52 51 0:6 / /srv/a rw shared:8 - tmpfs t rw
53 51 0:7 / /srv/b rw shared:9 - tmpfs t rw
54 51 0:8 / /srv/c rw - tmpfs t rw
"""
OTHER = """\
60 10 8:1 / / rw - ext4 /dev/sda rw
61 60 0:5 / /srv rw - tmpfs t rw
62 61 0:6 / /srv/a rw shared:8 - tmpfs t rw
63 61 0:7 / /srv/b rw shared:10 master:9 - tmpfs t rw
"""
ALL = (1 << 41) - 1


def texts(uid: int, **sets: int) -> str:
    values = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": ALL, "CapAmb": 0} | sets
    lines = [f"{name}:\t{value:016x}" for name, value in values.items()]
    return "\n".join(["Name:\tx", f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", *lines])


def test_each_place_says_what_goes_over(tmp_path: Path) -> None:
    for pid, table in ((1, ONE), (2, OTHER)):
        (make(tmp_path, pid) / "mountinfo").write_text(table)
    picture = peer_groups([1, 2], ["out", "in"], below="/srv", root=tmp_path)
    assert picture.rows == [
        ("/srv", "in group 7", "private", "nothing goes over"),
        ("/srv/a", "in group 8", "in group 8", "both ways"),
        ("/srv/b", "in group 9", "in group 10, slave of group 9", "one way"),
        ("/srv/c", "private", "not mounted here", ""),
    ]
    for word in ("out", "in group 8", "one way", "not mounted here"):
        assert word in drawn(picture)
    turned = peer_groups([2, 1], below="/srv/b", root=tmp_path)
    assert [row[-1] for row in turned.rows] == ["one way, to the left"]
    with pytest.raises(LookupError):
        peer_groups([1], below="/sr", root=tmp_path)
    with pytest.raises(ValueError, match="labels"):
        peer_groups([1], ["a", "b"], root=tmp_path)


def test_of_mounts_upon_each_other_the_one_that_is_reached_counts(tmp_path: Path) -> None:
    stacked = """\
50 10 8:1 / / rw - ext4 /dev/sda rw
70 51 0:9 / /srv rw shared:3 - tmpfs top rw
51 50 0:5 / /srv rw shared:7 - tmpfs t rw
52 51 0:6 / /srv/a rw shared:8 - tmpfs hidden rw
"""
    (make(tmp_path, 1) / "mountinfo").write_text(stacked)
    picture = peer_groups([1], below="/srv", root=tmp_path)
    assert picture.rows == [("/srv", "in group 3", "")]


def test_many_mounts_are_cut_in_the_drawing_only(tmp_path: Path) -> None:
    lines = ["1 0 8:1 / / rw - ext4 /dev/sda rw"]
    lines += [f"{at} 1 0:{at} / /m{at:02} rw - tmpfs t rw" for at in range(10, 29)]
    (make(tmp_path, 1) / "mountinfo").write_text("\n".join(lines))
    picture = peer_groups([1], root=tmp_path)
    assert len(picture.rows) == 20 and "… and 8 more: see the table" in drawn(picture)


def test_sets_before_and_after_an_exec() -> None:
    picture = exec_sets(texts(0), texts(0, CapPrm=ALL, CapEff=ALL))
    assert [row[:3] for row in picture.rows[:3]] == [
        ("bounding", "41", "41"), ("permitted", "0", "41"), ("effective", "0", "41"),
    ]  # fmt: skip
    assert "bounding: 41" in drawn(picture) and "is the bounding set" in picture.desc
    user = exec_sets(texts(1000, CapPrm=1, CapAmb=1, CapInh=1), texts(1000, CapPrm=1, CapEff=1))
    assert "is the ambient set" in user.desc and "exec: not user 0" in drawn(user)


@pytest.mark.needs("linux")
def test_what_an_exec_makes_of_them_is_seen_and_not_computed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = through_exec("print('hello')\nos.setresuid(*3 * [os.getuid()])")
    assert capsys.readouterr().out == "hello\n"
    assert [row[0] for row in picture.rows][:2] == ["bounding", "permitted"]
    for code in ("1 / 0", "x =", "os._exit(3)"):
        with pytest.raises(CellFailed):
            through_exec(code)
