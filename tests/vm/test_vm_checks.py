"""What the course teaches, for real, on the lab machine's own kernel."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pexpect
import pytest

from minidocker.escapes import catalogue, ladder
from minidocker.vm.check_machine import VirtualMachine


@pytest.fixture(scope="module", autouse=True)
def beside(newer: object) -> None:
    """The other machine judges while this one is tried: each keeps one processor busy."""


def prompt(vm: VirtualMachine, *words: str) -> Any:
    """A shell in a container, through a terminal, at its first prompt."""
    # wide, so that the shell's line editor breaks no line that we type
    session = vm.spawn(["minidocker", "run", "-it", "--rm", *words, "base", "sh"],
                       dimensions=(50, 400))  # fmt: skip
    session.expect("# ")
    return session


def ask(session: Any, line: str) -> str:
    """Type a line at the container's shell and return what it says."""
    session.sendline(f"{line}; echo :$?:")
    session.expect(r":(\d+):\r?\n")
    return session.before.rpartition("echo :$?:")[2].replace("\r", "").strip()


def test_the_machine_is_what_the_course_wants(vm: VirtualMachine) -> None:
    assert vm.read("/etc/minidocker-lab")
    controllers = vm.read("/sys/fs/cgroup/cgroup.subtree_control").split()
    assert {"cpu", "cpuset", "io", "memory", "pids"} <= set(controllers)
    assert "cgroup2" in vm.run(["stat", "-fc", "%T", "/sys/fs/cgroup"])
    assert "running" in vm.run(["systemctl", "is-system-running"])


def test_nothing_outside_can_be_reached_from_it(vm: VirtualMachine) -> None:
    for address in ("10.0.2.2", "1.1.1.1"):
        with pytest.raises(subprocess.CalledProcessError):
            vm.run(["timeout", "8", "bash", "-c", f"exec 3<>/dev/tcp/{address}/22"])


def test_a_container_by_hand(vm: VirtualMachine) -> None:
    before = vm.facts()
    session = prompt(vm)
    assert ask(session, "echo $$") == "1"
    assert ask(session, "hostname") != before["hostname"]
    inside = ask(session, "readlink /proc/self/ns/pid")
    assert inside.startswith("pid:[") and inside not in before["namespaces"]
    session.sendline("exit 7")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 7
    assert vm.facts() == before


def test_read_and_put(vm: VirtualMachine) -> None:
    text = "two\nlines 'quoted' \\ ☃\n"
    vm.put("/tmp/a b/c.txt", text, 0o600)
    assert vm.read("/tmp/a b/c.txt") == text
    assert vm.run(["stat", "-c", "%a", "/tmp/a b/c.txt"]) == "600\n"


# --- cgroups, seen from outside -----------------------------------------------------------


def cgroup_of(vm: VirtualMachine, name: str) -> str:
    """The directory of a running container's cgroup, asked of the kernel."""
    record = f"/var/lib/minidocker/containers/names/{name}/record.json"
    script = f"import json; print(json.load(open({record!r}))['pid'])"
    pid = vm.run(["python3", "-c", script]).strip()
    path = vm.read(f"/proc/{pid}/cgroup").strip().partition("::")[2]
    return f"/sys/fs/cgroup{path}"


def numbers(text: str) -> dict[str, int]:
    """The rows of a flat keyed file such as memory.events."""
    return {key: int(value) for key, value in (row.split() for row in text.splitlines())}


def test_the_kernel_kills_for_memory_and_says_so(vm: VirtualMachine) -> None:
    session = prompt(vm, "--name", "oom", "-m", "32m")
    path = cgroup_of(vm, "oom")
    assert vm.read(f"{path}/memory.max").strip() == str(32 << 20)
    assert numbers(vm.read(f"{path}/memory.events"))["oom_kill"] == 0
    assert "Killed" in ask(session, "tail /dev/zero")
    assert numbers(vm.read(f"{path}/memory.events"))["oom_kill"] == 1
    session.sendline("exit")
    session.expect(pexpect.EOF)


def test_the_processor_is_throttled(vm: VirtualMachine) -> None:
    session = prompt(vm, "--name", "cpu", "--cpus", "0.2")
    path = cgroup_of(vm, "cpu")
    assert vm.read(f"{path}/cpu.max").split() == ["20000", "100000"]
    first = numbers(vm.read(f"{path}/cpu.stat"))["nr_throttled"]
    ask(session, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
    last = numbers(vm.read(f"{path}/cpu.stat"))
    assert last["nr_throttled"] > first
    assert last["throttled_usec"] > 0
    session.sendline("exit")
    session.expect(pexpect.EOF)


def test_a_fork_bomb_is_stopped(vm: VirtualMachine) -> None:
    session = prompt(vm, "--name", "bomb", "--pids-limit", "20")
    path = cgroup_of(vm, "bomb")
    session.sendline("b() { b | b & }; b")
    session.expect("can't fork")
    assert numbers(vm.read(f"{path}/pids.events"))["max"] > 0
    assert int(vm.read(f"{path}/pids.current")) <= 20
    assert vm.run(["echo", "the machine answers"])
    vm.run(["sh", "-c", f"echo 1 > {path}/cgroup.kill"])
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 137


def test_freeze_stops_the_clock_of_a_container(vm: VirtualMachine) -> None:
    session = prompt(vm, "--name", "ice")
    path = cgroup_of(vm, "ice")
    vm.run(["sh", "-c", f"echo 1 > {path}/cgroup.freeze"])
    session.sendline("echo it is $((6*7))")
    with pytest.raises(pexpect.TIMEOUT):
        session.expect("it is 42", timeout=3)
    assert numbers(vm.read(f"{path}/cgroup.events"))["frozen"] == 1
    vm.run(["sh", "-c", f"echo 0 > {path}/cgroup.freeze"])
    session.expect("it is 42")
    session.sendline("exit")
    session.expect(pexpect.EOF)


def test_writing_to_the_disk_is_slowed_down(vm: VirtualMachine) -> None:
    """io.max counts what reaches the device: 4 MB at 1 MB/s take some four seconds."""
    script = (
        "set -e; cd /sys/fs/cgroup/minidocker; mkdir io-test; "
        "trap 'rmdir /sys/fs/cgroup/minidocker/io-test' EXIT; "
        "echo $(cat /sys/block/vda/dev) wbps=1048576 > io-test/io.max; "
        "a=$(date +%s%N); "
        "sh -c 'echo $$ > /sys/fs/cgroup/minidocker/io-test/cgroup.procs; "
        "exec dd if=/dev/zero of=/var/tmp/io-test bs=256k count=16 oflag=direct' 2>/dev/null; "
        "b=$(date +%s%N); rm /var/tmp/io-test; echo $(((b-a)/1000000))"
    )
    vm.run(["minidocker", "run", "--rm", "base", "true"])  # makes the parent directory
    vm.run(["sh", "-c", "echo +io > /sys/fs/cgroup/minidocker/cgroup.subtree_control"])
    assert int(vm.run(["sh", "-c", script])) > 2000


def test_a_cgroup_can_be_given_to_an_ordinary_user(vm: VirtualMachine) -> None:
    vm.run(["minidocker", "run", "--rm", "base", "true"])
    parent = "/sys/fs/cgroup/minidocker/gift"
    give = (
        f"set -e; mkdir -p {parent}; chown learner {parent} {parent}/cgroup.procs "
        f"{parent}/cgroup.subtree_control; echo $$ > {parent}/cgroup.procs; "
        f"exec su learner -c 'mkdir {parent}/mine && echo $$ > {parent}/mine/cgroup.procs && "
        f"cat /proc/self/cgroup; cat {parent}/mine/cgroup.type; echo 5 > {parent}/pids.max'"
    )
    done = vm.run(["sh", "-c", f"sh -c {shlex.quote(give)} 2>&1; true"])
    assert "/minidocker/gift/mine" in done
    assert "Permission denied" in done  # the limit on the gift itself stays the giver's
    vm.run(["sh", "-c", f"sleep 0.2; rmdir {parent}/mine {parent}"])


def as_learner(vm: VirtualMachine, *argv: str, delegate: bool = False) -> str:
    """Run a service of the user learner: what it said, and "status N"."""
    options = ["--quiet", "--uid=learner", "--pipe", "--wait", "--collect",
               "--setenv=HOME=/home/learner", f"--property=Delegate={delegate}"]  # fmt: skip
    line = shlex.join(["systemd-run", *options, *argv])
    return vm.run(["sh", "-c", f"{line} 2>&1; echo status $?"])


def test_an_ordinary_user_limits_a_container_by_delegation(vm: VirtualMachine) -> None:
    assert "status 0" in as_learner(vm, "minidocker", "image", "build-base")
    limited = ["minidocker", "run", "--rm", "-m", "32m", "--pids-limit", "9", "base"]
    show = "cd /sys/fs/cgroup; cat memory.max pids.max; grep -c . cgroup.procs; tail /dev/zero"
    said = as_learner(vm, *limited, "sh", "-c", show, delegate=True).split()
    assert said[:3] == [str(32 << 20), "9", "2"], said
    assert said[-2:] == ["status", "137"]  # out of its own memory, and nobody else's
    for argv, delegate in ((limited, False), (["sh", "-c", f"{shlex.join(limited)} true; exit $?"], True)):
        without = as_learner(vm, *argv, "true", delegate=delegate)
        assert "a cgroup that is yours" in without and "Delegate=yes" in without
        assert "status 125" in without


def test_limits_work_in_a_room(vm: VirtualMachine) -> None:
    """Root's room has a cgroup; a user's where systemd gives one, with a JupyterLab beside it, too."""
    room = shlex.join(["minidocker", "room", "minidocker", "run", "--rm", "-m", "32m", "base",
                       "cat", "/sys/fs/cgroup/memory.max"])  # fmt: skip
    lab = "from minidocker.lab import jupyter; jupyter.divide_cgroup()"
    divide = f"env PYTHONPATH=/minidocker /opt/minidocker/bin/python -c {shlex.quote(lab)}"
    assert vm.run(["sh", "-c", f"{room} 2>&1"]).split() == [str(32 << 20)]
    for line in (f"exec {room}", f"{divide}; {room}; exit $?"):
        said = as_learner(vm, "sh", "-c", line, delegate=True)
        assert said.split() == [str(32 << 20), "status", "0"], said
    without = as_learner(vm, "sh", "-c", f"{room}; exit $?", delegate=True)
    assert "this room has not that" in without and "Delegate=yes" in without
    assert vm.run(["find", "/sys/fs/cgroup", "-name", "minidocker.grade.*"]).strip() == ""


def test_an_ordinary_user_publishes_a_port(vm: VirtualMachine) -> None:
    """The path of a stock Debian: subordinate ids, /dev/net/tun for everybody, slirp4netns."""
    assert "status 0" in as_learner(vm, "minidocker", "image", "build-base")
    serve = "trap exit TERM; while :; do echo hello from $(id -u) | nc -l -p 80; done"
    options = ["--quiet", "--uid=learner", "--collect", "--unit=published",
               "--setenv=HOME=/home/learner"]  # fmt: skip
    vm.run(["systemd-run", *options, "minidocker", "run", "--rm", "-p", "8080:80", "base",
            "sh", "-c", serve])  # fmt: skip
    ask = "import socket; print(socket.create_connection(('127.0.0.1', 8080), 5).recv(99).decode())"
    said = vm.run(["sh", "-c", f"for n in $(seq 40); do python3 -c {shlex.quote(ask)} 2>&1 | "
                   "grep hello && exit; sleep 0.5; done; systemctl status published"])  # fmt: skip
    assert said.strip() == "hello from 0"
    vm.run(["systemctl", "stop", "published"])
    assert vm.run(["sh", "-c", "pgrep slirp4netns || echo none"]).strip() == "none"


# --- the whole of it ------------------------------------------------------------------------


@pytest.mark.more
def test_the_ratio_to_runc(vm: VirtualMachine, figure: Callable[[str], None]) -> None:
    """Both put the process into a cgroup of version 2 here; the bench is not timed, but told."""
    words = ["minidocker", "bench", "--quick", "--only", "start", "--json"]
    told = json.loads(vm.run(words))
    rows = {row["name"]: row for row in told["sections"]["start"]["rows"]}
    figure(f"start to exit of true, milliseconds: {rows['minidocker']['wall_ms']:.0f}, "
           f"runc {rows['runc']['wall_ms']:.0f}, ratio {rows['runc']['ratio']:.2f}")  # fmt: skip
    assert rows["runc"]["ratio"] > 0


@pytest.mark.more
def test_a_soak_of_the_engine_in_the_machine(vm: VirtualMachine) -> None:
    """Containers and our own processes killed by chance, where cgroup version 2 is whole."""
    vm.patience = max(vm.patience, 40)
    said = vm.run(["env", "MINIDOCKER_SOAK=20", "python", "-m", "pytest", "-p", "no:cacheprovider",
                   "-q", "tests/cli/test_soak.py"])  # fmt: skip
    assert "1 passed" in said


@pytest.mark.more
def test_every_escape_in_the_machine(vm: VirtualMachine, figure: Callable[[str], None]) -> None:
    """Some twelve minutes under emulation; what a machine alone can show is in the next test."""
    vm.patience = max(vm.patience, 40)
    told = json.loads(vm.run(["minidocker", "escapes", "--json", "--no-podman"]))
    for one in told["escapes"]:
        figure(f"{one['name']:20} {one['verdict']:28} {one['by'] or one['why']}")
    assert not [one["name"] for one in told["escapes"] if one["verdict"] == ladder.WORKS]


def test_escapes_that_need_a_machine_to_lose(
    vm: VirtualMachine, figure: Callable[[str], None]
) -> None:
    """Two of those that would touch the whole machine; `make test-more` tries every one there."""
    names = [escape.name for escape in catalogue.ESCAPES if escape.needs][::2]
    words = [word for name in names for word in ("--only", name)]
    told = json.loads(vm.run(["minidocker", "escapes", "--json", "--no-podman", *words]))
    for one in told["escapes"]:
        figure(f"{one['name']:20} {one['verdict']:28} {one['by'] or one['why']}")
    assert {one["name"]: one["verdict"] for one in told["escapes"]} == dict.fromkeys(
        names, ladder.STOPPED
    )
