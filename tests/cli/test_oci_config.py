"""What a config.json may ask for, case by case as the tests of runc and crun do."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minidocker.oci.looks import wait_for
from tests.cli.oci_runtime import Runtime
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "userns", "busybox")


def test_a_tmpfs_that_is_read_only_is_filled_first(oci: Runtime) -> None:
    for one in oci.config["mounts"]:
        if one["destination"] == "/dev":
            one["options"].append("ro")
    oci.config["mounts"] += [
        {"destination": "/tmp", "type": "tmpfs", "source": "x", "options": ["ro"]},
        {"destination": "/tmp/below", "type": "tmpfs", "source": "x", "options": []},
    ]
    script = "for i in /dev /tmp /tmp/below; do touch $i/x 2>/dev/null && echo $i; done; echo > /dev/null; ls /dev/pts"
    done = oci.run(script)
    assert done.stdout.split() == ["/tmp/below", "ptmx"] and not done.stderr


def test_options_of_a_bind(oci: Runtime, tmp_path: Path) -> None:
    bind = {"destination": "/tmp", "source": str(tmp_path), "options": ["bind", "sync", "lazytime", "unbindable"]}
    oci.config["mounts"].append(bind)
    assert oci.run("grep ' /tmp ' /proc/self/mountinfo").stdout.split()[6] == "unbindable"
    bind["options"] = ["bind", "size=1m"]
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "filesystem-specific options" in refused.stderr


def test_a_bind_below_sys_by_its_own_name_alone(oci: Runtime, tmp_path: Path, tree: Path) -> None:
    (tmp_path / "mine").write_text("mine\n")
    below = next(path for path in ("/sys/module", "/sys/devices", "/sys/block") if Path(path).is_dir())
    bind = {"destination": below, "source": str(tmp_path), "options": ["rbind"]}
    oci.config["mounts"].append(bind)
    assert oci.run(f"cat {below}/mine").stdout == "mine\n"
    bind["destination"] = f"/tmp/..{below}"
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "nothing may be mounted there" in refused.stderr


def with_user_namespace(oci: Runtime, size: int = 1000) -> None:
    oci.linux["namespaces"].append({"type": "user"})
    for key in ("uidMappings", "gidMappings"):
        oci.linux[key] = [{"containerID": 0, "hostID": 200000, "size": size}]
    for name in ("proc", "dev", "sys", "home", "tmp"):  # which the root of that namespace may not make
        (oci.tree / name).mkdir(exist_ok=True)
    for part in (oci.directory, *oci.directory.parents[:2], oci.tree, oci.tree.parent):
        part.chmod(part.stat().st_mode | 0o111)


def test_what_fails_inside_is_told_and_not_what_was_closed_before(oci: Runtime, tmp_path: Path) -> None:
    with_user_namespace(oci)
    bind = {"destination": "/tmp", "source": str(tmp_path), "type": "bind", "options": ["rbind"]}
    oci.config["mounts"] += [{"destination": "/home", "type": "nosuch"}, bind]
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "does not have that file system" in refused.stderr and refused.stderr.count("\n") == 1
    assert not oci("list", "-q").stdout


@pytest.mark.parametrize("user", [False, True])
def test_a_bind_of_what_another_mount_brings(oci: Runtime, tmp_path: Path, user: bool) -> None:
    """Its source and its place may be told by the path that they have on the host."""
    (tmp_path / "mine").write_text("mine\n")
    tmp_path.chmod(0o755)
    if user:
        with_user_namespace(oci)
    one = {"destination": f"{oci.tree}/tmp/x", "source": f"{oci.tree}/home", "type": "bind", "options": ["rbind"]}
    oci.config["mounts"] += [
        {"destination": "/home", "source": str(tmp_path), "type": "bind", "options": ["rbind"]},
        {"destination": "/tmp", "source": "x", "type": "tmpfs", "options": []}, one,
    ]  # fmt: skip
    assert oci.run("cat /tmp/x/mine").stdout == "mine\n"
    owners = [{"containerID": 0, "hostID": 7000, "size": 10}]
    one.update(uidMappings=owners, gidMappings=owners)
    done = oci.run("stat -c %u:%g /tmp/x/mine", check=False)
    if user:
        assert done.returncode == 1 and "its source is in the container's root" in done.stderr
    else:
        assert done.stdout == "7000:7000\n" or "cannot be mapped" in done.stderr


def test_a_hook_in_the_container_has_no_more_rights_than_the_command(oci: Runtime) -> None:
    oci.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    oci.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}],
    }
    look = "id -u; grep -E 'CapEff|Seccomp:' /proc/self/status; echo $MARK"
    oci.config["process"]["env"].append("MARK=the-commands")
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"({look}) >&2"]}
    oci.config["hooks"] = {"startContainer": [hook]}
    done = oci.run("true")
    assert done.stderr.split() == ["1000", "CapEff:", "0" * 16, "Seccomp:", "2", "the-commands"]
    hook["args"] = ["sh", "-c", "mkdir /tmp/x"]
    oci.config["hooks"]["startContainer"].insert(0, {"path": "/bin/true"})
    done = oci.run("echo not reached", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error running startContainer hook #1: /bin/sh: signal: bad system call" in done.stderr


@pytest.mark.parametrize(("env", "seen"), [(None, "callers"), ([], "")])
def test_a_hook_without_variables_has_the_callers(oci: Runtime, env: list[str] | None, seen: str) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo [$MARK] >&2"], "env": env}
    oci.config["hooks"] = {"prestart": [hook], "poststop": [{"path": "/bin/true"}, {"path": "/bin/false"}]}
    done = oci.run("true", env={**os.environ, "MARK": "callers"})
    assert done.stderr.splitlines()[0] == f"[{seen}]"
    assert "error running poststop hook #1: /bin/false: exit status 1" in done.stderr


def test_the_manner_in_which_a_command_runs(oci: Runtime) -> None:
    oci.config["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    oci.config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE"}
    oci.linux["personality"] = {"domain": "LINUX32"}
    oci.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["personality", "sched_setattr"], "action": "SCMP_ACT_ERRNO"}]}  # fmt: skip
    pid = oci.create("exec sleep 1000")
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, pid) == 5
    oci("start", "box")
    machine = oci("exec", "box", "uname", "-m").stdout.strip()
    assert machine == ("i686" if os.uname().machine == "x86_64" else machine)
    if "ionice" in os.listdir(oci.tree / "bin"):
        assert oci("exec", "box", "ionice").stdout.startswith("idle")
    process = {"args": ["/bin/sleep", "1000"], "cwd": "/", "scheduler": {"policy": "SCHED_IDLE"}}
    file, pid_file = oci.directory / "process.json", oci.directory / "exec.pid"
    file.write_text(json.dumps(process))
    oci.quietly("exec", "--process", file, "--detach", "--pid-file", pid_file, "box")
    assert os.sched_getscheduler(int(pid_file.read_text())) == os.SCHED_IDLE


FILTERS: list[tuple[dict[str, list[str]], str]] = [
    ({"flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}, "Network is down"),
    ({"flags": ["SECCOMP_FILTER_FLAG_NONE"]}, "SECCOMP_FILTER_FLAG_NONE"),
    ({"architectures": ["SCMP_ARCH_RISCV64", "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]}, "Network is down"),
    ({"architectures": ["SCMP_ARCH_NONE"]}, "SCMP_ARCH_NONE is not a valid arch"),
]


def test_flags_and_machines_of_a_filter(oci: Runtime) -> None:
    rule = {"names": ["no_such_call", "mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 100}
    for change, words in FILTERS:
        oci.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", **change, "syscalls": [rule]}
        done = oci.run("mkdir /tmp/x", check=False)
        assert done.returncode == 1 and words in done.stderr


def test_a_source_that_only_the_host_may_reach(oci: Runtime, tmp_path: Path) -> None:
    with_user_namespace(oci)
    (tmp_path / "closed/open").mkdir(parents=True)
    (tmp_path / "closed/open/file").write_text("reached\n")
    (tmp_path / "closed").chmod(0o700)
    bind = {"destination": "/tmp", "source": str(tmp_path / "closed/open"), "options": ["bind", "ro"]}
    oci.config["mounts"].append(bind)
    done = oci.run("cat /tmp/file; touch /tmp/x 2>&1 | grep -o 'Read-only.*'")
    assert done.stdout == "reached\nRead-only file system\n"


def mapped(mapping: tuple[int, int, int]) -> list[dict[str, int]]:
    return [dict(zip(("containerID", "hostID", "size"), mapping, strict=True))]


@pytest.mark.parametrize(
    ("userns", "maps", "options", "seen"),
    [
        (True, ((0, 200000, 1000), (0, 200000, 1000)), ["bind"], "7:8"),
        (True, None, ["rbind", "ridmap"], "7:8"),
        (True, ((7, 200100, 1), (8, 200200, 1)), ["bind", "idmap"], "100:200"),
        (False, ((7, 1000, 1), (0, 3000, 100)), ["bind"], "1000:3008"),
    ],
)
def test_owners_of_a_mount(
    oci: Runtime, tmp_path: Path, userns: bool, maps: tuple[tuple[int, int, int], ...] | None,
    options: list[str], seen: str,
) -> None:  # fmt: skip
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file").touch()
    os.chown(tmp_path / "source/file", 7, 8)
    if userns:
        with_user_namespace(oci)
    mount = {"destination": "/tmp", "source": str(tmp_path / "source"), "options": options}
    if maps:
        mount |= {"uidMappings": mapped(maps[0]), "gidMappings": mapped(maps[1])}
    oci.config["mounts"].append(mount)
    done = oci.run("stat -c %u:%g /tmp/file", check=False)
    if "cannot be mapped" in done.stderr:
        pytest.skip("blocked: the file system of the tests maps no ids")
    assert done.stdout == f"{seen}\n", done.stderr
    assert os.stat(tmp_path / "source/file").st_uid == 7


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"linux": {"timeOffsets": {"boottime": {"secs": 1}}}}, "timeOffsets need a time namespace"),
    ({"linux": {"sysctl": {"kernel.hostname": "x"}}}, 'conflicts with the OCI "hostname" field'),
    ({"process": {"env": ["NAMELESS"]}}, "invalid environment variable"),
    ({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2}}, "the same type twice"),
    ({"mounts": [{"destination": "/tmp", "type": "tmpfs", "options": ["idmap"]}]}, "at a bind alone"),
    ({"mounts": [{"destination": "/tmp", "source": "/", "options": ["bind", "idmap"]}]}, "needs uidMappings"),
]


def test_what_contradicts_itself_is_refused_by_name(oci: Runtime) -> None:
    plain = json.dumps(oci.config)
    for change, words in CONTRADICTIONS:
        oci.config = json.loads(plain)
        for key, value in change.items():
            if isinstance(value, list):
                oci.config[key] += value
            else:
                oci.config[key].update(value)
        done = oci.run("true", check=False)
        assert done.returncode == 1 and words in done.stderr
    assert not oci("list", "--quiet").stdout


def test_what_fails_before_there_is_a_process_leaves_nothing(oci: Runtime) -> None:
    """A learner's directory that is refused; and a disk that takes no more of config.json."""
    refused = oci.run("true", check=False, env={**os.environ, "MINIDOCKER_MINE": "/tmp"})
    assert refused.returncode == 1 and "everybody may change it" in refused.stderr
    full = oci.run("true", check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
    assert full.returncode == 1 and "File too large" in full.stderr
    refused = oci.run("true", "--pidfd-socket", oci.directory / "none", check=False)
    assert refused.returncode == 1 and f"connect(2) on {oci.directory}/none" in refused.stderr
    assert oci.run("echo well", "--console-socket", "").stdout == "well\n"  # as if it were not there
    assert not [name for name in os.listdir(oci.root) if not name.startswith(".")]


def test_a_directory_that_the_user_may_not_enter(oci: Runtime, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o700)
    os.chown(tmp_path / "own", 42, 42)
    oci.config["mounts"].append({"destination": "/tmp", "source": str(tmp_path), "options": ["rbind"]})
    oci.config["process"].update(cwd="/tmp/own", user={"uid": 43, "gid": 43})
    assert oci.run("pwd").stdout == "/tmp/own\n"
    oci.create("exec sleep 1000")
    assert oci("exec", "--user", "0", "box", "pwd").stdout == "/tmp/own\n"
    refused = oci("exec", "--cwd", "/none", "box", "true", check=False)
    assert refused.returncode == 255 and 'chdir to cwd ("/none") set in config.json failed' in refused.stderr


def test_groups_where_podman_has_made_the_user_namespace(oci: Runtime, tmp_path: Path) -> None:
    """Its root may not call setgroups(2), and podman lists group 0 for `--user 0` all the same."""
    user = 54321
    for path in (tmp_path, oci.tree):
        for above in (path, *path.parents[:-2]):
            above.chmod(above.stat().st_mode | 0o011)
    oci.config["process"]["user"]["additionalGids"] = [0]
    oci.linux["resources"] = {}
    for one in oci.config["mounts"]:
        one["options"] = [word for word in one["options"] if word != "gid=5"]  # one id is mapped
    oci.config["process"]["args"] = ["/bin/id", "-g"]
    (oci.bundle / "config.json").write_text(json.dumps(oci.config))
    for path in (oci.directory, oci.bundle, oci.bundle / "config.json"):
        os.chown(path, user, user)
    argv = ["unshare", "-Urm", sys.executable, "-B", "-m", "minidocker", "oci", "--root", str(oci.directory / "own")]
    done = subprocess.run(
        [*argv, "run", "--bundle", str(oci.bundle), "of-podman"], user=user, group=user, extra_groups=[],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}, cwd="/", text=True,
        capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_bundle_without_a_process_can_be_created_and_not_started(oci: Runtime) -> None:
    """config.md: `process` is required when `start` is called, and not before."""
    del oci.config["process"]
    oci.write()
    refused = oci("run", "--bundle", oci.bundle, "box", check=False)
    assert refused.returncode == 1 and "config.json has no process" in refused.stderr
    oci.create("")
    assert oci.state()["status"] == "created"
    refused = oci("start", "box", check=False)
    assert refused.returncode == 1 and "no process to start" in refused.stderr
    oci("delete", "--force", "box")


@pytest.mark.parametrize("how", [[], ["--no-pivot"]])
def test_no_full_view_of_proc_lies_where_one_could_be_mounted_from(oci: Runtime, how: list[str]) -> None:
    """The kernel lets who has a user namespace mount /proc only as fully as it is there already."""
    for name in ("bounding", "permitted"):
        oci.config["process"]["capabilities"][name].append("CAP_SETFCAP")  # to map root
    script = "mount -t proc x /proc && echo proc; mount -t sysfs x /sys && echo sys; echo end"
    done = oci.run(f"unshare -Urmpf sh -c '{script}'", *how)
    assert done.stdout == "end\n" and done.stderr.count("ermission denied") == 2, done.stderr


def test_all_hidden_directories_are_one_empty_file_system(oci: Runtime) -> None:
    oci.config["mounts"] += [
        {"destination": f"/tmp/{name}", "source": "x", "type": "tmpfs", "options": []} for name in "abc"
    ]
    oci.linux["maskedPaths"] = ["/tmp/a", "/tmp/nothing", "/tmp/b", "/proc/keys", "/tmp/c", "/tmp"]
    oci.linux["readonlyPaths"] = []
    look = "cat /proc/keys; stat -c %d /tmp; touch /tmp/x 2>&1 | grep -o 'Read-only.*'"
    seen = oci.run(f"{look}; ls -A /tmp")
    assert seen.stdout.splitlines()[1:] == ["Read-only file system"]
    oci.linux["maskedPaths"].pop()
    seen = oci.run("stat -c %d /tmp/a /tmp/b /tmp/c; ls -A /tmp/a /tmp/b /tmp/c | grep -v : ; touch /tmp/c/x || true")
    assert len(set(seen.stdout.split())) == 1 and "Read-only file system" in seen.stderr


def test_a_node_of_a_user_namespace_has_its_owners(oci: Runtime) -> None:
    """Nobody makes a node in there, and the host has none of that name: it is made before."""
    with_user_namespace(oci)
    node = {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "uid": 10, "gid": 11, "fileMode": 0o157}
    oci.linux["devices"] = [node, {"path": "/dev/deep/er", "type": "c", "major": 1, "minor": 3}]
    look = "stat -c '%u:%g %a %t:%T' /dev/mine /dev/deep/er; head -c 2 /dev/mine | wc -c; echo x > /dev/deep/er; ls /dev/node"
    done = oci.run(look, check=False)
    assert done.stdout.splitlines() == ["10:11 157 1:5", "0:0 666 1:3", "2"], done.stderr
    node["uid"] = 1000
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "1000, an owner of /dev/mine, is not in the id maps" in refused.stderr


class User:
    """An ordinary user, who has one id and no cgroup, and calls the runtime over a bundle."""

    def __init__(self, oci: Runtime) -> None:
        self.oci, self.root, self.bundle = oci, oci.directory / "run", oci.directory / "users"
        for part in (oci.directory, *oci.directory.parents[:2], oci.tree, oci.tree.parent):
            part.chmod(part.stat().st_mode | 0o111)
        for name in ("proc", "dev", "sys"):
            (oci.tree / name).mkdir(exist_ok=True)
        try:
            done = self("--version", check=False)
        except PermissionError:
            done = None
        if done is None or done.returncode:
            pytest.skip("blocked: an ordinary user cannot read this course (make test in /srv, say)")
        self.bundle.mkdir()
        self.root.mkdir()
        os.chown(self.root, 12345, 12345)
        oci("spec", "--rootless", "--bundle", self.bundle)
        self.config = json.loads((self.bundle / "config.json").read_text())
        one = [{"containerID": 0, "hostID": 12345, "size": 1}]
        self.linux = self.config["linux"]
        self.linux.update(uidMappings=one, gidMappings=one)
        self.config["process"]["terminal"] = False
        self.config["root"] = {"path": str(oci.tree), "readonly": True}

    def __call__(self, *words: object, **more: Any) -> subprocess.CompletedProcess:
        return self.oci("--root", self.root, *words, user=12345, group=12345, extra_groups=[], **more)

    def run(self, script: str, name: str, *options: str) -> subprocess.CompletedProcess:
        self.config["process"]["args"] = ["/bin/sh", "-c", script]
        (self.bundle / "config.json").write_text(json.dumps(self.config))
        return self("run", "--bundle", self.bundle, *options, name)


def test_a_user_moves_the_clock_in_a_namespace_of_the_own(oci: Runtime) -> None:
    user = User(oci)
    user.linux["timeOffsets"] = {"boottime": {"secs": 8640000}, "monotonic": {"secs": 17}}
    user.linux["namespaces"].append({"type": "time"})
    done = user.run("cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime", "one")
    *lines, uptime = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["monotonic", "17"], ["boottime", "8640000"]]
    assert int(uptime) > 8640000


def test_a_user_may_take_an_id_that_roots_container_has(oci: Runtime) -> None:
    """Without a cgroupsPath its cgroup would be root's; a user can have none at all."""
    name = f"box-{os.getpid()}"  # where Runtime puts the container "box"
    oci.create("exec sleep 1000")
    user = User(oci)
    assert user.run("echo mine", name).stdout == "mine\n"
    user.linux["resources"] = {"pids": {"limit": 7}}
    with pytest.raises(AssertionError, match="another user's container has this ID"):
        user.run("true", name)


def test_a_user_joins_the_namespaces_of_another_container(oci: Runtime) -> None:
    """Nobody may look at one that joins until it is the command; not even the user it belongs to."""
    user = User(oci)
    user.run("exec sleep 1000 > /dev/null 2>&1", "target", "--detach")
    try:
        pid = json.loads(user("state", "target").stdout)["pid"]
        for one in user.linux["namespaces"]:
            if one["type"] in ("user", "pid"):
                one["path"] = f"/proc/{pid}/ns/{one['type']}"
        del user.linux["uidMappings"], user.linux["gidMappings"]
        done = user.run("for i in user pid ipc; do readlink /proc/self/ns/$i; done", "two")
        seen = [os.readlink(f"/proc/{pid}/ns/{name}") for name in ("user", "pid", "ipc")]
        assert done.stdout.split()[:2] == seen[:2] and done.stdout.split()[2] != seen[2]
        done = user.run("exec sleep 1000 > /dev/null 2>&1", "three", "--detach")
        assert "Such configuration is strongly discouraged" in done.stderr
        user("kill", "three", "KILL")
        assert wait_for(lambda: '"stopped"' in user("state", "three").stdout)
        user("delete", "three")
    finally:
        user("delete", "--force", "target")
