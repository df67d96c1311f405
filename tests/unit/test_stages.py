"""Stages against a kernel that pretends: what they ask for, and in which order."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from minidocker.errors import KernelError, MinidockerError, NotFound, UsageError
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.kernel.trace import Pretend
from minidocker.spec.spec import Mount, Process, Resources, Root, Run, Spec
from minidocker.stages import CHAPTERS, STAGES, by_name, choose
from minidocker.stages.cgroup import Cgroup, weight
from minidocker.stages.identity import Identity, group_id, lines, lookup
from minidocker.stages.layers import (
    INIT_DIRECTORIES,
    INIT_FILES,
    Layers,
    init_layer,
    make_init_layer,
)
from minidocker.stages.mounts import Mounts
from minidocker.stages.pid import Pid, exit_status
from minidocker.stages.rootfs import Rootfs


def a_run(**spec: object) -> Run:
    defaults = {
        "id": "abc", "hostname": "box", "mounts": [], "resources": Resources(),
        "root": Root(path="", layers=["/l/1", "/l/2"], readonly=False),
        "process": Process(args=["true"], env=[], cwd="/", user=""),
    }  # fmt: skip
    return Run(id="abc", directory="/s/abc", root="/s/abc/merged", facts={},
               spec=Spec(**{**defaults, **spec}))  # fmt: skip


def names(kernel: Pretend) -> list[str]:
    return [name for name, _ in kernel.calls]


def test_both_orders_hold_the_same_stages() -> None:
    assert sorted(stage.name for stage in STAGES) == sorted(CHAPTERS)
    for stage in STAGES:
        assert stage.__doc__, stage
        for part in stage.parts:
            assert isinstance(stage.__dict__[part], staticmethod)
            assert getattr(stage, part).__doc__, part


def test_needs_come_before_where_mounts_are_concerned() -> None:
    order = [stage.name for stage in STAGES]
    assert order.index("propagation") < order.index("layers") < order.index("mounts")
    assert order.index("mounts") < order.index("rootfs")
    assert order[-1] == "seccomp" and order.index("identity") < order.index("capabilities")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pid", ["pid", "identity"]),
        ("pid,mounts", ["pid", "propagation", "mounts", "identity"]),
        ("..mounts", ["pid", "propagation", "mounts", "identity"]),
        ("..rootfs", ["pid", "propagation", "mounts", "rootfs", "identity"]),
        ("", [stage.name for stage in STAGES]),
    ],
)
def test_choose(text: str, expected: list[str]) -> None:
    assert [stage.name for stage in choose(text)] == expected


@pytest.mark.parametrize("text", ["rootfs", "nonsense", "layers", "pid,,mounts"])
def test_choose_refuses(text: str) -> None:
    with pytest.raises(UsageError) as problem:
        choose(text)
    assert problem.value.remedy


def test_overlay_options_put_the_top_first_and_escape() -> None:
    text = Layers.overlay_options(["/a", "/b:c", "/d,e", "/f\\g"], "/u", "/w")
    assert text == "lowerdir=/f\\\\g:/d\\,e:/b\\:c:/a,upperdir=/u,workdir=/w"


def test_pivot_leaves_the_old_root_behind() -> None:
    kernel = Pretend()
    Rootfs.pivot(kernel, "/new")
    assert names(kernel) == ["mount", "chdir", "pivot_root", "umount2", "chdir"]
    assert kernel.calls[0][1][3] == f.MS_BIND | f.MS_REC
    assert kernel.calls[3] == ("umount2", (".", f.MNT_DETACH))
    assert kernel.calls[4] == ("chdir", ("/",))


def test_a_read_only_bind_takes_two_calls_and_spares_the_file_system() -> None:
    kernel = Pretend()
    Mounts.bind(kernel, "/src", "/dst", True)
    assert kernel.calls[0][1][3] == f.MS_BIND | f.MS_REC
    assert kernel.calls[1] == ("mount_setattr", ("/dst", f.MOUNT_ATTR_RDONLY, True))


def test_mounts_on_the_hosts_root_are_proc_alone() -> None:
    kernel = Pretend()
    run = a_run()
    run.root = ""
    Mounts().inside(kernel, run)
    assert [args[1] for name, args in kernel.calls if name == "mount"] == ["/proc"]


def test_volumes_are_mounted_parents_first() -> None:
    kernel = Pretend()
    volumes = [
        Mount(source="/h", destination=d, type="bind", options="dir") for d in ("/a/b", "/a")
    ]
    Mounts().inside(kernel, a_run(mounts=volumes))
    assert [a[1] for n, a in kernel.calls if n == "bind_tree" and a[0] == "/h"] == [
        "/s/abc/merged/a",
        "/s/abc/merged/a/b",
    ]


def test_a_learners_bind_serves_for_volumes() -> None:
    class Theirs(Mounts):
        origin = {"bind": "mine.py"}

    kernel = Pretend()
    volumes = [
        Mount(source="/h", destination=d, type="bind", options="dir") for d in ("/a/b", "/a")
    ]
    Theirs().inside(kernel, a_run(mounts=volumes))
    assert [a[1] for n, a in kernel.calls if n == "mount" and a[0] == "/h"] == [
        "/s/abc/merged/a",
        "/s/abc/merged/a/b",
    ]


def test_a_part_that_fails_is_named() -> None:
    class Broken(Rootfs):
        @staticmethod
        def pivot(kernel: object, new_root: str) -> None:
            raise ValueError("no")

    stage = Broken()
    with pytest.raises(ValueError, match="no"):
        stage.inside(Pretend(), a_run())
    assert stage.doing == "pivot"


@pytest.mark.parametrize(("status", "expected"), [(0, 0), (7 << 8, 7), (9, 137), (15 | 0x80, 143)])
def test_exit_status(status: int, expected: int) -> None:
    assert exit_status(status) == expected


class Family(Pretend):
    """A kernel with children: signals to come, and what waitpid will answer."""

    def __init__(self, signals: list[int], ends: list[list[tuple[int, int]]]) -> None:
        super().__init__()
        self.signals, self.ends = signals, ends

    def wait_signal(self) -> int:
        return self.signals.pop(0)

    def waitpid(self, pid: int, options: int = 0) -> tuple[int, int]:
        assert options == f.WNOHANG
        if self.ends[0]:
            return self.ends[0].pop(0)
        self.ends.pop(0)
        return (0, 0)


def test_init_reaps_all_and_forwards() -> None:
    kernel = Family([f.SIGTERM, f.SIGCHLD, f.SIGCHLD], [[(5, 0), (6, 0)], [(7, 0), (2, 3 << 8)]])
    assert Pid.init(kernel, 2) == 3
    assert kernel.calls == [("kill", (2, f.SIGTERM))]


def test_limits() -> None:
    asked = Resources(memory=64 << 20, cpus=0.5, pids=20, shares=1024)
    assert Cgroup.limits(asked) == {
        "memory.max": "67108864", "memory.swap.max": "67108864", "cpu.max": "50000 100000",
        "cpu.weight": "100", "pids.max": "20",
    }  # fmt: skip
    assert Cgroup.limits(Resources(memory=1 << 20, swap=1 << 20))["memory.swap.max"] == "0"
    assert Cgroup.limits(Resources(memory=1 << 20, swap=-1))["memory.swap.max"] == "max"
    assert Cgroup.limits(Resources()) == {}


@pytest.mark.parametrize(("shares", "expected"), [(2, 1), (1024, 100), (262144, 10000), (0, 100)])
def test_weight(shares: int, expected: int) -> None:
    assert weight(shares) == expected


PASSWD = [["root", "x", "0", "0", "", "/root", "/bin/sh"], ["ann", "x", "7", "8", "", "/h/ann", ""]]
GROUP = [["staff", "x", "50", "ann,bob"], ["ann", "x", "8", ""]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("0", (0, 0, [0], "/root")),
        ("ann", (7, 8, [8, 50], "/h/ann")),
        ("7", (7, 8, [8, 50], "/h/ann")),
        ("ann:staff", (7, 50, [50], "/h/ann")),
        ("1234:99", (1234, 99, [99], "/")),
        ("1234", (1234, 0, [0], "/")),
    ],
)
def test_lookup(asked: str, expected: tuple) -> None:
    assert lookup(asked, PASSWD, GROUP) == expected


def test_a_group_that_is_called_like_a_number_is_not_that_number() -> None:
    """An image may have a group "1000" that is the group of the host's disks (CVE-2026-46680)."""
    groups = [["1000", "x", "6", ""], ["disk", "x", "6", ""], ["web", "x", "1000", ""]]
    assert group_id("1000", groups) == 1000
    assert group_id("01000", groups) == 1000
    assert group_id("disk", groups) == 6


def test_a_number_of_many_digits_is_no_id() -> None:
    """Python's int() refuses more than 4300 digits, by an exception of its own."""
    many = "9" * 5000
    kernel = Pretend({"/etc/passwd": f"evil:x:{many}:0::/:/bin/sh\nann:x:7:8::/h/ann:\n"})
    entries = lines(kernel, "/etc/passwd", 6, 2)
    assert [entry[0] for entry in entries] == ["ann"]
    for asked in (many, f"7:{many}"):
        with pytest.raises(NotFound):
            lookup(asked, entries, [])


def test_a_line_with_a_nul_is_no_user() -> None:
    """Its home would become a variable, and no variable can hold a NUL."""
    kernel = Pretend({"/etc/passwd": "root:x:0:0::/ro\0ot:/bin/sh\nann:x:7:8::/h/ann:\n"})
    assert [entry[0] for entry in lines(kernel, "/etc/passwd", 6, 2)] == ["ann"]


def test_a_user_in_more_groups_than_a_process_can_have() -> None:
    """CVE-2026-47262: an image's list of groups took all of containerd's memory."""
    groups = "".join(f"g{number}:x:{number}:root\n" for number in range(70_000))
    kernel = Pretend({"/etc/passwd": "root:x:0:0::/root:\n", "/etc/group": groups})
    with pytest.raises(MinidockerError, match="70000 groups"):
        Identity().inside(kernel, a_run())
    assert "setgroups" not in names(kernel)


def test_by_name_lists_the_stages() -> None:
    with pytest.raises(UsageError, match="no stage 'x'") as problem:
        by_name("x")
    assert "propagation" in problem.value.remedy


class Strict(Pretend):
    """A kernel older than `volatile`."""

    def mount(self, source: str, target: str, kind: str, flags: int, data: str = "") -> None:
        self.calls.append(("mount", (source, target, kind, flags, data)))
        if "volatile" in data:
            raise KernelError("mount(2)", errno.EINVAL, target)


@pytest.mark.parametrize("remove", [True, False])
def test_only_what_is_removed_next_may_be_missing_on_the_disk(remove: bool) -> None:
    kernel, old = Pretend(), Strict()
    for one in (kernel, old):
        Layers().inside(one, a_run(remove=remove))
    mounts = [args[4] for name, args in kernel.calls if name == "mount"]
    assert [data.endswith(",volatile") for data in mounts] == [remove]
    tried = [args[4] for name, args in old.calls if name == "mount"]
    assert len(tried) == 1 + remove and "volatile" not in tried[-1]


def test_the_init_layer_is_made_once_and_made_whole(tmp_path: Path) -> None:
    (tmp_path / "containers" / "abc").mkdir(parents=True)
    run = a_run()
    run.directory = str(tmp_path / "containers" / "abc")
    layer = Path(init_layer(run))
    assert layer == tmp_path / "init"
    (layer / "etc").mkdir(parents=True)
    (layer / "etc" / "hosts").touch()  # so far came one that was killed
    make_init_layer(Linux(), str(layer))
    files = {path.relative_to(layer).as_posix() for path in layer.rglob("*")}
    assert files == {*INIT_DIRECTORIES, *INIT_FILES}
    before = layer.stat().st_mtime_ns
    make_init_layer(Linux(), str(layer))
    assert layer.stat().st_mtime_ns == before
