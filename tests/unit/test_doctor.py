"""The doctor over made-up machines: each gap has its line, and lessons follow from findings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.course import manifest
from minidocker.doctor import doctor, trial
from minidocker.doctor.finding import Finding
from minidocker.errors import LAB_MACHINE
from minidocker.images.store.store import Store
from minidocker.places import ROOM
from minidocker.proc import mounts
from minidocker.proc.machine import Host

COURSE = manifest.load(Path(__file__).resolve().parents[2])
PROMISED = """
linux root pidns mntns utsns ipcns netns userns cgroupns timens overlay cgroup2 memory cpu pids
busybox iproute2 pivot_root
""".split()  # noqa: SIM905 - the ids as the manual lists them

OTHERS = ("userns", "userns_mount", "pivot_root", "veth", "overlay", "rootless")
ALL_WORKS = dict.fromkeys((*trial.NAMESPACE_FLAGS, *OTHERS), "")
FULL = "000001ffffffffff"


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., Host]:
    """Return a maker of good machines (Linux 6.12, root, cgroup v2) with differences."""

    def make(files: dict[str, str | None] | None = None, **fields: object) -> Host:
        good: dict[str, str | None] = {
            "proc/sys/kernel/osrelease": "6.12.1\n",
            "proc/sys/kernel/cap_last_cap": "40\n",
            "proc/self/status": f"Name:\tx\nPid:\t1\nCapEff:\t{FULL}\n",
            "proc/self/uid_map": "         0          0 4294967295\n",
            "proc/self/cgroup": "0::/user.slice\n",
            "proc/self/mountinfo": (
                "1 0 8:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"
                "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
            ),
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
            "sys/fs/cgroup/cgroup.subtree_control": "memory pids\n",
            "dev/net/tun": "",
        }
        for name, text in {**good, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                path.write_text(text)
                path.chmod(0o666)
        (tmp_path / "store").mkdir(exist_ok=True)
        program = tmp_path / "program"
        program.write_bytes(b"\x7fELF\x02\x01" + bytes(58))
        values: dict[str, object] = {
            "root": str(tmp_path),
            "platform": "linux",
            "euid": 0,
            "store": str(tmp_path / "store"),
            "which": lambda name: str(program),
            "tried": dict(ALL_WORKS),
        }
        return Host(**{**values, **fields})  # type: ignore[arg-type]

    return make


def test_a_good_machine_has_no_gap_but_its_disk(host: Callable[..., Host]) -> None:
    found = doctor.features(host())
    assert set(PROMISED) <= set(found)
    gaps = {name for name, item in found.items() if item.state == "gap"}
    assert gaps <= {"store", "terminal"}  # these two look at the real machine


def test_every_finding_is_whole(host: Callable[..., Host]) -> None:
    broken = host(tried={"*": "needs Linux"}, which=lambda name: None, euid=1000)
    for found in (doctor.features(host()), doctor.features(broken)):
        for name, item in found.items():
            assert item.id == name and item.title and item.seen
            assert item.state in ("ok", "gap", "info")
            assert item.fix or item.state != "gap", f"{name} is a gap without a fixing line"


def test_what_an_ordinary_users_network_needs(host: Callable[..., Host]) -> None:
    def finding(**fields: object) -> Finding:
        return doctor.features(host(**fields))["slirp4netns"]

    assert finding().state == "ok"
    lacking = finding(which=lambda name: None if name == "slirp4netns" else f"/usr/bin/{name}")
    assert lacking.fix == "apt-get install -y slirp4netns"
    tun = Path(host().path("/dev/net/tun"))
    closed, missing = host(euid=1000), host(euid=1000)
    tun.chmod(0o600)
    assert doctor.features(closed)["slirp4netns"].fix == "sudo chmod 666 /dev/net/tun"
    tun.unlink()
    assert doctor.features(missing)["slirp4netns"].fix == "sudo modprobe tun"


@pytest.mark.parametrize(
    ("name", "program", "package"),
    [
        ("busybox", "busybox", "busybox-static"),
        ("iproute2", "ip", "iproute2"),
        ("nft", "nft", "nftables"),
        ("strace", "strace", "strace"),
        ("openssl", "openssl", "openssl"),
        ("procps", "ps", "procps"),
    ],
)
def test_a_missing_program_has_its_apt_line(
    host: Callable[..., Host], name: str, program: str, package: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def which(asked: str) -> str | None:
        return None if asked == program else "/bin/sh"

    item = doctor.features(host(which=which))[name]
    assert (item.state, item.fix) == ("gap", f"apt-get install -y {package}")
    item = doctor.features(host(which=which, euid=1000))[name]
    assert item.fix == f"sudo apt-get install -y {package}"
    monkeypatch.setenv(ROOM, "1")  # whose root installs nothing on the machine
    item = doctor.features(host(which=which))[name]
    assert item.fix == f"sudo apt-get install -y {package}   (outside of the room)"


def test_what_the_lab_machine_lacks_is_one_line(host: Callable[..., Host]) -> None:
    lacking = ("qemu-system-x86_64", "mmdebstrap")
    found = doctor.features(host(which=lambda name: None if name in lacking else "/bin/sh"))["vm"]
    assert (found.state, found.seen) == ("gap", "there is no mmdebstrap, no qemu-system-x86_64")
    assert found.fix == "apt-get install --no-install-recommends mmdebstrap qemu-system-x86"
    assert doctor.features(host())["vm"].state == "ok"
    assert "sudo make box" in doctor.features(host(euid=1000))["vm"].seen
    assert "it starts none" in doctor.features(host({"etc/minidocker-lab": ""}))["vm"].seen


def test_without_apt_the_package_is_named(host: Callable[..., Host]) -> None:
    item = doctor.features(host(which=lambda name: None))["strace"]
    assert item.fix == "install the package strace (Debian's name)"


@pytest.mark.parametrize(
    ("head", "state", "word"),
    [
        (b"\x7fELF\x02\x01" + bytes(58), "ok", ""),
        (b"#!/bin/sh\n", "gap", "not an ELF program"),
        # one program header of type PT_INTERP, at offset 64
        (
            b"\x7fELF\x02\x01" + bytes(26) + (64).to_bytes(8, "little") + bytes(14)
            + (56).to_bytes(2, "little") + (1).to_bytes(2, "little") + bytes(6)
            + (3).to_bytes(4, "little") + bytes(52),
            "gap",
            "needs shared libraries",
        ),
    ],
    ids=["static", "script", "dynamic"],
)  # fmt: skip
def test_busybox_must_be_static(
    host: Callable[..., Host], tmp_path: Path, head: bytes, state: str, word: str
) -> None:
    program = tmp_path / "bb"
    program.write_bytes(head)
    item = doctor.features(host(which=lambda name: str(program)))["busybox"]
    assert item.state == state and word in item.seen


def test_a_user_is_told_to_be_root(host: Callable[..., Host]) -> None:
    refused = dict.fromkeys(ALL_WORKS, "unshare(2): EPERM, Operation not permitted")
    files = {"proc/self/status": "Name:\tx\nPid:\t1\nCapEff:\t0000000000000000\n"}
    found = doctor.features(host(files, euid=1000, tried=refused))
    for name in ("root", "capabilities", "pidns", "mntns", "overlay"):
        assert found[name].state == "gap" and "sudo minidocker doctor" in found[name].fix
    assert "CAP_SYS_ADMIN" in found["capabilities"].seen


def test_a_user_is_told_what_works_without_root(host: Callable[..., Host]) -> None:
    refused = {**dict.fromkeys(ALL_WORKS, "unshare(2): EPERM"), "rootless": ""}
    ranges = {f"etc/sub{kind}id": "someone:100000:65536\n54321:200000:65536\n" for kind in "ug"}
    found = doctor.features(host(ranges, euid=54321, tried=refused))
    assert found["rootless"].state == found["subids"].state == "ok"
    assert "65536 users from 200000 on" in found["subids"].seen
    assert "in a user namespace it works" in found["pidns"].seen
    told = "\n".join(doctor.plain(found, doctor.lessons(found, MANIFEST)))
    assert "You can run containers as this user" in told and "cannot begin" not in told
    everything, ids = COURSE.checks_for(*manifest.USERS), COURSE.checks_for("one id", "ids")
    assert f"{ids} of {everything} checks" in found["judged"].seen
    none = dict.fromkeys(ranges, "")
    fewer = doctor.features(host(none, euid=54321, tried=refused))["judged"].seen
    assert f"{COURSE.checks_for('one id')} of {everything} checks" in fewer
    assert "rootless" not in doctor.features(host())  # root is told nothing of it


def test_a_user_without_subordinate_ids_gets_the_line_that_helps(
    host: Callable[..., Host],
) -> None:
    def which(asked: str) -> str | None:
        return None if asked == "newuidmap" else "/bin/sh"

    files = {"etc/subuid": "someone:100000:65536\n", "etc/subgid": "someone:90000:65536\n"}
    item = doctor.features(host(files, euid=54321))["subids"]
    assert item.state == "gap" and "/etc/subuid" in item.seen
    span = "165536-231071"
    assert item.fix.startswith(f"sudo usermod --add-subuids {span} --add-subgids {span} ")
    item = doctor.features(host(files, euid=54321, which=which))["subids"]
    assert item.fix == "sudo apt-get install -y uidmap"


def test_root_of_one_id_is_told_what_the_user_outside_lacks(host: Callable[..., Host]) -> None:
    assert doctor.features(host())["subids"].ok
    files = {"proc/self/uid_map": "0 54321 1\n"}
    item = doctor.features(host(files))["subids"]
    assert item.state == "gap" and "user 54321 outside brought one id" in item.seen
    assert "subordinate ids" in item.fix
    files["proc/self/uid_map"] = "0 54321 1\n1 100000 65536\n"
    assert doctor.features(host(files))["subids"].ok


def test_a_user_who_cannot_run_gets_the_line_that_helps(host: Callable[..., Host]) -> None:
    tried = {**ALL_WORKS, "rootless": "unshare(2): EPERM"}
    files = {"proc/sys/kernel/unprivileged_userns_clone": "0"}
    item = doctor.features(host(files, euid=54321, tried=tried))["rootless"]
    assert item.fix == "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    item = doctor.features(host({next(iter(files)): "1"}, euid=54321, tried=tried))["rootless"]
    assert item.fix.startswith("export MINIDOCKER_ROOT=")


def test_the_store_is_the_one_that_run_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIDOCKER_ROOT", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/a/data")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Host().store == Store().root == "/home/a/data/minidocker"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Host().store == Store().root == "/var/lib/minidocker"


def test_a_missing_capability_is_named(host: Callable[..., Host]) -> None:
    without = f"{int(FULL, 16) & ~(1 << 24):016x}"  # CAP_SYS_RESOURCE
    item = doctor.features(host({"proc/self/status": f"Name:\tx\nCapEff:\t{without}\n"}))
    assert item["capabilities"].state == "info"
    assert "CAP_SYS_RESOURCE" in item["capabilities"].seen
    without = f"{int(FULL, 16) & ~(1 << 27):016x}"  # CAP_MKNOD, which a run needs
    item = doctor.features(host({"proc/self/status": f"Name:\tx\nCapEff:\t{without}\n"}))
    assert item["capabilities"].state == "gap" and "CAP_MKNOD" in item["capabilities"].seen


def test_root_of_a_user_namespace_is_not_root(host: Callable[..., Host]) -> None:
    item = doctor.features(host({"proc/self/uid_map": "0 1000 1\n"}))["root"]
    assert item.state == "gap" and "user namespace" in item.seen


def test_a_namespace_that_is_refused_says_what_the_kernel_said(host: Callable[..., Host]) -> None:
    tried = {**ALL_WORKS, "timens": "unshare(2): EINVAL, Invalid argument"}
    item = doctor.features(host(tried=tried))["timens"]
    assert item.state == "gap" and "EINVAL" in item.seen and item.fix == LAB_MACHINE


@pytest.mark.parametrize(
    ("path", "value", "fix"),
    [
        ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_sysctl_that_stands_in_the_way_is_named(
    host: Callable[..., Host], path: str, value: str, fix: str
) -> None:
    tried = {**ALL_WORKS, "userns_mount": "mount(2) on /: EACCES, Permission denied"}
    found = doctor.features(host({f"proc/sys/{path}": value}, tried=tried, euid=1000))
    assert found["userns"].fix == fix
    assert "may not mount" in found["userns"].seen
    assert (found["apparmor"].state == "gap") == path.startswith("kernel/apparmor")


HYBRID = (
    "1 0 8:1 / / rw - ext4 /dev/vda1 rw\n"
    "2 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "3 1 0:3 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "4 1 0:4 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "5 1 0:5 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
)


def test_controllers_on_version_1_are_told_apart(host: Callable[..., Host]) -> None:
    files = {
        "proc/self/mountinfo": HYBRID,
        "sys/fs/cgroup/unified/cgroup.controllers": "pids\n",
    }
    found = doctor.features(host(files))
    assert found["cgroup2"].state == "info" and "hybrid" in found["cgroup2"].seen
    assert found["pids"].state == "ok"
    for name in ("memory", "cpu", "io"):
        assert found[name].state == "gap" and "version 1" in found[name].seen
        assert "systemd.unified_cgroup_hierarchy=1" in found[name].fix


def test_no_cgroups_at_all(host: Callable[..., Host]) -> None:
    found = doctor.features(host({"proc/self/mountinfo": "1 0 8:1 / / rw - ext4 d rw\n"}))
    assert found["cgroup2"].fix == "mount -t cgroup2 none /sys/fs/cgroup"
    assert found["memory"].state == "gap"


def test_a_read_only_cgroup_tree_is_a_gap(host: Callable[..., Host]) -> None:
    table = "1 0 8:1 / / rw - ext4 d rw\n2 1 0:2 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
    found = doctor.features(host({"proc/self/mountinfo": table}))
    assert found["cgroup2"].state == "gap" and found["memory"].state == "gap"


def test_propagation_is_told(host: Callable[..., Host]) -> None:
    seen = doctor.features(host())["propagation"].seen
    assert seen.startswith('"/" is shared')


def test_the_lab_machine_is_known_by_its_marker(host: Callable[..., Host]) -> None:
    assert "no" in doctor.features(host())["lab"].seen
    assert doctor.features(host({"etc/minidocker-lab": ""}))["lab"].state == "ok"


def test_another_system_gets_a_report_and_no_trial(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(store: str) -> dict[str, str]:
        raise AssertionError("a trial ran on a system that is not Linux")

    monkeypatch.setattr(trial, "run", never)
    found = doctor.features(host(platform="darwin", tried={}, root="/nowhere", euid=501))
    assert found["linux"].state == found["pidns"].state == found["root"].state == "gap"
    assert found["linux"].fix == LAB_MACHINE


def test_it_imports_and_reports_where_there_is_no_linux(tmp_path: Path) -> None:
    code = """
import os, sys
sys.platform = "darwin"
for name in ("ctypes", "fcntl", "resource", "rich", "IPython"):
    sys.modules[name] = None
for name in ("geteuid", "O_CLOEXEC", "O_DIRECTORY", "openpty", "statvfs", "CLONE_NEWNS"):
    if hasattr(os, name):
        delattr(os, name)
from minidocker.doctor import doctor
from minidocker.lab import course_map
from minidocker.proc.machine import Host
found = doctor.features(Host(root="/nowhere"))
print(found["linux"].state, found["store"].state, doctor.ready(found, []))
print(len(course_map("", [("00", "x")]).html()) > 100)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("gap gap False\nTrue\n", "")


MANIFEST = [
    manifest.Lesson("00_what", "What", "?", "", 1, ("linux",)),
    manifest.Lesson("01_pid", "Pid", "?", "", 1, ("root", "pidns")),
    manifest.Lesson("05_cgroups", "Limits", "?", "", 1, ("cgroup2", "memory", "unheard_of")),
]


def test_lessons_follow_from_what_they_need(host: Callable[..., Host]) -> None:
    tried = {**ALL_WORKS, "pidns": "unshare(2): EPERM"}
    found = doctor.features(host(tried=tried))
    zero, one, five = doctor.lessons(found, MANIFEST)
    assert zero.runs
    assert one.missing == ("pidns",)
    assert five.missing == ("unheard_of",)
    assert not doctor.ready(found, [zero, one, five])
    told = "\n".join(doctor.plain(found, [zero, one, five]))
    assert "01_pid  Pid: blocked: needs pidns" in told
    assert told.endswith("lessons 00 and 01 do not run.\n  try: " + LAB_MACHINE)


def test_a_later_lesson_does_not_block_the_first(host: Callable[..., Host]) -> None:
    found = doctor.features(host())
    assert doctor.ready(found, doctor.lessons(found, MANIFEST))
    assert doctor.ready(found, [])


def test_the_json_shape_is_stable(host: Callable[..., Host]) -> None:
    found = doctor.features(host())
    told = doctor.report(found, doctor.lessons(found, MANIFEST))
    assert list(told) == ["version", "ok", "findings", "lessons"]
    assert told["version"] == 1 and told["ok"] is True
    assert list(told["findings"][0]) == ["id", "group", "title", "state", "seen", "fix"]
    assert told["lessons"][2] == {
        "id": "05_cgroups",
        "title": "Limits",
        "runs": False,
        "missing": ["unheard_of"],
    }


def test_plain_text_is_safe_for_a_terminal(host: Callable[..., Host]) -> None:
    bad = Finding("x", "title", "gap", "name\x1b[31m\udcff", "fix it")
    lines = list(doctor.plain({"x": bad}, []))
    assert all(line.isprintable() for line in lines)
    assert any("fix: fix it" in line for line in lines)


@pytest.mark.skipif(not os.path.isdir("/proc/self/ns"), reason="blocked: needs Linux")
def test_the_trials_leave_nothing_behind(tmp_path: Path) -> None:
    before = [mount.id for mount in mounts.mounts() if mount.point == "/tmp"]
    own = {name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")}
    results = trial.run(str(tmp_path))
    assert set(results) == set(ALL_WORKS)
    assert list(tmp_path.iterdir()) == []
    # Other programs may mount while this runs: so only the places where trials mount are compared.
    after = mounts.mounts()
    assert before == [mount.id for mount in after if mount.point == "/tmp"]
    assert not [mount.point for mount in after if trial.SCRATCH in mount.point]
    assert own == {name: os.readlink(f"/proc/self/ns/{name}") for name in own}


def test_a_trial_that_raises_or_dies_is_told() -> None:
    def raises() -> None:
        raise OSError(1, "no", "/x")

    assert trial.attempt(lambda: None) == ""
    assert "/x" in trial.attempt(raises)
    assert trial.attempt(lambda: os._exit(3)) == "the child ended without a word"


def test_trials_that_cannot_run_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial.sys, "executable", "/no/such/python")
    results = trial.run("/tmp")
    assert list(results) == ["*"] and "could not run" in results["*"]


def test_what_runs_alone_may_end_with_the_session(host: Callable[..., Host]) -> None:
    """Only where there is systemd-logind; the line to type is there until it was typed."""
    login = os.environ.get("USER", "54321")
    assert "linger" not in doctor.features(host(euid=54321, which=lambda name: None))
    at = {"which": lambda name: f"/bin/{name}", "euid": 54321}
    item = doctor.features(host(**at))["linger"]
    assert (item.state, item.fix) == ("info", f"loginctl enable-linger {login}")
    item = doctor.features(host({f"var/lib/systemd/linger/{login}": ""}, **at))["linger"]
    assert (item.state, item.fix) == ("ok", "")
    assert "linger" not in doctor.features(host(which=at["which"], euid=0))
