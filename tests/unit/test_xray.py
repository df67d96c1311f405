"""The x-ray, on a recorded /proc: what it sees, which holes it names, and what it cannot know."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from recorded_proc import NS, make

from minidocker.proc import mount_kinds, processes
from minidocker.proc.machine import Host
from minidocker.proc.mounts import parse
from minidocker.xray import facts
from minidocker.xray.xray import XRay, pid_of, xray

OWN = {**NS, **{name: 7000 + at for at, name in enumerate(("pid", "mnt", "net", "uts", "ipc"))}}
ID = "0123456789abcdef" * 4
MY_MOUNTS = """\
20 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
21 20 0:21 / /proc rw - proc proc rw
22 20 0:6 / /dev rw - devtmpfs devtmpfs rw
23 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
24 20 254:9 /data /srv rw,relatime - xfs /dev/vdb rw
"""
ITS_MOUNTS = """\
90 80 0:70 / / rw,relatime - overlay overlay rw,lowerdir=/l/2:/l/1,upperdir=/u,workdir=/w
91 90 0:71 / /proc rw,nosuid - proc proc rw
92 91 0:71 /sys /proc/sys ro,nosuid - proc proc rw
93 91 0:72 /null /proc/kcore rw - tmpfs tmpfs rw
94 90 0:73 / /sys ro - sysfs sysfs ro
95 90 0:72 / /dev rw - tmpfs tmpfs rw
96 90 254:0 /e/hosts /etc/hosts rw - ext4 /dev/vda rw
97 90 254:9 /data/web /var/www ro - xfs /dev/vdb rw
"""
LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max processes             100                  200                  processes
Max open files            1024                 1024                 files
Max address space         unlimited            unlimited            bytes
"""


class Machine:
    """A recorded machine: the reader is process 200, its root the directory `mine`."""

    def __init__(self, path: Path) -> None:
        self.proc = path / "proc"
        self.host = Host(root=str(path))
        self.path = path
        for name in ("mine", "its", "proc/sys"):
            (path / name).mkdir(parents=True)
        for name in ("kcore", "sysrq-trigger"):
            (self.proc / name).touch()
        self.add(200, MY_MOUNTS, root="mine", cgroup="/user.slice")
        (self.proc / "self").symlink_to("200")

    def add(
        self,
        pid: int,
        mounts: str,
        root: str,
        cgroup: str,
        status: str = "",
        uid_map: str = "0 0 4294967295",
        label: str = "",
        **more: object,
    ) -> Path:
        """Record a process with all that an x-ray looks at."""
        folder = make(self.proc, pid, **more)  # type: ignore[arg-type]
        text = (folder / "status").read_text().replace("Uid:\t1000", "Uid:\t0")
        for line in status.split("\n"):  # a field given here takes the place of the recorded one
            key = line.partition(":")[0]
            text = "".join(
                old for old in text.splitlines(keepends=True) if not old.startswith(f"{key}:")
            )
            text += line + "\n" if line else ""
        (folder / "status").write_text(text)
        (folder / "mountinfo").write_text(mounts)
        (folder / "limits").write_text(LIMITS)
        (folder / "cgroup").write_text(f"0::{cgroup}\n")
        (folder / "root").symlink_to(self.path / root)
        for name in ("uid_map", "gid_map"):
            (folder / name).write_text(f"{uid_map}\n")
        (folder / "attr").mkdir()
        (folder / "attr" / "current").write_text(label)
        (folder / "fd").mkdir()
        return folder

    def limit(self, path: str, **files: str) -> None:
        """Record a cgroup; names with "_" for the first "."."""
        folder = self.path / "sys/fs/cgroup" / path.lstrip("/")
        folder.mkdir(parents=True)
        for name, text in {"cgroup_controllers": "cpu memory pids", **files}.items():
            (folder / name.replace("_", ".", 1)).write_text(text + "\n")

    def xray(self, pid: int) -> XRay:
        return xray(pid, str(self.proc), self.host)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def contained(machine: Machine) -> Machine:
    """A container with Docker's rights, limits above it in the tree, and one volume."""
    slice = "/system.slice"
    scope = f"{slice}/docker-{ID}.scope"
    machine.limit("/")
    machine.limit(slice, memory_max="1048576", memory_current="5", pids_max="max", cpu_max="max 1")
    machine.limit(
        scope, memory_max="max", memory_current="524288", pids_max="50", pids_current="3",
        cpu_max="50000 100000", cpu_stat="usage_usec 2000000\nnr_periods 9\nnr_throttled 4",
    )  # fmt: skip
    machine.add(
        100, ITS_MOUNTS, "its", scope, nspid="100\t1", ns=OWN, label="docker-default (enforce)\n",
        status="CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1",
    )  # fmt: skip
    machine.add(101, ITS_MOUNTS, "its", scope, nspid="101\t2", ns=OWN)
    return machine


def ids(found: XRay) -> list[str]:
    return [hole.id for hole in found.holes]


def seen(found: XRay) -> dict[str, tuple[str, str]]:
    return {line.what: (line.state, line.seen) for line in found.lines}


# --- what it sees ----------------------------------------------------------------------------


def test_a_container_like_dockers(contained: Machine) -> None:
    found = contained.xray(100)
    assert found.desc.startswith("Docker container 0123456789ab, 5 of 8 namespaces of its own")
    assert found.facts.process.nspid == (100, 1)
    lines = seen(found)
    assert lines["pid"] == ("own", "7000   (yours is 4026531800); 2 processes in it")
    assert lines["user"] == ("yours", "4026531806")
    assert lines["root"] == ("own", "an overlay of 2 layers")
    assert lines["lower 1"][1] == "/l/2" and lines["lower 2"][1] == "/l/1"
    assert lines["/var/www"] == ("yours", "is your /srv/web, read-only")
    assert lines["/etc/hosts"][0] == "given"
    assert lines["capabilities"] == ("own", "14: exactly Docker's set")
    assert lines["bounding"][1] == "41: all"
    assert lines["seccomp"] == ("own", "filter, 1 filter")
    assert lines["label"] == ("own", "docker-default (enforce)")
    assert lines["rlimits"][1] == "nproc 100/200, nofile 1024"


def test_the_limit_that_holds_may_be_set_above(contained: Machine) -> None:
    lines = seen(contained.xray(100))
    above = f"{contained.path}/sys/fs/cgroup/system.slice"
    assert lines["memory"] == ("own", f"512 KiB of 1 MiB (set by {above})")
    assert lines["pids"] == ("own", "3 of 50")
    assert lines["cpu"] == ("own", "2.0 s used of 0.5 processors")
    assert lines["throttled"][1] == "in 4 of 9 periods"


def test_the_holes_of_a_container_like_dockers(contained: Machine) -> None:
    assert ids(contained.xray(100)) == [
        "host_directory", "ns_cgroup", "ns_time", "ns_user", "sysrq", "kernel",
    ]  # fmt: skip


def test_every_hole_has_a_reason_and_a_lesson(machine: Machine) -> None:
    machine.add(100, MY_MOUNTS, "mine", "/user.slice")
    for hole in machine.xray(100).holes:
        assert hole.why.endswith(".") and len(hole.why.split()) <= 24, hole
        assert hole.lesson in {f"{n:02}" for n in range(13)}


def test_a_plain_process_shares_everything(machine: Machine) -> None:
    machine.add(100, MY_MOUNTS, "mine", "/user.slice", status="Seccomp:\t0\nNoNewPrivs:\t0")
    found = machine.xray(100)
    assert found.desc == "no namespace of its own, and your root."
    shared = [f"ns_{name}" for name in processes.NAMESPACES]
    assert sorted(ids(found)) == sorted(
        [*shared, "root", "cgroup", "seccomp", "new_privs", "kernel"]
    )
    assert seen(found)["mounts"][1] == "5, your own table"


def test_holes_stand_in_the_order_of_lessons_with_the_kernel_last(contained: Machine) -> None:
    *walls, last = contained.xray(100).holes
    assert [hole.lesson for hole in walls] == sorted(hole.lesson for hole in walls)
    assert last.id == "kernel"


# --- one hole at a time ----------------------------------------------------------------------


def change(machine: Machine, mounts: str = ITS_MOUNTS, **more: object) -> list[str]:
    """Record process 100 with one thing changed; return the holes that it has."""
    more = {"root": "its", "cgroup": "/user.slice/box", "ns": OWN, **more}
    if not (machine.path / "sys/fs/cgroup/user.slice").exists():
        for path in ("/", "/user.slice", "/user.slice/box"):
            machine.limit(path, memory_max="max", memory_current="1", pids_max="max")
    machine.add(100, mounts, **more)  # type: ignore[arg-type]
    return ids(machine.xray(100))


def test_no_limit_is_a_hole_where_version_2_is_alone(machine: Machine) -> None:
    assert {"memory", "pids", "cpu"} <= set(change(machine))


def test_a_cgroup_above_mine_is_no_wall(machine: Machine) -> None:
    assert "cgroup" in change(machine, cgroup="/")


def test_on_a_hybrid_machine_nothing_is_said_of_limits(machine: Machine) -> None:
    text = MY_MOUNTS + "30 20 0:35 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    (machine.proc / "200" / "mountinfo").write_text(text)
    assert not {"memory", "pids", "cpu"} & set(change(machine))
    lines = seen(machine.xray(100))
    assert lines["limits"] == (
        "unknown",
        "a hybrid machine: they sit on version 1, which is not read",
    )
    assert "memory" not in lines


def test_chroot_alone(machine: Machine) -> None:
    found = change(machine, MY_MOUNTS, ns=NS)
    assert "chroot" in found and "root" not in found and "ns_mnt" in found


def test_a_root_that_is_no_mount(machine: Machine) -> None:
    mounts = "\n".join(ITS_MOUNTS.split("\n")[1:])
    assert "chroot" in change(machine, mounts)


def test_the_hosts_proc_in_a_new_pid_namespace(machine: Machine) -> None:
    assert "proc" not in change(machine)
    (machine.proc / "100" / "mountinfo").write_text(ITS_MOUNTS.replace("0:71", "0:21"))
    assert "proc" in ids(machine.xray(100))


def test_the_hosts_dev(machine: Machine) -> None:
    mounts = ITS_MOUNTS + "99 95 0:6 / /dev rw - devtmpfs devtmpfs rw\n"
    assert "devices" in change(machine, mounts)


def test_an_engines_socket(machine: Machine) -> None:
    line = "99 90 254:0 /run/docker.sock /var/run/docker.sock rw - ext4 /dev/vda rw\n"
    found = change(machine, ITS_MOUNTS + line)
    assert "engine_socket" in found


def test_a_mount_that_a_later_one_hides_is_no_hole(machine: Machine) -> None:
    hidden = "99 97 0:99 / /var/www rw - tmpfs tmpfs rw\n"
    assert "host_directory" in change(machine)
    (machine.proc / "100" / "mountinfo").write_text(ITS_MOUNTS + hidden)
    assert "host_directory" not in ids(machine.xray(100))


def test_propagation_to_me(machine: Machine) -> None:
    shared = ITS_MOUNTS.replace("/var/www ro -", "/var/www ro shared:1 -")
    assert "propagation" in change(machine, shared)
    (machine.proc / "100" / "mountinfo").write_text(shared.replace("shared:1", "master:1"))
    assert "propagation" not in ids(machine.xray(100))


def test_a_pid_namespace_alone_still_shows_my_processes(machine: Machine) -> None:
    assert "proc" in change(machine, MY_MOUNTS, root="mine", ns={**NS, "pid": 7000})


def test_a_mount_namespace_alone_may_leak(machine: Machine) -> None:
    assert "propagation" in change(machine, MY_MOUNTS, root="mine", ns={**NS, "mnt": 7001})
    (machine.proc / "100" / "mountinfo").write_text(MY_MOUNTS.replace("shared:1 ", ""))
    assert "propagation" not in ids(machine.xray(100))


def test_settings_of_the_kernel_are_open_to_its_root_only(machine: Machine) -> None:
    open_mounts = "\n".join(ITS_MOUNTS.split("\n")[:2])
    assert {"proc_sys", "sysrq", "kcore"} <= set(change(machine, open_mounts))
    status = machine.proc / "100" / "status"
    status.write_text(status.read_text().replace("Uid:\t0", "Uid:\t100000"))
    assert not {"proc_sys", "sysrq", "kcore"} & set(ids(machine.xray(100)))


def test_what_this_kernel_does_not_have_is_no_hole(machine: Machine) -> None:
    (machine.proc / "kcore").unlink()
    assert "kcore" not in change(machine, "\n".join(ITS_MOUNTS.split("\n")[:2]))


def test_capabilities_count_less_in_a_user_namespace_of_its_own(machine: Machine) -> None:
    full = "CapEff:\t000001ffffffffff"
    found = change(machine, status=full)
    assert "capabilities" in found
    for name in ("attr", "fd", "ns"):
        for item in (machine.proc / "100" / name).iterdir():
            item.unlink()
        (machine.proc / "100" / name).rmdir()
    for item in (machine.proc / "100").iterdir():
        item.unlink()
    (machine.proc / "100").rmdir()
    found = change(machine, status=full, ns={**OWN, "user": 7777}, uid_map="0 100000 65536")
    assert "capabilities" not in found and "ns_user" not in found


def test_a_map_that_gives_my_root(machine: Machine) -> None:
    assert "maps_root" in change(machine, ns={**OWN, "user": 7777}, uid_map="0 0 1")


def test_the_strongest_capabilities_are_named_first(machine: Machine) -> None:
    change(machine, status="CapEff:\t000001ffffffffff")
    hole = next(hole for hole in machine.xray(100).holes if hole.id == "capabilities")
    assert hole.title.startswith("capabilities beyond Docker's: SYS_ADMIN, SYS_MODULE")
    assert hole.why.startswith("It mounts")


def test_an_unconfined_label(machine: Machine) -> None:
    assert "lsm" in change(machine, label="unconfined\n")


# --- what no namespace covers ----------------------------------------------------------------


@pytest.fixture
def told(machine: Machine) -> Callable[..., dict[str, str]]:
    """Record the kernel's files, then a container; return {what: state}."""
    kernel = machine.proc / "sys/kernel"
    (kernel / "random").mkdir(parents=True)

    def look(status: str = "", mounts: str = ITS_MOUNTS, modules: str = "a 1\nb 2\n",
             restrict: str = "1", disabled: str = "0", **more: object) -> dict[str, str]:  # fmt: skip
        for name, text in (("osrelease", "6.1.0-test"), ("random/boot_id", "8af4445b-1"),
                           ("dmesg_restrict", restrict), ("modules_disabled", disabled)):  # fmt: skip
            (kernel / name).write_text(f"{text}\n")
        (machine.proc / "modules").write_text(modules)
        ns = {"ns": OWN, **more}
        machine.add(100, mounts, "its", "/c", nspid="100\t1", status=status, **ns)
        found = machine.xray(100)
        told = {line.what: line.state for line in found.lines if line.section == "one kernel"}
        reach = found.as_dict()["one_kernel"]["reach"]
        assert {what: reach[what]["state"] for what in told} == told
        assert (found.as_dict()["one_kernel"]["modules"], reach["kernel"]["why"]) == (
            "2", "Linux 6.1.0-test   (booted as 8af4445b)")  # fmt: skip
        return {**told, "holes": " ".join(ids(found))}

    return look


DOCKERS = "CapEff:\t00000000a80425fb\nSeccomp:\t2"


def test_one_kernel_closed_to_a_container(told: Callable[..., dict[str, str]]) -> None:
    found = told(DOCKERS)
    assert found.pop("holes") and found == {
        "kernel": "yours", "time of day": "closed", "kernel log": "closed", "keyrings": "unknown",
        "modules": "closed", "sysctl": "closed",
    }  # fmt: skip


def test_one_kernel_open_to_a_privileged_one(told: Callable[..., dict[str, str]]) -> None:
    table = ITS_MOUNTS.replace("92 91 0:71 /sys /proc/sys ro,nosuid", "92 91 0:71 /sys /proc/sys rw")
    found = told("CapEff:\t000001ffffffffff\nSeccomp:\t0", table)
    assert "kernel_log" in found.pop("holes").split() and set(found.values()) == {"yours"}


def test_one_kernel_with_a_log_for_all(told: Callable[..., dict[str, str]]) -> None:
    assert told(DOCKERS, restrict="0")["kernel log"] == "unknown"


def test_one_kernel_and_no_filter(told: Callable[..., dict[str, str]]) -> None:
    found = told("CapEff:\t0000000000000000\nSeccomp:\t0", restrict="0")
    assert found["kernel log"] == found["keyrings"] == "yours"


def test_one_kernel_that_takes_no_more_modules(told: Callable[..., dict[str, str]]) -> None:
    assert told("CapEff:\t000001ffffffffff", disabled="1")["modules"] == "closed"


def test_one_kernel_in_a_user_namespace(told: Callable[..., dict[str, str]]) -> None:
    own = {**OWN, "user": 7777}
    found = told("CapEff:\t000001ffffffffff", ns=own, uid_map="0 100000 65536")
    assert found["keyrings"] == "own"
    assert {found[name] for name in ("time of day", "kernel log", "modules")} == {"closed"}


# --- what it cannot know ---------------------------------------------------------------------


def test_hidden_namespaces_are_no_namespaces_of_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add(100, MY_MOUNTS, "mine", "/user.slice")
    real = processes.namespaces

    def refuse(pid: processes.Pid = "self", root: processes.Root = "/proc") -> dict[str, int]:
        if pid == "self":
            return real(pid, root)
        raise PermissionError

    monkeypatch.setattr(processes, "namespaces", refuse)
    found = machine.xray(100)
    assert found.desc == "Its namespaces cannot be read by this user."
    lines = seen(found)
    # One number, and a mount that I have too: these two are proved.
    assert (lines["pid"][0], lines["mnt"][0], lines["net"][0]) == ("yours", "yours", "unknown")
    assert "ns_pid" in ids(found) and "ns_net" not in ids(found)


def test_a_zombie_is_told(machine: Machine) -> None:
    folder = make(machine.proc, 100, "gone", state="Z (zombie)", command=b"", ns={"user": 1})
    (folder / "mountinfo").write_text("")
    found = machine.xray(100)
    assert found.desc.startswith("A zombie")
    assert found.facts.unread["mounts"] == "a zombie has given it up"
    json.dumps(found.as_dict())


def test_a_kernel_thread_has_no_holes(machine: Machine) -> None:
    make(machine.proc, 2, "kthreadd", kthread="1", command=b"")
    found = machine.xray(2)
    assert found.desc.startswith("A thread of the kernel") and found.holes == []


def test_no_process_is_a_lookup_error(machine: Machine) -> None:
    with pytest.raises(processes.NoProcess):
        machine.xray(4242)


def test_a_process_that_ends_half_way(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine.add(100, MY_MOUNTS, "mine", "/")
    monkeypatch.setattr(facts, "engine_of", lambda facts: (folder / "status").unlink() or None)
    with pytest.raises(LookupError):
        machine.xray(100)


# --- how it is told --------------------------------------------------------------------------


def test_the_json_keeps_its_shape(contained: Machine) -> None:
    told = json.loads(json.dumps(contained.xray(100).as_dict()))
    assert told["version"] == 1
    assert set(told) == {
        "version", "pid", "compared_with", "pids", "ppid", "name", "command", "state", "uid",
        "kernel_thread", "engine", "summary", "namespaces", "processes", "root", "mounts", "cgroup",
        "capabilities", "seccomp", "no_new_privs", "label", "rlimits", "uid_map", "gid_map",
        "one_kernel", "holes", "unread",
    }  # fmt: skip
    assert told["namespaces"]["pid"] == {"inode": 7000, "mine": 4026531800, "shared": False}
    assert told["cgroup"]["memory_limit"]["value"] == 1048576
    assert told["engine"] == {"name": "Docker", "id": ID[:12]}
    assert told["uid_map"] == [{"inside": 0, "outside": 0, "count": 4294967295}]
    assert set(told["holes"][0]) == {"id", "title", "why", "lesson"}
    kinds = {mount["point"]: mount["kind"] for mount in told["mounts"]}
    assert kinds["/"] == "overlay" and kinds["/var/www"] == "host" and kinds["/proc"] == "kernel"
    # What is unknown keeps its key.
    machine = make(contained.proc, 300)
    (machine / "ns").joinpath("pid").unlink()
    assert set(contained.xray(300).as_dict()) == set(told)


def test_the_picture_holds_every_hole(contained: Machine) -> None:
    found = contained.xray(100)
    bundle = found._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    words = " ".join(item.text or "" for item in root.iter("{http://www.w3.org/2000/svg}text"))
    for hole in found.holes:
        assert hole.title.split()[-1] in words and hole.title in bundle["text/plain"]
    assert root.get("role") == "img"


def test_no_name_can_write_to_the_terminal(machine: Machine) -> None:
    machine.add(100, MY_MOUNTS, "mine", "/", command=b"\x1b[31m<b>\0\xff\n\0")
    found = machine.xray(100)
    assert "\x1b" not in found.text() and found.text().isprintable() is False  # only newlines
    assert all(letter.isprintable() or letter == "\n" for letter in found.text())
    assert "<b>" not in found.html()
    found.text().encode()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("rw,lowerdir=/b:/a,upperdir=/u,workdir=/w", (("/b", "/a"), "/u", "/w")),
        ("rw,lowerdir=/a", (("/a",), "", "")),
        (r"rw,lowerdir=/a\:1:/b,upperdir=/u,workdir=/w,index=off", (("/a:1", "/b"), "/u", "/w")),
        ("rw,lowerdir=/a,b:/c,upperdir=/u,x,workdir=/w", (("/a,b", "/c"), "/u,x", "/w")),
        ("rw,lowerdir+=/b,lowerdir+=/a:x,upperdir=/u,workdir=/w", (("/b", "/a:x"), "/u", "/w")),
        ("rw,lowerdir=/a::/data,redirect_dir=on,metacopy=on", (("/a", "/data"), "", "")),
    ],
)
def test_overlay_options(options: str, expected: tuple[object, ...]) -> None:
    assert mount_kinds.overlay_parts(options) == expected


def test_where_i_see_a_mount() -> None:
    mine = parse(MY_MOUNTS)

    def where(line: str) -> str:
        return mount_kinds.host_path(parse(line)[0], mine)

    assert where("1 2 254:0 /home/a /x rw - ext4 /dev/vda rw") == "/home/a"
    assert where("1 2 254:9 /data/b /x rw - xfs /dev/vdb rw") == "/srv/b"
    assert where("1 2 254:9 /data /x rw - xfs /dev/vdb rw") == "/srv"
    assert where("1 2 254:0 / /x rw - ext4 /dev/vda rw") == "/"
    # A part of the disk that I have not mounted, and a name that only begins alike.
    assert where("1 2 254:9 /other /x rw - xfs /dev/vdb rw") == ""
    assert where("1 2 254:9 /database /x rw - xfs /dev/vdb rw") == ""
    assert where("1 2 0:99 / /x rw - tmpfs tmpfs rw") == ""


@pytest.mark.parametrize(
    ("path", "engine"),
    [
        (f"/system.slice/docker-{ID}.scope", ("Docker", ID[:12])),
        (f"/docker/{ID}", ("Docker", ID[:12])),
        (f"/machine.slice/libpod-{ID}.scope/container", ("Podman", ID[:12])),
        (f"/kubepods/pod1/cri-containerd-{ID}.scope", ("containerd", ID[:12])),
        ("/minidocker/0123456789ab", ("minidocker", "0123456789ab")),
        ("/user.slice/user-1000.slice", None),
    ],
)
def test_who_made_it(machine: Machine, path: str, engine: tuple[str, str] | None) -> None:
    mounts = "90 80 0:70 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/u,workdir=/w\n"
    machine.add(100, mounts, "its", path, ns=OWN)
    assert machine.xray(100).facts.engine == engine


def test_the_word_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path))
    assert pid_of("self") == os.getpid()
    assert pid_of(str(os.getpid())) == os.getpid()
    with pytest.raises(LookupError):
        pid_of("4194305")  # above the greatest pid_max
    with pytest.raises(Exception, match="neither a process number nor a container"):
        pid_of("web")
