"""Probes of /proc over a recorded procfs: odd names, zombies, kernel threads, lost processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recorded_proc import NS, make

from minidocker.lab import proc


def test_a_process_is_read_whole(tmp_path: Path) -> None:
    make(tmp_path, 4242, nspid="4242\t17\t1")
    item = proc.process(4242, str(tmp_path))
    assert (item.pid, item.ppid, item.uid, item.state) == (4242, 1, 1000, "S")
    assert item.nspid == (4242, 17, 1)
    assert item.inner_pid == 1
    assert item.command == ("sleep", "60")
    assert item.label == "sleep 60"
    assert not item.kernel_thread and not item.zombie


def test_a_directory_descriptor_serves_as_root(tmp_path: Path) -> None:
    make(tmp_path, 7)
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert proc.process(7, fd).name == "sleep"
        assert proc.namespaces(7, fd) == NS
        assert list(proc.processes(fd)) == [7]
        with pytest.raises(LookupError):
            proc.process(8, fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a b) R 1", "a b) R 1"),
        ("tab\there", "tab\there"),
        (r"new\nline", "new\nline"),
        (r"back\\nslash", r"back\nslash"),
        ("return\rhere", "return\rhere"),
        ("  spaces ", "  spaces "),
        ("Name:\x85x", "Name:\x85x"),
        (os.fsdecode(b"\xff\xfe"), os.fsdecode(b"\xff\xfe")),
    ],
)
def test_odd_names_come_back_as_they_were(tmp_path: Path, written: str, name: str) -> None:
    make(tmp_path, 5, name=written)
    assert proc.status(5, str(tmp_path))["Name"] == name
    assert proc.process(5, str(tmp_path)).ppid == 1


def test_a_name_full_of_brackets_is_no_kernel_thread(tmp_path: Path) -> None:
    folder = make(tmp_path, 5)
    (folder / "stat").write_text("5 (x) S 2 0 0 0 -1 2097152) S 1 1 1 0 -1 4194304 0 0\n")
    assert not proc.process(5, str(tmp_path)).kernel_thread


@pytest.mark.parametrize("kthread", [None, "1"])
def test_a_kernel_thread_is_told_on_old_and_new_kernels(
    tmp_path: Path, kthread: str | None
) -> None:
    make(tmp_path, 2, name="kthreadd", ppid=0, command=b"", flags=0x208040, kthread=kthread)
    item = proc.process(2, str(tmp_path))
    assert item.kernel_thread
    assert item.label == "[kthreadd]"
    assert proc.link(2, "exe", str(tmp_path)) is None


def test_a_zombie_has_fewer_namespaces_and_says_what_it_is(tmp_path: Path) -> None:
    left = {name: NS[name] for name in ("pid", "user")}
    make(tmp_path, 9, name="gone", state="Z (zombie)", command=b"", ns=left)
    assert proc.process(9, str(tmp_path)).label == "gone (zombie)"
    assert proc.namespaces(9, str(tmp_path)) == left


def test_a_vanished_process_is_a_lookup_error_everywhere(tmp_path: Path) -> None:
    root = str(tmp_path)
    calls = [proc.process, proc.status, proc.namespaces, proc.cgroups, proc.capabilities]
    for call in calls:
        with pytest.raises(LookupError, match="no process 404: it has ended"):
            call(404, root)
    with pytest.raises(LookupError):
        proc.link(404, "exe", root)
    with pytest.raises(LookupError):
        proc.root_identity(404, root)


def test_a_process_that_ended_is_a_lookup_error_on_the_real_proc() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    with pytest.raises(LookupError):
        proc.namespaces(pid)


def test_an_unreadable_process_is_a_permission_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    make(tmp_path, 3)
    monkeypatch.setattr(proc.os, "readlink", refuse)
    with pytest.raises(PermissionError, match="process 3 may not be read by this user"):
        proc.namespaces(3, str(tmp_path))
    assert proc.members(NS["pid"], str(tmp_path)) == []


def test_the_list_leaves_out_what_is_no_process(tmp_path: Path) -> None:
    for pid in (10, 9, 100):
        make(tmp_path, pid)
    (tmp_path / "sys").mkdir()
    (tmp_path / "11").mkdir()  # vanished between the listing and the reading
    assert list(proc.processes(str(tmp_path))) == [9, 10, 100]


def test_the_tree_has_parents_first_and_children_by_pid(tmp_path: Path) -> None:
    for pid, ppid in ((1, 0), (5, 1), (3, 1), (8, 3), (20, 7)):
        make(tmp_path, pid, ppid=ppid)
    found = [(depth, item.pid) for depth, item in proc.tree(1, str(tmp_path))]
    assert found == [(0, 1), (1, 3), (2, 8), (1, 5)]


def test_cgroup_lines_keep_colons_and_spaces(tmp_path: Path) -> None:
    make(tmp_path, 5)
    one, two, unified = proc.cgroups(5, str(tmp_path))
    assert (one.controllers, one.version) == (("name=systemd",), 1)
    assert (two.controllers, two.path) == (("cpu", "cpuacct"), "/a b")
    assert (unified.version, unified.controllers, unified.path) == (2, (), "/user.slice/x:y")


def test_capabilities_are_told_by_name(tmp_path: Path) -> None:
    make(tmp_path, 5)
    sets = proc.capabilities(5, str(tmp_path))
    assert sets["effective"] == ("CAP_CHOWN", "CAP_KILL")
    assert sets["bounding"] == proc.CAPABILITIES
    assert sets["ambient"] == ()
    assert proc.decode_capabilities(1 << 50) == ("CAP_50",)
    # Bits that scripts know by heart; see <linux/capability.h>.
    assert proc.CAPABILITIES.index("CAP_SYS_ADMIN") == 21
    assert proc.CAPABILITIES.index("CAP_CHECKPOINT_RESTORE") == 40


@pytest.mark.skipif(not os.path.isdir("/proc/self/ns"), reason="blocked: needs Linux")
def test_this_process_on_the_real_proc() -> None:
    assert proc.process("self").pid == os.getpid()
    assert proc.namespaces() == proc.namespaces(os.getpid())
    assert proc.link("self", "cwd") == os.getcwd()
    root = os.stat("/")
    assert proc.root_identity() == (root.st_dev, root.st_ino)
    assert os.getpid() in [item.pid for item in proc.members(proc.namespace("self", "pid"))]
