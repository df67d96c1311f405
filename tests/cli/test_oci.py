"""The OCI runtime by hand: its verbs, and what it makes of each part of a config.json."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.oci_runtime import ALL, Runtime
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "userns", "busybox")


def test_a_container_waits_in_the_gate_and_nobody_of_ours_is_left(oci: Runtime) -> None:
    pid = oci.create("echo hello; exec sleep 1000")
    assert oci.state()["status"] == "created" and oci.state()["pid"] == pid
    assert (oci.root / "box/config.json").stat().st_mode & 0o077 == 0  # variables may hold passwords
    status = Path(f"/proc/{pid}/status").read_text()
    assert int(status.split("VmRSS:")[1].split()[0]) < 100  # kB: no Python
    assert "python" not in os.readlink(f"/proc/{pid}/exe")
    assert not (oci.directory / "box.out").read_text()
    assert oci("delete", "nobody", check=False).returncode == 1
    oci("start", "box")
    assert oci.state()["status"] == "running"
    again = oci("start", "box", check=False)
    assert again.returncode == 1 and "cannot start an already running container" in again.stderr
    running = oci("delete", "box", check=False)
    assert running.returncode == 1 and "not stopped" in running.stderr
    oci("kill", "box", "KILL")
    oci("delete", "--force", "box")
    oci("delete", "--force", "box")  # a second one finds nothing wrong
    assert oci("state", "box", check=False).returncode == 1
    assert (oci.directory / "box.out").read_text() == "hello\n"
    assert [name for name in os.listdir(oci.root) if name != ".cache"] == []


def test_a_run_gives_the_commands_output_and_status(oci: Runtime) -> None:
    done = oci.run("echo out; echo err >&2; hostname; exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\nminidocker\n", "err\n")
    assert not oci("list", "--quiet").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nosuch"], "executable file not found in $PATH"),
        (["/nosuch"], "no such file or directory"),
        (["/etc"], "permission denied"),
    ],
)
def test_a_command_that_cannot_be_is_told_by_create_and_in_the_log(
    oci: Runtime, args: list[str], words: str
) -> None:
    oci.config["process"]["args"] = args
    oci.write()
    log = Path(os.path.relpath(oci.directory / "log.json", REPOSITORY))
    done = oci("--log", log, "--log-format", "json", "create", "--bundle", oci.bundle, "box", check=False)
    assert done.returncode == 1 and words in done.stderr
    line = json.loads((REPOSITORY / log).read_text())
    assert line["level"] == "error" and words in line["msg"] and line["time"].endswith("Z")
    assert oci("delete", "box", check=False).returncode == 1  # nothing is left


def test_a_command_that_the_kernel_refuses_is_told_by_start(oci: Runtime, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("#!/no/interpreter\n")
    bad.chmod(0o755)
    oci.config["mounts"].append({"destination": "/tmp/bad", "source": str(bad), "options": ["bind"]})
    oci.config["root"]["readonly"] = False
    oci.config["process"]["args"] = ["/tmp/bad"]
    oci.create("")
    done = oci("start", "box", check=False)
    assert done.returncode == 1 and "exec /tmp/bad: no such file or directory" in done.stderr
    assert oci.state()["status"] == "stopped"


def test_a_create_that_is_killed_leaves_nothing_that_delete_does_not_take(oci: Runtime) -> None:
    oci.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}]}
    oci.write("true")
    done = oci("create", "--bundle", oci.bundle, "box", check=False)
    assert done.returncode == -signal.SIGKILL
    oci("delete", "--force", "box")
    assert oci("state", "box", check=False).returncode == 1


def test_a_create_that_is_killed_with_its_cgroups_just_made_has_written_their_names(oci: Runtime) -> None:
    oci.write("true")
    script = (
        "import os, sys\nfrom minidocker.oci import groups\nmake = groups.make\n"
        "def die(*args):\n    make(*args)\n    os.kill(os.getpid(), 9)\n"
        "groups.make = die\nfrom minidocker.verbs.oci import main\nmain(sys.argv[1:])\n"
    )
    words = ["--root", str(oci.root), "create", "--bundle", str(oci.bundle), "box"]
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=REPOSITORY, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert oci.state()["status"] == "stopped"
    oci("delete", "box")  # and the fixture looks for cgroups


def test_a_cgroup_of_somebody_else_is_not_taken(oci: Runtime) -> None:
    oci.linux["cgroupsPath"] = "/minidocker/test-of-two"
    pid = oci.create("exec sleep 1000")
    done = oci("create", "--bundle", oci.bundle, "other", check=False)
    assert done.returncode == 1 and "has processes already" in done.stderr
    oci("delete", "--force", "other")
    assert oci.state()["pid"] == pid and oci.state()["status"] == "created"


def test_hooks_run_at_their_moments_with_the_state(oci: Runtime, tmp_path: Path, tree: Path) -> None:
    said = tmp_path / "said"
    said.mkdir()
    oci.config["mounts"].append({"destination": "/tmp", "source": str(said), "options": ["bind"]})
    names = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
    script = "cat > {0}/{1}; hostname > {0}/{1}.host; test -e {2} && echo seen > {0}/{1}.seen; echo {1} >> {0}/order"
    oci.config["hooks"] = {
        name: [{"path": "/bin/sh", "args": ["sh", "-c", script.format("/tmp" if name == "startContainer" else said, name, said)],
                "env": ["PATH=/bin:/usr/bin"], "timeout": 20}]
        for name in names
    }  # fmt: skip
    pid = oci.create("exec sleep 1000")
    oci("start", "box")
    oci("delete", "--force", "box")
    assert (said / "order").read_text().split() == list(names)
    for name, status in zip(names, ("creating",) * 3 + ("created", "running", "stopped"), strict=True):
        state = json.loads((said / name).read_text())
        assert state["status"] == status and state["id"] == "box", name
        assert state["bundle"] == str(oci.bundle)
    assert json.loads((said / "prestart").read_text())["pid"] == pid
    inside = {name for name in names if (said / f"{name}.host").read_text() == "minidocker\n"}
    assert inside == {"startContainer"}
    assert not (said / "startContainer.seen").exists()  # it sees the container's root
    assert (said / "createContainer.seen").exists()  # and this one still the host's


@pytest.mark.parametrize("script", ["exit 3", "sleep 1000"])
def test_a_hook_that_fails_or_takes_too_long_ends_the_container(oci: Runtime, script: str) -> None:
    oci.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", script], "timeout": 1}]}
    oci.write("true")
    done = oci("create", "--bundle", oci.bundle, "box", check=False)
    assert done.returncode == 1 and "error running createContainer hook #0: /bin/sh" in done.stderr
    assert ("exit status 3" if "exit" in script else "took more than 1 s") in done.stderr
    assert oci("state", "box", check=False).returncode == 1


def test_mounts_of_any_type_with_their_options(oci: Runtime, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    oci.config["mounts"] += [
        {"destination": "/data", "type": "tmpfs", "source": "x", "options": ["tmpcopyup", "ro", "size=1m"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "x", "options": ["nosuid", "mode=700"]},
        {"destination": "/tmp/one", "type": "none", "source": str(source), "options": ["rbind", "ro", "noexec", "rslave"]},
        {"destination": "/tmp/two", "type": "bind", "source": str(source), "options": ["rbind", "rro", "nosuid"]},
    ]
    script = """
    cat /data/old; touch /data/new 2>/dev/null || echo full
    touch /tmp/one/x 2>/dev/null || echo one; touch /tmp/two/x 2>/dev/null || echo two
    grep -E ' /(data|tmp)' /proc/self/mounts | cut -d' ' -f2,4
    """
    lines = oci.run(script).stdout.splitlines()
    assert lines[:4] == ["from the image", "full", "one", "two"]
    flags = {line.split()[0]: set(line.split()[1].split(",")) for line in lines[4:]}
    assert "ro" in flags["/data"] and {"nosuid", "mode=700"} <= flags["/tmp"]
    assert {"ro", "noexec"} <= flags["/tmp/one"] and {"ro", "nosuid"} <= flags["/tmp/two"]
    assert "noexec" not in flags["/tmp/two"]


def test_a_mount_may_not_lie_in_proc(oci: Runtime) -> None:
    oci.config["mounts"].append({"destination": "/proc/sys", "source": "/tmp", "options": ["bind"]})
    done = oci.run("true", check=False)
    assert done.returncode == 1 and "nothing may be mounted there" in done.stderr


def test_device_rules_decide_which_nodes_work(oci: Runtime) -> None:
    oci.config["process"]["capabilities"] = {name: ["CAP_SYSLOG"] for name in ALL}  # to read kmsg
    oci.config["root"]["readonly"] = False
    oci.linux["devices"] = [
        {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "gid": 7},
        {"path": "/dev/kmsg1", "type": "c", "major": 1, "minor": 11},
        {"path": "/dev/rtc1", "type": "c", "major": 10, "minor": 200},
    ]
    oci.linux["resources"] = {"devices": [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"},
    ]}  # fmt: skip
    script = """
    stat -c %a:%g:%t:%T /dev/mine; head -c 2 /dev/zero | wc -c
    exec 3< /dev/kmsg1 && echo readable; (exec 3> /dev/kmsg1) 2>/dev/null || echo 'not writable'
    (exec 3< /dev/rtc1) 2>&1 | grep -o 'Operation not permitted'
    """
    done = oci.run(script)
    assert done.stdout.split("\n")[:5] == ["640:7:1:5", "2", "readable", "not writable", "Operation not permitted"], done.stderr


def test_a_container_sees_its_own_cgroup_alone(oci: Runtime) -> None:
    oci.linux["namespaces"].append({"type": "cgroup"})
    oci.config["mounts"].append({
        "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
        "options": ["nosuid", "noexec", "nodev", "relatime", "ro"],
    })  # fmt: skip
    script = """
    cut -d: -f3 /proc/self/cgroup | sort -u
    cat $(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1) | head -1
    mkdir /sys/fs/cgroup/x 2>/dev/null || echo kept
    """
    assert oci.run(script).stdout.split() == ["/", "1", "kept"]


def test_the_five_sets_of_a_user_who_is_not_root(oci: Runtime) -> None:
    oci.config["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5, 6], "umask": 0o077}
    oci.config["process"]["capabilities"] = {
        name: ["CAP_NET_RAW", "CAP_KILL"] if name in ALL else ["CAP_NET_RAW"]
        for name in (*ALL, "inheritable", "ambient")
    }
    done = oci.run("grep -E 'Cap|Groups' /proc/self/status; umask; id -u; echo $HOME")
    rows = dict(line.split(":\t") for line in done.stdout.splitlines() if ":" in line and "Cap" in line)
    raw = 1 << 13
    assert {int(rows[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Amb")} == {raw}
    assert int(rows["CapBnd"], 16) == raw | 1 << 5
    assert "Groups:\t5 6" in done.stdout and done.stdout.endswith("0077\n1000\n/home/ann\n")


def test_settings_masks_limits_and_names(oci: Runtime) -> None:
    oci.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}
    oci.linux["maskedPaths"], oci.linux["readonlyPaths"] = ["/proc/keys", "/data"], ["/proc/sys"]
    oci.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 100}]
    oci.config["process"]["oomScoreAdj"] = 321
    oci.config["domainname"] = "lab"
    script = """
    cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/kernel/domainname
    wc -c < /proc/keys; ls /data | wc -l; (echo 0 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo kept
    ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj
    """
    assert oci.run(script).stdout.split() == ["1", "1", "lab", "0", "0", "kept", "64", "100", "321"]


def test_a_filter_from_the_bundle_is_compiled_once(oci: Runtime) -> None:
    oci.config["root"]["readonly"] = False
    oci.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}],
    }  # fmt: skip
    for _ in range(2):
        done = oci.run("mkdir /tmp/x; echo still here")
        assert "not supported" in done.stderr.lower() and done.stdout == "still here\n"
    assert len(os.listdir(oci.root / ".cache/seccomp")) == 1


def test_namespaces_by_path_are_joined(oci: Runtime) -> None:
    pid = oci.create("exec sleep 1000")
    for one in oci.linux["namespaces"]:
        if one["type"] in ("network", "uts", "pid"):
            one["path"] = f"/proc/{pid}/ns/{ {'network': 'net'}.get(one['type'], one['type']) }"
    del oci.config["hostname"]
    done = oci.run("readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; hostname; echo $$")
    net, ipc, name, number = done.stdout.split()
    assert net == os.readlink(f"/proc/{pid}/ns/net") and name == "minidocker"
    assert ipc != os.readlink(f"/proc/{pid}/ns/ipc") and int(number) > 1


def test_a_user_namespace_with_maps(oci: Runtime, tree: Path) -> None:
    oci.linux["namespaces"].append({"type": "user"})
    for key in ("uidMappings", "gidMappings"):
        oci.linux[key] = [{"containerID": 0, "hostID": 200000, "size": 1000}]
    for part in (oci.directory, *oci.directory.parents[:2], tree, tree.parent):
        part.chmod(part.stat().st_mode | 0o111)
    done = oci.run("id -u; cat /proc/self/uid_map; head -c 1 /dev/zero | wc -c")
    assert done.stdout.split() == ["0", "0", "200000", "1000", "1"]


def test_exec_enters_a_container(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    oci("start", "box")
    done = oci("exec", "--user", "1000:1000", "--env", "A=b", "--cwd", "/tmp", "box", "/bin/sh", "-c",
               "id -u; hostname; pwd; echo $A $$; cat /proc/1/cmdline; exit 9", check=False)  # fmt: skip
    uid, name, place, variables, first = done.stdout.replace("\0", " ").splitlines()
    assert (done.returncode, uid, name, place) == (9, "1000", "minidocker", "/tmp"), done.stderr
    assert variables.startswith("b ") and first.startswith("sleep 1000")
    missing = oci("exec", "box", "nosuch", check=False)
    assert missing.returncode == 255 and "executable file not found in $PATH" in missing.stderr
    process = {"args": ["/bin/sh", "-c", "grep CapEff /proc/self/status > /tmp/in; sleep 1000"], "cwd": "/",
               "env": ["PATH=/bin"], "capabilities": {name: ["CAP_KILL"] for name in ALL}}  # fmt: skip
    file, pid_file = oci.directory / "process.json", oci.directory / "exec.pid"
    file.write_text(json.dumps(process))
    oci.quietly("exec", "--process", file, "--detach", "--pid-file", pid_file, "box")
    second = int(pid_file.read_text())
    shown = set(json.loads(oci("ps", "--format", "json", "box").stdout))
    assert {oci.state()["pid"], second} <= shown
    rows = Path(f"/proc/{second}/status").read_text()
    assert int(rows.split("CapEff:")[1].split()[0], 16) == 1 << 5


@pytest.mark.parametrize("also", ["CAP_KILL", "CAP_SYS_PTRACE"])
def test_a_pid_namespace_with_a_tracer_is_not_entered(oci: Runtime, also: str) -> None:
    """As in a pod: the tracer is a third container, and has joined the namespace of the first."""
    first = oci.create("exec sleep 1000", "one")
    oci("start", "one")
    pid_namespace = next(one for one in oci.linux["namespaces"] if one["type"] == "pid")
    pid_namespace["path"] = f"/proc/{first}/ns/pid"
    oci.config["process"]["capabilities"] = {name: ["CAP_KILL", also] for name in ALL}
    oci.create("exec sleep 1000", "two")
    oci("start", "two")
    oci.config["process"]["capabilities"] = {name: ["CAP_KILL"] for name in ALL}
    asked = [oci("exec", "one", "true", check=False), oci.run("true", check=False)]
    refused = also == "CAP_SYS_PTRACE"
    assert [done.returncode for done in asked] == ([255, 1] if refused else [0, 0]), asked
    assert all(("has CAP_SYS_PTRACE in the pid namespace" in done.stderr) == refused for done in asked)


def test_pause_update_and_what_it_uses(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    oci("start", "box")
    oci("pause", "box")
    assert oci.state()["status"] == "paused"
    assert oci("exec", "box", "true", check=False).returncode == 255
    oci("resume", "box")
    assert oci.state()["status"] == "running"
    oci("update", "--pids-limit", "77", "box")
    oci("update", "--resources", "-", "box", stdin=None, input='{"pids": {"limit": 78}}')
    event = json.loads(oci("events", "--stats", "box").stdout)
    assert event["data"]["pids"] == {"current": 1, "limit": 78}
    assert "sleep 1000" in oci("ps", "box").stdout


def test_a_terminal_goes_to_the_console_socket(oci: Runtime, tmp_path: Path) -> None:
    oci.config["process"].update(terminal=True, consoleSize={"height": 33, "width": 77})
    refused = oci("create", "--bundle", oci.bundle, "box", check=False)
    assert refused.returncode == 1
    path = os.path.relpath(tmp_path / "s", REPOSITORY)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(30)
        oci.create("tty; stty size", "box", "--console-socket", path)
        end, _ = server.accept()
        with end:
            _, fds, _, _ = socket.recv_fds(end, 100, 1)
    oci("start", "box")
    said = b""
    try:
        while piece := os.read(fds[0], 100):
            said += piece
    except OSError:
        pass  # EIO: the other side is closed
    os.close(fds[0])
    assert said.split() == [b"/dev/pts/0", b"33", b"77"]


def test_descriptors_that_the_command_shall_have(oci: Runtime) -> None:
    read, write = os.pipe()
    os.write(write, b"given\n")
    os.close(write)

    def give() -> None:
        os.dup2(read, 3)

    env = {**os.environ, "LISTEN_FDS": "1"}
    done = oci.run("cat <&3; echo $LISTEN_FDS $LISTEN_PID; ls /proc/self/fd | wc -w",
                   preexec_fn=give, close_fds=False, env=env)  # fmt: skip
    os.close(read)
    assert done.stdout.split() == ["given", "1", "1", "5"]  # 0 to 3, and that of ls


def test_version_features_and_help(oci: Runtime) -> None:
    assert "\nspec: 1." in oci("--version").stdout
    features = json.loads(oci("features").stdout)
    assert "tmpcopyup" in features["mountOptions"] and len(features["hooks"]) == 6
    assert "--pid-file" in oci("create", "--help").stdout and "pause" in oci("--help").stdout
    for words, said in (
        (("--systemd-cgroup", "list"), "cgroupfs"), (("checkpoint", "x"), "not saved"),
        (("state", "../x"), "invalid container ID"), (("create", "--what", "x"), "no option --what"),
    ):  # fmt: skip
        done = oci(*words, check=False)
        assert done.returncode == 1 and said in done.stderr


def test_a_learners_functions_serve(oci: Runtime, tmp_path: Path) -> None:
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "solutions", mine)
    with open(mine / "06_uts_ipc_time.py", "a") as stream:
        stream.write(
            "\n\ndef set_names(kernel, hostname, domainname):\n    kernel.sethostname('my-' + hostname)\n"
        )
    env = {**os.environ, "MINIDOCKER_MINE": str(mine)}
    oci.write("hostname; echo $$; grep CapBnd /proc/self/status | wc -w")
    log = tmp_path / "log"
    done = oci("--log", log, "run", "--bundle", oci.bundle, "box", env=env)
    assert "level=info" in log.read_text() and "pivot" in log.read_text()
    assert done.stdout.split() == ["my-minidocker", "1", "2"]
    assert "pivot" in done.stderr and "drop_capabilities" in done.stderr  # whose they are is said
    mine.chmod(0o777)
    refused = oci.run("hostname", env=env, check=False)
    assert refused.returncode == 1 and "everybody may change it" in refused.stderr


def test_an_ordinary_user_has_containers_too(tmp_path: Path, tree: Path) -> None:
    user = 54321
    for path in (tmp_path, tree):
        for above in (path, *path.parents[:-2]):
            above.chmod(above.stat().st_mode | 0o011)
    os.chown(tmp_path, user, user)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    argv = [sys.executable, "-B", "-m", "minidocker", "oci"]
    env["PYTHONPATH"] = str(REPOSITORY)

    def ask(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*argv, *words], env=env, user=user, group=user, extra_groups=[], cwd=tmp_path,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    assert ask("spec", "--rootless").returncode == 0
    config = json.loads((tmp_path / "config.json").read_text())
    config["process"].update(terminal=False, args=["/bin/sh", "-c", "id -u; echo $$; exit 6"])
    config["root"]["path"] = str(tree)
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = ask("run", "mine")
    assert (done.returncode, done.stdout) == (6, "0\n1\n"), done.stderr
    config["linux"]["resources"] = {"pids": {"limit": 9}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    refused = ask("run", "mine")
    assert refused.returncode == 1 and "asks for limits (pids.max)" in refused.stderr
    del config["linux"]["resources"]
    config["linux"]["cgroupsPath"] = "/minidocker/of-a-user"
    (tmp_path / "config.json").write_text(json.dumps(config))
    refused = ask("run", "mine")
    assert refused.returncode == 1 and "applying cgroup configuration" in refused.stderr


def test_a_link_in_the_image_leads_nothing_away(oci: Runtime, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    (bad / "bin").mkdir(parents=True)
    (bad / "elsewhere").mkdir()
    (bad / "proc").symlink_to("/elsewhere")
    oci.config["root"] = {"path": str(bad)}
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "/proc must be mounted on ordinary directory" in refused.stderr


def test_a_root_without_pivot_and_one_that_follows_the_host(oci: Runtime) -> None:
    assert oci.run("ls /; echo $$", "--no-pivot").stdout.split()[-1] == "1"
    oci.linux["rootfsPropagation"] = "rslave"
    done = oci.run("grep ' / / ' /proc/self/mountinfo || grep -m 1 ' / ' /proc/self/mountinfo")
    assert done.stdout.count("\n") == 1
    oci.linux["rootfsPropagation"] = "shared"
    assert " shared:" in oci.run("grep ' / ' /proc/self/mountinfo | head -1").stdout


@pytest.mark.parametrize("how", ["", "--no-pivot"])
def test_what_the_host_shares_with_a_container_is_not_unmounted(oci: Runtime, how: str) -> None:
    """On a machine with systemd all mounts are shared; here a namespace stands for that host."""
    oci.linux["rootfsPropagation"] = "shared"
    oci.write("true")
    argv = [sys.executable, "-m", "minidocker", "oci", "--root", oci.root, "run", "--bundle", oci.bundle]
    call = " ".join(map(str, [*argv, *([how] if how else []), "peer"]))
    table = "cut -d' ' -f5- /proc/self/mountinfo"
    script = f"mount --make-rshared / && {table} >a && {call} && {table} >b && diff a b"
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=oci.directory, env=env,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


STARTS = {
    "theirs": ("", ""),
    "does nothing": ("\ndef start(directory):\n    pass\n", "still waits at its pipe"),
    "raises": ("\ndef start(directory):\n    raise ValueError('no')\n", "ValueError: no"),
}


@pytest.mark.parametrize("mistake", STARTS)
def test_a_learners_start_lets_the_command_go(
    oci: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    text, said = STARTS[mistake]
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine)
    lesson = mine / "15_your_own_docker.py"
    lesson.write_text((REPOSITORY / "solutions/15_your_own_docker.py").read_text() + text)
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path / "store"))
    pid = oci.create("sleep 600")
    done = oci("start", "box", check=False, env={**os.environ, "MINIDOCKER_MINE": str(mine)})
    assert (done.returncode == 0) == (not said) and said in done.stderr, done.stderr
    assert f"of {mine}: start" in done.stderr and "Traceback" not in done.stderr
    assert '"function": "start"' in (tmp_path / "store/used").read_text()
    assert json.loads(oci("state", "box").stdout)["status"] == ("created" if said else "running")
    assert os.path.exists(f"/proc/{pid}")
    oci("delete", "--force", "box")


STATES = {
    "theirs": ("", ""),
    "from the record alone": (
        "\ndef state(directory):\n    return 'running' if load(directory) else 'creating'\n",
        "says 'running', and the kernel says 'created'",
    ),
    "raises": ("\ndef state(directory):\n    return load(directory)['name']\n", "KeyError"),
}


@pytest.mark.parametrize("mistake", STATES)
def test_a_learners_state_is_compared_with_the_kernels(
    oci: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    text, said = STATES[mistake]
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine)
    lesson = mine / "15_your_own_docker.py"
    lesson.write_text((REPOSITORY / "solutions/15_your_own_docker.py").read_text() + text)
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path / "store"))
    env = {**os.environ, "MINIDOCKER_MINE": str(mine)}
    oci.create("sleep 600")
    done = oci("state", "box", check=False, env=env)
    assert (done.returncode == 0) == (not said) and said in done.stderr, done.stderr
    assert f"of {mine}: state" in done.stderr and "Traceback" not in done.stderr.split("your state")[0]
    assert '"function": "state"' in (tmp_path / "store/used").read_text()
    if not said:
        assert json.loads(done.stdout)["status"] == "created"
        oci("start", "box")
        assert json.loads(oci("state", "box", env=env).stdout)["status"] == "running"
        oci("pause", "box")
        assert json.loads(oci("state", "box", env=env).stdout)["status"] == "paused"
        oci("resume", "box")
        oci("kill", "box", "KILL")
        assert json.loads(oci("state", "box", env=env).stdout)["status"] in ("running", "stopped")
    assert not [name for name in os.listdir(oci.root / "box") if name.startswith("view")]
    oci("delete", "--force", "box")


def test_a_learners_holes_reads_a_bundle_before_it_is_made(oci: Runtime, tmp_path: Path) -> None:
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine)
    lesson = mine / "15_your_own_docker.py"
    solution = (REPOSITORY / "solutions/15_your_own_docker.py").read_text()
    lesson.write_text(solution)
    env = {**os.environ, "MINIDOCKER_MINE": str(mine), "MINIDOCKER_ROOT": str(tmp_path / "store")}
    assert "your holes sees in this bundle: none\n" in oci.run("true", env=env).stderr
    spaces = oci.linux["namespaces"]
    oci.linux["namespaces"] = [one for one in spaces if one["type"] not in ("ipc", "network")]
    told = oci.run("true", env=env)
    assert "your holes sees in this bundle: ipc, network\n" in told.stderr
    lesson.write_text(f"{solution}\n\ndef holes(config):\n    raise ValueError('no idea')\n")
    told = oci.run("echo runs all the same", env=env)
    assert "no idea" in told.stderr and told.stdout == "runs all the same\n"


SPECS = {
    "theirs": ("", ""),
    "no root": ("\ndef spec_of(options):\n    return {'ociVersion': '1.0.2'}\n", "root.path"),
    "no dictionary": ("\ndef spec_of(options):\n    return [options.root]\n", "your spec_of"),
}


@pytest.mark.parametrize("mistake", SPECS)
def test_a_learners_spec_of_writes_the_example(oci: Runtime, tmp_path: Path, mistake: str) -> None:
    text, said = SPECS[mistake]
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine)
    lesson = mine / "15_your_own_docker.py"
    lesson.write_text((REPOSITORY / "solutions/15_your_own_docker.py").read_text() + text)
    env = {**os.environ, "MINIDOCKER_MINE": str(mine), "MINIDOCKER_ROOT": str(tmp_path / "store")}
    place = tmp_path / "theirs"
    place.mkdir()
    done = oci("spec", "--bundle", place, check=False, env=env)
    assert (done.returncode == 0) == (not said) and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    if said:
        assert not os.listdir(place)
        return
    config = json.loads((place / "config.json").read_text())
    assert config["linux"]["resources"]["memory"] == {"limit": 64 << 20, "swap": 64 << 20}
    config["process"]["args"] = ["/bin/sh", "-c", "hostname"]
    config["root"]["path"] = str(oci.tree)
    config["linux"].pop("resources")
    (place / "config.json").write_text(json.dumps(config))
    assert oci("run", "--bundle", place, "theirs", env=env).stdout == "minidocker\n"


NOTHING = """
    pid = spawn(kernel, child)
    os.close(tell)
    if os.read(hear, 5) != b"ready":
        raise RuntimeError("the container ended before it was ready")
    os.close(hear)
    save(directory, pid)
    return pid
"""
CREATES = {
    "another right one": ("", ""),  # the exam's Podman has the solution's
    "does not wait": ("        os.read(go, 1)\n", "nobody waits at the pipe"),
    "works, and does not wait": ("os.read(go, 1)", "nobody waits at the pipe"),
    "forgets the walls": ("        walls()\n", "returned before the walls stood"),
    "never comes back": ('        os.write(tell, b"ready")\n', "it does not return"),
    "no record": ("    save(directory, pid)\n", "it wrote no record"),
    "another number": ("    return pid\n", "not the pid"),
    "starts nothing": (NOTHING, "it started no container"),
    "no pipe": ('    os.mkfifo(f"{directory}/go")\n', "FileNotFoundError"),
}


@pytest.mark.parametrize("mistake", CREATES)
def test_a_learners_create_makes_the_container(
    oci: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    gone, said = CREATES[mistake]
    mine = tmp_path / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine)
    solution = (REPOSITORY / "solutions/15_your_own_docker.py").read_text()
    head, create = solution.split("def create(")
    create = create.replace(gone, "sum(range(9**7))" if mistake.startswith("works") else "", 1)
    right = REPOSITORY / "tests/right/15_your_own_docker/pipe_held_at_both_ends.py"
    create += "" if said else right.read_text()
    (mine / "15_your_own_docker.py").write_text(f"{head}def create({create}")
    shutil.copy(REPOSITORY / "solutions/01_pid.py", mine)
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path / "store"))
    monkeypatch.setenv("MINIDOCKER_MINE", str(mine))
    if said:
        with pytest.raises(AssertionError, match=said) as caught:
            oci.create("true")
        assert "part create of" in str(caught.value) and "Traceback" not in str(caught.value)
        assert not (oci.root / "box").exists()
        return
    pid = oci.create("echo $$; ls /proc/self/fd; exec sleep 600")
    out = oci.directory / "box.out"
    assert f"of {mine}: create" in out.read_text()
    assert '"function": "create"' in (tmp_path / "store/used").read_text()
    assert oci.state()["status"] == "created"  # says the learner's `state`, too
    assert "python" in os.readlink(f"/proc/{pid}/exe")
    oci("start", "box")
    assert oci.state()["status"] == "running"
    until = time.monotonic() + 60
    while not out.read_text().endswith("1\n0\n1\n2\n3\n") and time.monotonic() < until:
        time.sleep(0.1)
    assert out.read_text().endswith("1\n0\n1\n2\n3\n")  # no descriptor of ours; 3 is that of ls itself
    oci("kill", "box", "KILL")
    oci("delete", "--force", "box")
