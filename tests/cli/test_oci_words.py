"""What callers of runc write and read: options after the ID, words of errors, cgroups of an exec."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from minidocker.oci.looks import wait_for
from tests.cli.oci_runtime import Runtime

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "userns", "busybox")


def limit(*names: str) -> Path:
    """Return a file of the container's cgroup, by its name in version 2 or 1."""
    for name in names:
        for path in Path("/sys/fs/cgroup").glob(f"**/minidocker/box-{os.getpid()}/{name}"):
            return path
    pytest.skip(f"blocked: no cgroup has {names[0]} here")


def test_limits_by_options_after_the_id(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    pids, memory = limit("pids.max"), limit("memory.max", "memory.limit_in_bytes")
    oci("update", "box", "--pids-limit", "42")
    assert pids.read_text() == "42\n"
    oci("update", "box", "--pids-limit", "-1")
    assert pids.read_text() == "max\n"
    oci("update", "box", "--memory", "50M")
    assert memory.read_text() == f"{50 << 20}\n"
    oci("update", "box", "--memory", "-1")
    assert memory.read_text() != f"{50 << 20}\n"
    wrong = oci("update", "box", "--memory", "much", check=False)
    assert wrong.returncode == 1 and "is not a size" in wrong.stderr


def test_what_a_quota_stands_beside_fits_it_in_any_order(oci: Runtime) -> None:
    oci.linux["resources"] = {"cpu": {"quota": 50000, "period": 100000, "burst": 20000, "idle": 0}}
    oci.create("exec sleep 1000")
    burst, idle = limit("cpu.max.burst", "cpu.cfs_burst_us"), limit("cpu.idle")
    assert burst.read_text() in ("20000\n", "20\n")  # some kernels print a thousandth
    oci("update", "box", "--cpu-quota", "10000", "--cpu-burst", "5000")  # less than the burst of now
    oci("update", "box", "--cpu-quota", "90000", "--cpu-burst", "60000")  # more than the quota of now
    oci("update", "box", "--cpu-burst", "0")
    assert burst.read_text() == "0\n"
    for number in ("1", "0"):
        oci("update", "box", "--cpu-idle", number)
        assert idle.read_text() == f"{number}\n"


def test_weights_at_the_disks_where_the_scheduler_has_them(oci: Runtime) -> None:
    oci.create("exec sleep 1000", "box")
    weight = limit("blkio.bfq.weight")
    oci("update", "box", "--blkio-weight", "321")
    assert weight.read_text() == "321\n"


def test_an_error_is_one_line(oci: Runtime) -> None:
    done = oci("kill", "nobody", "TERM", check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "container does not exist" in done.stderr


def test_tables_and_lines_as_runc_writes_them(oci: Runtime) -> None:
    assert oci("list", "--format", "json").stdout == "null\n"
    pid = oci.create("exec sleep 1000")
    oci("start", "box")
    head, row = oci("list").stdout.splitlines()
    assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert row.split()[:4] == ["box", str(pid), "running", str(oci.bundle)]
    assert oci("list", "-f", "json").stdout.startswith('[{"ociVersion":"1.2.0","id":"box","pid":')
    head, row = oci("ps", "box").stdout.splitlines()
    assert head.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert row.split()[1] == str(pid) and row.endswith("sleep 1000")
    assert oci("ps", "box", "-e", "-o", "pid").stdout.split() == ["PID", str(pid)]
    assert oci("events", "--stats", "box").stdout.startswith('{"type":"stats","id":"box","data":{')


def test_a_container_that_has_ended_and_its_verbs(oci: Runtime) -> None:
    oci.run("exit 3", "--keep", check=False)
    name = f"one{oci.count}"
    assert oci.state(name)["status"] == "stopped" and "annotations" not in oci.state(name)
    refused = oci("kill", name, "0", check=False)
    assert refused.returncode == 1 and "container not running" in refused.stderr
    assert oci("kill", "--all", name, "0").returncode == 0
    assert len(oci("ps", name).stdout.splitlines()) == 1
    for words, said in (
        (("pause",), "container not running"), (("resume",), "container not paused"),
        (("start",), "cannot start a container that has stopped"),
    ):  # fmt: skip
        refused = oci(*words, name, check=False)
        assert refused.returncode == 1 and said in refused.stderr
    refused = oci("exec", name, "true", check=False)
    assert refused.returncode == 255 and "cannot exec in a stopped container" in refused.stderr


@pytest.mark.parametrize(("signal", "status"), [("TERM", "stopped"), ("INT", "stopped"), ("WINCH", "created")])
def test_a_signal_before_the_start(oci: Runtime, signal: str, status: str) -> None:
    oci.create("exec sleep 1000")
    oci("kill", "box", signal)
    for _ in range(100):
        if oci.state()["status"] == status:
            break
    assert oci.state()["status"] == status
    oci("delete", "--force", "box")


def test_a_kill_without_a_pid_namespace_takes_all(oci: Runtime) -> None:
    oci.linux["namespaces"] = [one for one in oci.linux["namespaces"] if one["type"] != "pid"]
    pid = oci.create("sleep 1000 & exec sleep 1000")
    oci("start", "box")
    procs = limit("pids.max").parent / "cgroup.procs"
    os.kill(pid, signal.SIGKILL)
    assert procs.read_text().split()  # the other one lives on
    oci("kill", "box", "KILL")
    oci("delete", "box")


def test_an_exec_adds_to_the_ambient_set_where_some_are_inheritable(oci: Runtime) -> None:
    oci.config["process"]["capabilities"] = {
        "bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
        "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN", "CAP_SYSLOG"], "ambient": ["CAP_CHOWN"],
    }  # fmt: skip
    oci.create("exec sleep 1000")
    for words, ambient in ((), 1 << 0), (("--cap", "CAP_SYSLOG"), 1 << 0 | 1 << 34):
        done = oci("exec", *words, "box", "grep", "CapAmb", "/proc/self/status")
        assert int(done.stdout.split()[1], 16) == ambient and not done.stderr
    done = oci("exec", "--cap", "CAP_NET_RAW", "box", "grep", "CapAmb", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) == 1
    assert "can't raise ambient capability CAP_NET_RAW: " in done.stderr


def test_of_a_variable_that_is_there_twice_the_last_counts(oci: Runtime) -> None:
    oci.config["process"]["env"] += ["MARK=one", "MARK=two", "HOME=/override", "HOME="]
    assert oci.run("echo $MARK $HOME; env | grep -c -e MARK= -e HOME=").stdout == "two /\n2\n"


def test_an_exec_in_a_cgroup_below(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    pids = limit("pids.max").parent
    (pids / "below").mkdir()
    where = "below" if (pids / "cgroup.controllers").exists() else "pids:below"
    done = oci("exec", "--cgroup", where, "box", "cat", "/proc/self/cgroup")
    assert done.stdout.count("/below\n") == 1
    for wrong, said in (
        ("..", "bad sub cgroup path"), ("none", "adding pid to cgroups"), ("no:/", "unknown controller"),
    ):  # fmt: skip
        refused = oci("exec", "--cgroup", wrong, "box", "true", check=False)
        assert refused.returncode == 255 and said in refused.stderr
    oci("exec", "--cgroup", "/", "box", "true")


def test_an_exec_as_another_user(oci: Runtime) -> None:
    oci.config["process"]["user"] = {"uid": 0, "gid": 7, "additionalGids": [8]}
    oci.create("exec sleep 1000")
    words = ("exec", "--user", "1000", "-g", "100", "--additional-gids", "200", "box")
    shown = oci(*words, "/bin/sh", "-c", "id -u; id -g; id -G; echo $HOME").stdout.split("\n")
    assert shown[:4] == ["1000", "7", "7 8 100 200", "/home/ann"]
    done = oci("exec", "--cap", "CAP_NONE", "box", "true")
    assert "ignoring unknown or unavailable capabilities: [CAP_NONE]" in done.stderr
    for option, value, said in (
        ("--user", "0:4294967295", "is not UID or UID:GID"), ("--additional-gids", "4294967295", "is no group id"),
        ("--cwd", "tmp", "is not an absolute path"), ("--env", "NAMELESS", "invalid environment variable"),
    ):  # fmt: skip
        refused = oci("exec", option, value, "box", "true", check=False)
        assert refused.returncode == 255 and said in refused.stderr


def test_an_exec_into_a_paused_container(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    oci("start", "box")
    oci("pause", "box")
    refused = oci("exec", "box", "true", check=False)
    assert refused.returncode == 255 and "cannot exec in a paused container" in refused.stderr
    import threading

    later = threading.Timer(0.3, lambda: oci("resume", "box"))
    later.start()
    try:
        assert oci("exec", "--ignore-paused", "box", "echo", "waited").stdout == "waited\n"
    finally:
        later.join()


def test_a_user_may_open_the_streams_once_more(oci: Runtime) -> None:
    oci.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    done = oci.run("echo out > /dev/stdout; echo err > /dev/stderr")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert os.stat("/dev/null").st_uid == 0  # the tests' standard input, and the host's


def test_a_descriptor_of_the_process_is_sent(oci: Runtime, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "s"))
        server.listen()
        server.settimeout(30)
        oci.create("exec sleep 1000", "box", "--pidfd-socket", tmp_path / "s")
        end, _ = server.accept()
        with end:
            data, fds, _, _ = socket.recv_fds(end, 100, 1)
    assert data == b"standard"
    signal.pidfd_send_signal(fds[0], signal.SIGKILL)
    os.close(fds[0])
    oci("delete", "--force", "box")


def test_none_of_our_own_descriptors_takes_the_place_of_one_that_is_not_open(
    oci: Runtime, tmp_path: Path
) -> None:
    """Not in `run`, nor in `exec`, which holds the lock of the record then; and it is said."""
    log = ["--log", tmp_path / "log", "--debug"]
    fds = "for fd in /proc/self/fd/*; do readlink $fd; done; true"
    oci.create("exec sleep 1000")
    with open("/dev/zero", "rb") as given:
        keep, more = ["--preserve-fds", "40"], {"pass_fds": [given.fileno()]}
        entered = oci(*log, "exec", *keep, "box", "sh", "-c", fds, **more)
        oci("delete", "--force", "box")
        oci.write(fds)
        done = oci(*log, "run", *keep, "--bundle", oci.bundle, "box", **more)
    for one in (entered, done):
        seen = [line for line in one.stdout.splitlines() if not line.startswith("pipe:")]
        assert sorted(seen) == ["/dev/null", "/dev/zero"]
        assert "descriptor 3, is not open: left out" in one.stderr


def test_the_log_and_debug(oci: Runtime, tmp_path: Path) -> None:
    log = tmp_path / "log"
    oci("--log", log, "--log-format", "json", "--debug", "list")
    line = json.loads(log.read_text())
    assert line["level"] == "debug" and log.read_text().startswith('{"level":"debug","msg":"')
    assert "level=debug" in oci("--debug", "list").stderr
    refused = oci("--log", tmp_path / "none/log", "list", check=False)
    assert refused.returncode == 1 and "none/log" in refused.stderr
    oci("--log", tmp_path / "new", "list")
    assert (tmp_path / "new").exists()


def test_what_is_no_container_is_not_listed_and_an_id_is_taken_once(oci: Runtime) -> None:
    oci.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    oci.create("exec sleep 1000")
    assert oci("list", "-q").stdout == "box\n"  # and not the filters' directory
    again = oci("create", "--bundle", oci.bundle, "box", check=False)
    assert again.returncode == 1 and "container with given ID already exists: box" in again.stderr
    assert oci.state()["status"] == "created"


def test_who_freezes_by_the_old_tree_is_seen(oci: Runtime) -> None:
    oci.create("exec sleep 1000")
    oci("start", "box")
    found = list(Path("/sys/fs/cgroup").glob(f"*/minidocker/box-{os.getpid()}/freezer.state"))
    if not found:
        pytest.skip("blocked: no tree of version 1 has the freezer here")
    found[0].write_text("FROZEN")
    assert wait_for(lambda: found[0].read_text() == "FROZEN\n")
    assert oci.state()["status"] == "paused"
    oci("resume", "box")
    assert oci.state()["status"] == "running" and found[0].read_text() == "THAWED\n"


def test_help_has_runcs_form(oci: Runtime) -> None:
    for words in (("--help",), ("list", "-h")):
        head, name, *_ = oci(*words).stdout.splitlines()
        assert head == "NAME:" and name.startswith("  minidocker oci")
    unknown = oci("nosuch", "-h", check=False)
    assert unknown.returncode == 1 and "No help topic for 'nosuch'" in unknown.stderr


def test_the_bundles_have_all_that_a_start_loads(oci: Runtime) -> None:
    from minidocker.make import bundle
    from tests.conftest import REPOSITORY

    oci.linux["cgroupsPath"] = f"/minidocker/of-{os.getpid()}"
    oci.write("exec sleep 1000")
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from minidocker.__main__ import runtime_only; runtime_only()"
    calls = (
        ("create", "create", "--bundle", str(oci.bundle), "box"), ("exec", "exec", "box", "true"),
        ("start", "start", "box"), ("delete", "kill", "box", "0"), ("delete", "delete", "--force", "box"),
    )  # fmt: skip
    for kind, *words in calls:
        said = oci.directory / f"{words[0]}.said"
        argv = [sys.executable, "-IS", "-X", "importtime", "-c", code, "--root", str(oci.root), *words]
        with open(said, "w") as out:
            assert not subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode
        loaded = {line.split("|")[-1].strip() for line in said.read_text().splitlines() if "|" in line}
        own = {name for name in loaded if name.split(".")[0] == "minidocker"}
        assert own <= set(bundle.in_order(str(REPOSITORY), bundle.KINDS[kind])), words
