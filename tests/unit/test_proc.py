"""Probes of /proc over a recorded procfs: odd names, zombies, kernel threads, lost processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recorded_proc import NS, make

from minidocker.proc import lean, processes


def test_a_process_is_read_whole(tmp_path: Path) -> None:
    make(tmp_path, 4242, nspid="4242\t17\t1")
    item = processes.process(4242, str(tmp_path))
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
        assert processes.process(7, fd).name == "sleep"
        assert processes.namespaces(7, fd) == NS
        assert list(processes.processes(fd)) == [7]
        with pytest.raises(LookupError):
            processes.process(8, fd)
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
    assert processes.status(5, str(tmp_path))["Name"] == name
    assert processes.process(5, str(tmp_path)).ppid == 1


def test_a_name_full_of_brackets_is_no_kernel_thread(tmp_path: Path) -> None:
    folder = make(tmp_path, 5)
    (folder / "stat").write_text("5 (x) S 2 0 0 0 -1 2097152) S 1 1 1 0 -1 4194304 0 0\n")
    assert not processes.process(5, str(tmp_path)).kernel_thread


@pytest.mark.parametrize("kthread", [None, "1"])
def test_a_kernel_thread_is_told_on_old_and_new_kernels(
    tmp_path: Path, kthread: str | None
) -> None:
    make(tmp_path, 2, name="kthreadd", ppid=0, command=b"", flags=0x208040, kthread=kthread)
    item = processes.process(2, str(tmp_path))
    assert item.kernel_thread
    assert item.label == "[kthreadd]"
    assert processes.link(2, "exe", str(tmp_path)) is None


def test_a_zombie_has_fewer_namespaces_and_says_what_it_is(tmp_path: Path) -> None:
    left = {name: NS[name] for name in ("pid", "user")}
    make(tmp_path, 9, name="gone", state="Z (zombie)", command=b"", ns=left)
    assert processes.process(9, str(tmp_path)).label == "gone (zombie)"
    assert processes.namespaces(9, str(tmp_path)) == left


def test_a_vanished_process_is_a_lookup_error_everywhere(tmp_path: Path) -> None:
    root = str(tmp_path)
    calls = [processes.process, processes.status, processes.namespaces, processes.cgroups, processes.capabilities]
    for call in calls:
        with pytest.raises(LookupError, match="no process 404: it has ended"):
            call(404, root)
    with pytest.raises(LookupError):
        processes.link(404, "exe", root)
    with pytest.raises(LookupError):
        processes.root_identity(404, root)


def test_a_process_that_ended_is_a_lookup_error_on_the_real_proc() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    with pytest.raises(LookupError):
        processes.namespaces(pid)


def test_an_unreadable_process_is_a_permission_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    make(tmp_path, 3)
    monkeypatch.setattr(processes.os, "readlink", refuse)
    with pytest.raises(PermissionError, match="process 3 may not be read by this user"):
        processes.namespaces(3, str(tmp_path))
    assert processes.members(NS["pid"], str(tmp_path)) == []


def test_the_list_leaves_out_what_is_no_process(tmp_path: Path) -> None:
    for pid in (10, 9, 100):
        make(tmp_path, pid)
    (tmp_path / "sys").mkdir()
    (tmp_path / "11").mkdir()  # vanished between the listing and the reading
    assert list(processes.processes(str(tmp_path))) == [9, 10, 100]


def test_the_tree_has_parents_first_and_children_by_pid(tmp_path: Path) -> None:
    for pid, ppid in ((1, 0), (5, 1), (3, 1), (8, 3), (20, 7)):
        make(tmp_path, pid, ppid=ppid)
    found = [(depth, item.pid) for depth, item in processes.tree(1, str(tmp_path))]
    assert found == [(0, 1), (1, 3), (2, 8), (1, 5)]


def test_cgroup_lines_keep_colons_and_spaces(tmp_path: Path) -> None:
    make(tmp_path, 5)
    one, two, unified = processes.cgroups(5, str(tmp_path))
    assert (one.controllers, one.version) == (("name=systemd",), 1)
    assert (two.controllers, two.path) == (("cpu", "cpuacct"), "/a b")
    assert (unified.version, unified.controllers, unified.path) == (2, (), "/user.slice/x:y")


def test_capabilities_are_told_by_name(tmp_path: Path) -> None:
    make(tmp_path, 5)
    sets = processes.capabilities(5, str(tmp_path))
    assert sets["effective"] == ("CAP_CHOWN", "CAP_KILL")
    assert sets["bounding"] == processes.CAPABILITIES
    assert sets["ambient"] == ()
    assert processes.decode_capabilities(1 << 50) == ("CAP_50",)
    # Bits that scripts know by heart; see <linux/capability.h>.
    assert processes.CAPABILITIES.index("CAP_SYS_ADMIN") == 21
    assert processes.CAPABILITIES.index("CAP_CHECKPOINT_RESTORE") == 40


@pytest.mark.skipif(not os.path.isdir("/proc/self/ns"), reason="blocked: needs Linux")
def test_this_process_on_the_real_proc() -> None:
    assert processes.process("self").pid == os.getpid()
    assert processes.namespaces() == processes.namespaces(os.getpid())
    assert processes.link("self", "cwd") == os.getcwd()
    root = os.stat("/")
    assert processes.root_identity() == (root.st_dev, root.st_ino)
    assert os.getpid() in [item.pid for item in processes.members(processes.namespace("self", "pid"))]


def test_a_process_that_ends_is_told_from_one_that_lives() -> None:
    assert not lean.is_ending(os.getpid()) and not lean.is_ending(1 << 30)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert lean.is_ending(pid)
    os.waitpid(pid, 0)
    assert not lean.is_ending(pid)
