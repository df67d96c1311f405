"""The tree of cgroups, drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn import drawn
from test_stats import FULL, cgroup

from minidocker.pictures.cgroup_tree import cgroup_tree
from minidocker.proc.machine import Host


@pytest.fixture
def tree(tmp_path: Path) -> Host:
    """Two containers; one has a limit and is full, the other is frozen."""
    top = tmp_path / "sys/fs/cgroup"
    cgroup(top)
    cgroup(top / "minidocker", memory_current="5", memory_max="max", cgroup_procs="")
    cgroup(top / "minidocker/one", **{**FULL, "memory_max": "1024"})
    cgroup(top / "minidocker/two", cgroup_events="populated 1\nfrozen 1")
    me = tmp_path / "proc/self"
    me.mkdir(parents=True)
    (me / "mountinfo").write_text("23 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    (tmp_path / "proc/77").mkdir()
    (tmp_path / "proc/77/cgroup").write_text("0::/minidocker/one\n")
    return Host(root=str(tmp_path))


def test_the_tree_with_limits_and_use(tree: Host) -> None:
    picture = cgroup_tree(host=tree)
    words = drawn(picture)
    rows = {row[0].strip(): row for row in picture.rows}
    assert [row[0] for row in picture.rows][1:] == ["  minidocker", "    one", "    two"]
    assert rows["one"][1:6] == (
        "2", "1000 B / 1 KiB", "4 / 10", "1.5 s / 0.5 CPUs", "throttled 7 of 20",
    )  # fmt: skip
    assert "2 killed for memory" in rows["one"][7] and rows["two"][7] == "frozen"
    assert "With a limit of their own: one." in picture.desc
    assert "throttled 7 of 20" in words and "two (2) frozen" in words


def test_the_group_of_a_process_is_marked(tree: Host) -> None:
    picture = cgroup_tree(pid=77, host=tree)
    assert picture.rows[0][0] == "minidocker"
    assert [row[0].strip() for row in picture.rows if "this process" in row[7]] == ["one"]
    assert "← this process" in drawn(picture)


def test_a_part_of_the_tree(tree: Host) -> None:
    assert len(cgroup_tree("minidocker/two", host=tree).rows) == 1
    assert len(cgroup_tree(depth=1, host=tree).rows) == 2
    with pytest.raises(LookupError):
        cgroup_tree("nothing", host=tree)
    with pytest.raises(LookupError):
        cgroup_tree("../../..", host=tree)


def test_a_hybrid_machine_says_so(tree: Host) -> None:
    with open(tree.path("/proc/self/mountinfo"), "a") as file:
        file.write("24 20 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
    assert "controllers sit on version 1" in drawn(cgroup_tree(host=tree))
    Path(tree.path("/proc/self/mountinfo")).write_text("")
    with pytest.raises(LookupError):
        cgroup_tree(host=tree)
