"""What the tests of crun, and runc's own (*.bats), ask beyond the words that Podman uses."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.oci_runtime import Runtime
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "userns", "busybox")


def test_options_of_crun(oci: Runtime, tmp_path: Path) -> None:
    oci.write("echo hello")
    (tmp_path / "other.json").write_text((oci.bundle / "config.json").read_text())
    (oci.bundle / "config.json").unlink()
    words = ("--cgroup-manager", "cgroupfs", "--log", f"file:{tmp_path}/log", "--log-level", "debug")
    done = oci(*words, "run", "--bundle", oci.bundle, "--config", tmp_path / "other.json", "--no-subreaper", "one")
    assert done.stdout == "hello\n" and "level=debug" in (tmp_path / "log").read_text()
    for name, said in (("systemd", "does not ask systemd"), ("none", "--cgroup-manager none is unknown")):
        refused = oci("--cgroup-manager", name, "list", check=False)
        assert refused.returncode == 1 and said in refused.stderr


def test_a_container_without_a_cgroup(oci: Runtime) -> None:
    own = Path("/proc/self/cgroup").read_text()
    oci.linux["resources"] = {}
    oci.write("exec cat /proc/self/cgroup")
    call = ("--cgroup-manager", "disabled", "run", "--bundle", oci.bundle)
    assert oci(*call, "one").stdout == own
    oci.linux["resources"] = {"pids": {"limit": 7}}
    oci.write("true")
    refused = oci(*call, "two", check=False)
    assert refused.returncode == 1 and "pids.max" in refused.stderr
    assert not oci("list", "-q").stdout


def test_many_containers_by_a_pattern(oci: Runtime) -> None:
    for name in ("test-one", "test-two", "other"):
        oci.create("exec sleep 1000", name)
    oci("kill", "--regex", "^test-", "KILL")
    oci("delete", "--force", "--regex", "^test-")
    assert oci("list", "-q").stdout == "other\n"
    wrong = oci("delete", "--regex", "(", check=False)
    assert wrong.returncode == 1 and "invalid regular expression" in wrong.stderr


def frozen(directory: Path) -> bool:
    """Make a frozen cgroup; say whether that was possible."""
    name, word = ("freezer.state", "FROZEN") if "/freezer/" in str(directory) else ("cgroup.freeze", "1")
    directory.mkdir(parents=True)
    if not (directory / name).exists():
        directory.rmdir()
        return False
    (directory / name).write_text(word)
    return True


@pytest.mark.parametrize("under", ["unified", "freezer", ""])
@pytest.mark.parametrize("below", ["", "/below"])
def test_a_frozen_cgroup_is_refused_and_not_waited_for(oci: Runtime, under: str, below: str) -> None:
    root = Path("/sys/fs/cgroup") / under
    path = f"/minidocker-frozen-{os.getpid()}"
    if not any((root / name).exists() for name in ("cgroup.procs", "freezer.state")) or not frozen(Path(f"{root}{path}")):
        pytest.skip(f"blocked: no tree {under or 'of version 2 alone'} here")
    try:
        oci.linux["cgroupsPath"] = path + below
        refused = oci.run("true", check=False)
        assert refused.returncode == 1 and "container's cgroup unexpectedly frozen" in refused.stderr
        assert Path(f"{root}{path}").is_dir()  # it is somebody else's
    finally:
        for one in Path("/sys/fs/cgroup").glob(f"**{path}"):
            one.rmdir()


def test_who_was_frozen_elsewhere_is_removed_all_the_same(oci: Runtime) -> None:
    elsewhere = Path(f"/sys/fs/cgroup/freezer/minidocker-frozen-{os.getpid()}")
    if not elsewhere.parent.is_dir():
        pytest.skip("blocked: the freezer of version 1 is not here")
    pid = oci.create("exec sleep 1000")
    oci("start", "box")
    elsewhere.mkdir()
    try:
        (elsewhere / "cgroup.procs").write_text(str(pid))
        (elsewhere / "freezer.state").write_text("FROZEN")
        oci("delete", "--force", "box")
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
    finally:
        (elsewhere / "freezer.state").write_text("THAWED")
        elsewhere.rmdir()


def test_a_terminal_on_a_dev_that_is_read_only(oci: Runtime) -> None:
    for one in oci.config["mounts"]:
        if one["destination"] == "/dev":
            one["options"].append("ro")
    oci.config["process"].update(terminal=True, args=["/bin/sh", "-c", "tty; touch /dev/x"])
    oci.write()
    argv = [sys.executable, "-m", "minidocker", "oci", "--root", str(oci.root), "run", "--bundle", str(oci.bundle), "one"]
    said, status = pexpect.run(shlex.join(argv), timeout=60, cwd=str(REPOSITORY), withexitstatus=True)
    assert b"/dev/pts/0" in said and b"Read-only file system" in said and status == 1


def test_a_hook_stands_in_the_root_and_a_node_may_have_a_slash(oci: Runtime) -> None:
    oci.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "pwd >&2"]}]}
    oci.config["root"]["readonly"] = False
    oci.linux["devices"] = [{"path": "/dev/mine/", "type": "b", "major": 1, "minor": 5}]
    done = oci.run("test -b /dev/mine && echo a node")
    assert (done.stderr, done.stdout) == (f"{oci.tree}\n", "a node\n")


def test_groups_that_shall_stay(oci: Runtime) -> None:
    oci.config["annotations"] = {"run.oci.keep_original_groups": "1"}
    oci.write("id -G")
    done = oci("run", "--bundle", oci.bundle, "one", extra_groups=[7, 8])
    assert set(done.stdout.split()) == {"0", "7", "8"}


def test_a_variable_of_systemd_that_somebody_left_behind(oci: Runtime) -> None:
    """LISTEN_FDS without descriptors: none of ours may take their place."""
    env = {**os.environ, "LISTEN_FDS": "3"}
    done = oci.run("ls /proc/self/fd; echo $LISTEN_FDS", env=env)
    assert set(done.stdout.split()) == {"0", "1", "2", "3"}  # 3: the directory that ls reads


def test_words_that_the_tests_look_for(oci: Runtime) -> None:
    refused = oci("state", "this/is/invalid", check=False)
    assert "invalid character `/` in the ID" in refused.stderr
    for verb in ("checkpoint", "restore"):
        assert oci(verb, "-h").stdout.startswith(f"NAME:\n  minidocker oci {verb}")
        assert oci(verb, "box", check=False).returncode == 1


def test_an_example_has_what_runcs_has(oci: Runtime) -> None:
    mounts = {one["destination"]: one for one in oci.config["mounts"]}
    assert "ro" in mounts["/sys/fs/cgroup"]["options"]
    assert oci.config["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]
    other = oci.directory / "other"
    other.mkdir()
    oci("spec", "--rootless", "--bundle", other)
    kinds = {one["type"] for one in json.loads((other / "config.json").read_text())["linux"]["namespaces"]}
    assert "user" in kinds and "network" not in kinds  # as in runc: the caller's network


WRONG: list[tuple[str, object]] = [
    ("process.consoleSize", {"height": 70000, "width": 1}), ("process.consoleSize", {"height": -1, "width": 1}),
    ("root.path", "\ud800"), ("linux.seccomp", {"defaultAction": []}), ("process.args", None),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [None]}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [[]], "action": "SCMP_ACT_ERRNO"}]}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": "x"}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": None, "op": "SCMP_CMP_EQ"}]}]}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [7]}),
    ("linux.resources", {"devices": [{"allow": True, "access": "x"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("where", "value"), WRONG)
def test_a_value_of_a_wrong_type_is_an_error_of_one_line(oci: Runtime, where: str, value: object) -> None:
    part, _, key = where.rpartition(".")
    oci.config[part][key] = value
    oci.write()
    done = oci("create", "--bundle", oci.bundle, "box", check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "minidocker: " in done.stderr
    assert not oci("list", "-q").stdout


def test_the_size_of_a_terminal_is_there_before_the_command(oci: Runtime, tmp_path: Path) -> None:
    oci.create("exec sleep 1000")
    process = {"terminal": True, "consoleSize": {"height": 10, "width": 110}, "args": ["/bin/stty", "size"], "cwd": "/"}
    (tmp_path / "process.json").write_text(json.dumps(process))
    assert oci("exec", "--process", tmp_path / "process.json", "box").stdout == "10 110\n"


def test_a_cpuset_of_a_pod_that_nobody_filled(oci: Runtime) -> None:
    pod = Path(f"/sys/fs/cgroup/cpuset/minidocker-pod-{os.getpid()}")
    if not (pod.parent / "cpuset.cpus").exists():
        pytest.skip("blocked: cpuset is not of version 1 here")
    pod.mkdir()
    try:
        oci.linux["cgroupsPath"] = f"/{pod.name}/box"
        oci.run("true")
    finally:
        for one in Path("/sys/fs/cgroup").glob(f"*/{pod.name}"):
            one.rmdir()


def test_a_program_that_only_a_capability_lets_the_user_run(oci: Runtime, tmp_path: Path) -> None:
    """The exec looks at the rights that the caller has then, and takes them: so the gate needs them."""
    program = tmp_path / "busybox"
    tmp_path.chmod(0o755)
    program.write_bytes((oci.tree / "bin/busybox").read_bytes())
    program.chmod(0o700)
    oci.config["mounts"].append({"destination": "/data", "source": str(tmp_path), "options": ["bind"]})
    oci.config["process"].update(args=["/data/busybox", "grep", "Cap", "/proc/self/status"], user={"uid": 1000, "gid": 1000})
    oci.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    oci.write()
    refused = oci("run", "--bundle", oci.bundle, "box", check=False)
    assert refused.returncode == 1 and "permission denied" in refused.stderr
    rights = ["CAP_DAC_OVERRIDE", "CAP_CHOWN"]
    oci.config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), rights)
    oci.write()
    rows = dict(line.split(":\t") for line in oci("run", "--bundle", oci.bundle, "box").stdout.splitlines())
    assert {rows[f"Cap{name}"].strip("0") for name in ("Inh", "Prm", "Eff", "Amb")} == {""}
    assert int(rows["CapBnd"], 16) == 0b11


def with_apparmor(oci: Runtime, attr: Path, *words: object) -> subprocess.CompletedProcess:
    """Call the runtime as on a host with AppArmor, whose files are in a directory of the test's."""
    script = (
        "import sys\nfrom minidocker.oci import label\nfrom minidocker.kernel import detached\n"
        "label.is_enabled = detached.is_procfs = lambda *_: True\n"
        f"label.ATTRIBUTES, label.LOADED = ({str(attr)!r},), {str(attr / 'profiles')!r}\n"
        "from minidocker.verbs.oci import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    argv = [sys.executable, "-c", script, "--root", str(oci.root), *map(str, words)]
    return subprocess.run(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_a_profile_of_apparmor_is_written_by_the_gate(oci: Runtime, tmp_path: Path) -> None:
    """This shows who writes it and when; that the kernel then confines, only a host with AppArmor can."""
    attr = tmp_path / "attr"
    attr.mkdir()
    (attr / "profiles").write_text("mine (enforce)\nother (complain)\n")
    (attr / "exec").touch()
    oci.config["process"]["apparmorProfile"] = "mine"
    oci.write("ls /proc/self/fd")
    done = with_apparmor(oci, attr, "run", "--bundle", oci.bundle, "one")
    assert done.returncode == 0, done.stderr
    assert (attr / "exec").read_text() == "exec mine"
    assert set(done.stdout.split()) == {"0", "1", "2", "3"}  # 3: the directory that ls reads
    del oci.config["process"]["apparmorProfile"]
    oci.create("exec sleep 1000")
    done = with_apparmor(oci, attr, "exec", "--apparmor", "other", "box", "true")
    # In the container there is no such directory, and nothing is run without its profile.
    assert done.returncode == 255 and "cannot apply the apparmor profile" in done.stderr
    oci.config["process"]["apparmorProfile"] = "nobody"
    oci.write("true", "two")
    done = with_apparmor(oci, attr, "run", "--bundle", oci.bundle, "two")
    assert done.returncode == 1 and "cannot apply apparmor profile `nobody`: profile not loaded" in done.stderr


def test_a_profile_that_cannot_be_is_refused_by_name(oci: Runtime) -> None:
    from minidocker.oci.label import is_enabled

    words = "profile not loaded" if is_enabled() else "AppArmor is not enabled here"
    oci.config["process"]["apparmorProfile"] = "minidocker-nobody-has-this"
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and words in refused.stderr and "minidocker-nobody-has-this" in refused.stderr
    oci.config["process"]["apparmorProfile"] = "unconfined"  # which is so without AppArmor, too
    oci.create("exec sleep 1000")
    refused = oci("exec", "--apparmor", "minidocker-nobody-has-this", "box", "true", check=False)
    assert refused.returncode == 255 and words in refused.stderr


def test_a_pid_file_follows_no_link_and_leaves_nothing(oci: Runtime, tmp_path: Path) -> None:
    """In a directory that is everybody's, a name that can be guessed was somebody's link."""
    victim = tmp_path / "victim"
    victim.write_text("kept\n")
    (tmp_path / ".pid").symlink_to(victim)
    oci.run("true", "--pid-file", tmp_path / "pid")
    assert victim.read_text() == "kept\n" and (tmp_path / "pid").read_text().isdecimal()
    (tmp_path / "there").mkdir()
    before = set(os.listdir(tmp_path))
    refused = oci.run("true", "--pid-file", tmp_path / "there", check=False)
    assert refused.returncode == 1 and "EISDIR" in refused.stderr
    assert set(os.listdir(tmp_path)) == before


def test_a_hook_after_the_start_is_told_though_the_command_has_ended(oci: Runtime) -> None:
    oci.config["hooks"] = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "sleep 0.2; exit 3"]}]}
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "error running poststart hook #0: /bin/sh: exit status 3" in refused.stderr


@pytest.mark.parametrize("name", [".cache", "a\nb", "a" * 256, "é"])
def test_an_id_that_is_none(oci: Runtime, name: str) -> None:
    for verb in ("create", "state", "delete"):
        refused = oci(verb, *(("--force",) if verb == "delete" else ()), name, check=False)
        assert refused.returncode == 1 and "invalid container ID" in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_limit_that_not_even_the_start_fits_in_is_named(oci: Runtime) -> None:
    oci.linux["resources"] = {"memory": {"limit": 4096}}
    refused = oci.run("true", check=False)
    if "cannot be set" in refused.stderr:
        pytest.skip("blocked: no cgroup has a controller of memory here")
    assert refused.returncode == 1 and "memory limit too low" in refused.stderr
    assert not [name for name in os.listdir(oci.root) if not name.startswith(".")]


def test_a_command_is_not_held_where_its_caller_was(oci: Runtime, tmp_path: Path) -> None:
    """Podman's conmon may run on one CPU; the container's are those of its cgroup."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("blocked: this process may run on one CPU alone")
    look = ("grep", "-F", "Cpus_allowed_list:", "/proc/self/status")
    os.sched_setaffinity(0, range(8192))  # who runs the tests may be held, too
    everywhere = Path("/proc/self/status").read_text().split("Cpus_allowed_list:\t")[1].split()[0]
    os.sched_setaffinity(0, mine)
    oci.config["process"]["execCPUAffinity"] = {"initial": str(mine[0]), "final": f"{mine[1]},{mine[0]}-{mine[0]}"}
    oci.create("exec sleep 1000")
    assert oci("exec", "box", *look).stdout.split()[1] == f"{mine[0]}{'-' if mine[0] + 1 == mine[1] else ','}{mine[1]}"
    process = {"args": look, "cwd": "/", "execCPUAffinity": {"initial": str(mine[1])}}
    (tmp_path / "process.json").write_text(json.dumps(process))
    assert oci("exec", "--process", tmp_path / "process.json", "box").stdout.split()[1] == str(mine[1])
    process["execCPUAffinity"] = {"final": "1-x"}
    (tmp_path / "process.json").write_text(json.dumps(process))
    refused = oci("exec", "--process", tmp_path / "process.json", "box", check=False)
    assert refused.returncode == 255 and "is no list of CPUs" in refused.stderr
    del process["execCPUAffinity"]
    (tmp_path / "process.json").write_text(json.dumps(process))
    os.sched_setaffinity(0, mine[:1])
    try:
        assert oci.run(" ".join(look)).stdout.split()[1] == everywhere
        assert oci("exec", "--process", tmp_path / "process.json", "box").stdout.split()[1] == everywhere
    finally:
        os.sched_setaffinity(0, mine)
