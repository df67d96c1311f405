"""The words that look at containers and change their names, on a real one that runs and one that ended."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")


@pytest.fixture(scope="module")
def pair(command: list[str], shared_store: Path) -> Iterator[tuple[str, str]]:
    """The names of a container that runs until the end of these tests, and of one that has ended."""
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    runs, ended = (f"{word}-{uuid.uuid4().hex[:8]}" for word in ("runs", "ended"))
    argv = [*command, "run", "--network", "none"]
    words = [
        "--name",
        ended,
        "-e",
        "X=1",
        "-l",
        "shop=open",
        "base",
        "sh",
        "-c",
        "echo hi > /x; exit 7",
    ]
    subprocess.run([*argv, *words], env=env, check=False, stdin=subprocess.DEVNULL)
    words = ["--name", runs, "-v", "notes:/data:ro", "--hostname", "door", "base", "sh", "-c"]
    words += ["echo ready; mkdir /deep; ln -s / /deep/top; exec sleep 1000"]
    with subprocess.Popen(
        [*argv, *words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield runs, ended
        stop = subprocess.run([*command, "stop", "-t", "0", runs], env=env, capture_output=True)
        if stop.returncode:  # a test has left it under another name
            process.kill()
    subprocess.run([*command, "rm", "-v", runs, ended], env=env, check=True, capture_output=True)
    subprocess.run([*command, "volume", "rm", "notes"], env=env, check=True, capture_output=True)


def test_ps_shows_docker_s_columns(minidocker: Callable, pair: tuple[str, str]) -> None:
    runs, ended = pair
    head, *lines = minidocker("ps").stdout.splitlines()
    assert head.split("  ")[0] == "CONTAINER ID" and head.split()[2:] == [
        "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]  # fmt: skip
    mine = next(line for line in lines if runs in line)
    assert " Up " in mine and ended not in "".join(lines)
    told = json.loads(minidocker("ps", "-a", "--format", "json", "-f", f"name={ended}").stdout)
    assert told["State"] == "exited" and told["Status"].startswith("Exited (7) ")
    assert "shop=open" in told["Labels"] and told["Names"] == ended
    said = minidocker("ps", "-as", "--format", "{{.Names}} {{.Size}}", "-f", "exited=7").stdout
    assert f"{ended} 3B (virtual " in said
    assert minidocker("ps", "-q", "-l").stdout.strip() == mine.split()[0]


def test_ps_says_what_it_cannot_do(minidocker: Callable) -> None:
    for words, said, status in (
        (["-n", "two"], "(Docker says: invalid argument \"two\" for \"-n, --last\" flag: ", 125),
        (["--filter", "x=y"], "(Docker says: invalid filter 'x')", 1),
        (["--format", "{{.Names"], "unclosed action", 64),
        (["-a", "--format", "{{.Nope}}"], 'map has no entry for key "Nope"', 1),
    ):
        done = minidocker("ps", *words)
        assert said in done.stderr and done.returncode == status, done.stderr


def test_inspect_uses_docker_s_names(minidocker: Callable, pair: tuple[str, str]) -> None:
    runs, ended = pair
    [told] = json.loads(minidocker("inspect", "-s", ended).stdout)
    assert told["Name"] == f"/{ended}" and told["Path"] == "sh" and told["Args"][0] == "-c"
    assert told["State"]["Status"] == "exited" and told["State"]["ExitCode"] == 7
    assert told["State"]["StartedAt"][:2] == told["State"]["FinishedAt"][:2] == "20"
    assert "X=1" in told["Config"]["Env"] and told["Config"]["Labels"]["shop"] == "open"
    assert told["HostConfig"]["NetworkMode"] == "none" and told["SizeRw"] == 3
    assert os.path.isdir(told["GraphDriver"]["Data"]["UpperDir"])
    image = minidocker("inspect", "--type", "image", "-f", "{{.Id}}", "base").stdout.strip()
    assert told["Image"] == image
    said = "{{.State.Pid}} {{.State.Running}} {{.Config.Hostname}} {{range .Mounts}}{{.Name}}:{{.RW}}{{end}}"
    pid, *rest = minidocker("inspect", "-f", said, runs).stdout.split()
    assert rest == ["true", "door", "notes:false"]
    assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def test_inspect_of_each_kind_and_of_nothing(minidocker: Callable, pair: tuple[str, str]) -> None:
    done = minidocker("inspect", "-f", "{{json .Driver}}", "bridge", "notes")
    assert done.stdout == '"bridge"\n"local"\n', done.stderr
    done = minidocker("inspect", "nothing-of-this-name")
    assert (done.stdout, done.returncode) == ("[]\n", 1)
    assert "(Docker says: Error: No such object: nothing-of-this-name)" in done.stderr
    done = minidocker("inspect", "--format", "{{.Name}}", "nothing-of-this-name", pair[0])
    assert (done.stdout, done.returncode) == (f"/{pair[0]}\n", 1)
    done = minidocker("inspect", "--type", "volume", pair[0])
    assert done.returncode == 1 and "no such volume" in done.stderr
    assert minidocker("inspect", "--type", "x", "y").returncode == 1
    assert minidocker("inspect", "-f", "{{.", pair[0]).returncode == 64
    assert json.loads(minidocker("image", "inspect", "--format", "json", "base").stdout)[0]["Id"]
    assert minidocker("volume", "ls", "--format", "{{.Name}} {{.Links}}").stdout == "notes 1\n"
    assert minidocker("network", "ls", "--format", "json").stdout.startswith('{"Bridge":')


def test_a_new_name_counts_at_once_and_the_old_one_is_free(
    minidocker: Callable, pair: tuple[str, str], shared_store: Path, host_unchanged: None
) -> None:
    links = shared_store / "containers/names"
    for name in pair:
        assert minidocker("rename", name, f"{name}.new").returncode == 0
        assert f"{name}.new" in minidocker("ps", "-a", "--format", "{{.Names}}").stdout.split()
        assert minidocker("inspect", "--type", "container", name).returncode == 1
        assert minidocker("inspect", "-f", "{{.Name}}", f"{name}.new").stdout == f"/{name}.new\n"
        assert not os.path.lexists(links / name) and (links / f"{name}.new").exists()
        done = minidocker("rename", f"{name}.new", f"/{name}.new")
        assert done.returncode == 1 and "with the same name as its current name" in done.stderr
    taken = minidocker("rename", f"{pair[0]}.new", f"{pair[1]}.new")
    assert taken.returncode == 1 and "Conflict. The container name" in taken.stderr
    assert "Invalid container name (a b)" in minidocker("rename", f"{pair[0]}.new", "a b").stderr
    # what a rename that was killed has claimed is its own: the next one takes it
    (links / pair[0]).symlink_to(os.readlink(links / f"{pair[0]}.new"))
    for name in pair:
        assert minidocker("rename", f"{name}.new", name).returncode == 0
    assert minidocker("ps", "-q", "--filter", f"name=^/{pair[0]}$").stdout


def test_a_name_given_while_it_runs_outlives_the_end_of_the_command(
    minidocker: Callable, command: list[str], shared_store: Path, host_unchanged: None
) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    words = ["run", "-i", "--network", "none", "--name", "first", "base", "sh", "-c"]
    with subprocess.Popen(
        [*command, *words, "echo on; read x"], env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout and process.stdin and process.stdout.readline() == "on\n"
        assert minidocker("rename", "first", "second").returncode == 0
        process.stdin.close()
    assert minidocker("inspect", "-f", "{{.State.Status}}", "second").stdout == "exited\n"
    assert (
        minidocker("run", "--rm", "--network", "none", "--name", "first", "base", "true").returncode
        == 0
    )
    assert minidocker("rm", "second").returncode == 0
    assert not {"first", "second"} & set(os.listdir(shared_store / "containers/names"))


def test_top_shows_the_host_s_numbers(
    minidocker: Callable, pair: tuple[str, str], command: list[str], shared_store: Path
) -> None:
    runs, ended = pair
    pid = minidocker("inspect", "-f", "{{.State.Pid}}", runs).stdout.strip()
    head, line = minidocker("top", runs).stdout.splitlines()
    assert head.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert line.split()[:2] == ["root", pid] and line.endswith("sleep 1000")
    assert minidocker("top", runs, "-o", "pid,comm").stdout.split() == [
        "PID",
        "COMMAND",
        pid,
        "sleep",
    ]
    words = [*command, "top", runs, "-o", "pid,comm"]  # whose caller has a terminal
    seen = pexpect.run(shlex.join(words), env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)})
    assert seen.split() == [b"PID", b"COMMAND", pid.encode(), b"sleep"]
    for words, said, status in (
        ([runs, "-o", "comm"], "Couldn't find PID field in ps output", 1),
        ([runs, "--no-such"], "Error running ps", 1), ([ended], "is not running", 1), ([], "required", 1),
    ):  # fmt: skip
        done = minidocker("top", *words)
        assert said in done.stderr and done.returncode == status, done.stderr


def test_version_and_info_under_docker_s_names(minidocker: Callable, pair: tuple[str, str]) -> None:
    from minidocker import __version__

    assert minidocker("version", "--format", "{{.Server.Version}}").stdout == f"{__version__}\n"
    assert "none: nothing runs" in minidocker("version").stdout
    assert json.loads(minidocker("version", "-f", "json").stdout)["Client"]["Os"] == "linux"
    found = json.loads(minidocker("info", "--format", "json").stdout)
    assert found["Containers"] == found["ContainersRunning"] + found["ContainersStopped"] >= 2
    assert minidocker("info", "-f", "{{.ContainersRunning}} {{.Driver}}").stdout == "1 overlay2\n"
    assert "Root Dir: " in minidocker("info").stdout
    assert minidocker("info", "-f", "{{.Nope}}").returncode == 1


def test_port_of_what_is_no_port(minidocker: Callable, pair: tuple[str, str]) -> None:
    assert "invalid port 'x'" in minidocker("port", pair[0], "x").stderr
    done = minidocker("port", pair[0], "80")
    assert done.returncode == 1 and "no public port '80/tcp' published" in done.stderr


def test_events_tell_a_life_from_its_start_to_its_end(minidocker: Callable) -> None:
    name = f"told-{uuid.uuid4().hex[:8]}"
    minidocker(
        "run", "-d", "--network", "none", "--name", name, "base", "sh", "-c", "exec sleep 1000"
    )
    minidocker("kill", "-s", "CONT", name)
    minidocker("stop", "-t", "0", name)
    minidocker("rename", name, f"{name}.old")
    minidocker("rm", f"{name}.old")
    asked = ["events", "--since", "1h", "--until", "0s"]
    form = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}"
    lines = minidocker(*asked, "--format", form).stdout.splitlines()
    told = [line.replace(" <no value>", "") for line in lines if name in line]
    assert told == [
        f"create {name}", f"start {name}", f"kill {name}", f"kill {name}", f"die {name} 137",
        f"stop {name}", f"rename {name}.old", f"destroy {name}.old",
    ]  # fmt: skip
    assert (
        f"(image=base, name={name}, org.opencontainers"
        in minidocker(*asked, "-f", "event=stop").stdout
    )
    name = f"once-{uuid.uuid4().hex[:8]}"
    minidocker("run", "--rm", "--network", "none", "--name", name, "base", "sh", "-c", "exit 3")
    said = minidocker(*asked, "-f", f"container={name}", "--format", "{{.Action}}").stdout.split()
    assert said == ["create", "start", "die", "destroy"]
    assert minidocker("events", "--since", "x").returncode == 1


def test_limits_change_while_it_runs_or_one_sentence_says_why_not(
    minidocker: Callable, pair: tuple[str, str]
) -> None:
    done = minidocker("update", "--pids-limit", "50", "-m", "64m", pair[0])
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        assert done.stdout == f"{pair[0]}\n", done.stderr
        said = minidocker(
            "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}", pair[0]
        )
        assert said.stdout == f"{64 << 20} 50\n"
        [path] = Path("/sys/fs/cgroup/minidocker").glob(
            f"{minidocker('ps', '-lq').stdout.strip()}*"
        )
        assert (path / "pids.max").read_text() == "50\n"
    else:
        assert done.returncode == 1 and "no cgroup of its own" in done.stderr
    assert minidocker("update", "-m", "64m", pair[1]).stdout == f"{pair[1]}\n"
    asked = ["-f", "{{.HostConfig.Memory}}", pair[1]]
    assert minidocker("inspect", *asked).stdout == f"{64 << 20}\n"
    assert minidocker("update", pair[0]).returncode == 1


def test_the_long_way_to_say_it(minidocker: Callable, pair: tuple[str, str]) -> None:
    assert pair[0] in minidocker("container", "ls", "--format", "{{.Names}}").stdout
    done = minidocker("container", "inspect", "-f", "{{.Id}}", pair[1], "base")
    assert done.returncode == 1 and "there is no container base" in done.stderr
    done = minidocker("container", "fly")
    assert done.returncode == 1 and "minidocker container --help" in done.stderr
    assert "(Docker says: unknown command: docker container fly)" in done.stderr
    done = minidocker("container")
    assert (done.returncode, done.stdout) == (0, "") and "as minidocker ps -a" in done.stderr
    assert "as minidocker ps -a" in minidocker("container", "--help").stdout
