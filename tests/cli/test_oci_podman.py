"""Podman with our runtime and with runc: the same words give the same output and exit status."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "busybox")
PROGRAMS = ("podman", "runc", "conmon")
LIMITS = """[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]
log_driver = "k8s-file"
netns = "none"
apparmor_profile = "unconfined"
label = false
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Call Podman over places of the tests' own: podman("ours" or "runc", words)."""
    for program in PROGRAMS:
        if not shutil.which(program):
            pytest.skip(f"blocked: {program} is not here (sudo apt-get install podman runc)")
    base = tmp_path_factory.mktemp("podman")
    before = parents()
    (base / "containers.conf").write_text(LIMITS)
    ours = base / "minidocker-runtime"
    ours.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPOSITORY))} exec {shlex.quote(sys.executable)} "
        "-c 'import sys; from minidocker.__main__ import runtime; sys.exit(runtime())' "
        f"--root {shlex.quote(str(base / 'state'))} \"$@\"\n"
    )
    ours.chmod(0o755)
    runtimes = {"ours": str(ours), "runc": shutil.which("runc") or "runc"}
    places = [f"--{name}={base / name}" for name in ("root", "runroot", "tmpdir")]

    def call(runtime: str, *words: str, data: str = "") -> tuple[int, str, str]:
        argv = ["podman", *places, "--storage-driver=vfs", f"--runtime={runtimes[runtime]}", *words]
        env = {**os.environ, "CONTAINERS_CONF": str(base / "containers.conf")}
        done = subprocess.run(argv, env=env, input=data, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    tree = base / "tree"
    (tree / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "bin/busybox")
    for name in ("sh", "echo", "cat", "id", "env", "grep", "sleep", "tty", "ls", "hostname"):
        (tree / "bin" / name).symlink_to("busybox")
    subprocess.run(["tar", "-C", tree, "-cf", base / "image.tar", "."], check=True)
    status, _, said = call("runc", "import", str(base / "image.tar"), "bb")
    if not status:
        status, _, said = call("runc", "run", "--rm", "bb", "echo", "hello")
    try:
        if status:
            pytest.skip(f"blocked: Podman with runc does not run here: {said.strip()}")
        yield call
    finally:
        call("runc", "rm", "--all", "--force", "--time=0")
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(str(base)):
                subprocess.run(["umount", "-l", line.split()[1]], check=False)
        for path in parents() - before:
            with contextlib.suppress(OSError):  # another Podman of this machine is in it
                for below, _, _ in os.walk(path, topdown=False):  # Podman leaves it
                    os.rmdir(below)
        assert not [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(base) in line]


def parents() -> set[Path]:
    return {path for path in Path("/sys/fs/cgroup").glob("**/libpod_parent") if path.is_dir()}


ROWS = "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status"
RUNS = {
    "output and status": "run --rm bb sh -c 'echo out; exit 7'",
    "a missing program": "run --rm bb nosuch",
    "a directory": "run --rm bb /etc",
    "rights": f"run --rm bb sh -c \"{ROWS}; id\"",
    "a user": f"run --rm --cap-add NET_RAW -u 1000:5 bb sh -c \"{ROWS}; id\"",
    "no filter, all rights": f"run --rm --privileged bb sh -c \"{ROWS}\"",
    "a read-only root": "run --rm --read-only --tmpfs /etc bb sh -c 'echo x > /x; ls -ld /etc | cut -c1-10'",
    "limits": "run --rm -m 6m --pids-limit 9 bb sh -c 'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max'",
    "names and settings": "run --rm --hostname hh --sysctl kernel.shm_rmid_forced=1 -e A=1 bb sh -c 'hostname; echo $A; cat /proc/sys/kernel/shm_rmid_forced'",
    "id maps": "run --rm --uidmap 0:100000:99 --gidmap 0:100000:99 bb sh -c 'id; cat /proc/self/uid_map'",
    "a terminal": "run --rm -t bb tty",
}  # fmt: skip


SMOKE = ("output and status", "a missing program", "rights")


@pytest.mark.parametrize(
    "name", [n if n in SMOKE else pytest.param(n, marks=pytest.mark.more) for n in RUNS]
)
def test_a_run_is_the_same_with_both(podman: Call, name: str) -> None:
    words = shlex.split(RUNS[name])
    ours, theirs = podman("ours", *words), podman("runc", *words)
    assert ours[:2] == theirs[:2], ours[2] + theirs[2]
    assert bool(ours[2]) == bool(theirs[2])


def test_a_life_is_the_same_with_both(podman: Call) -> None:
    assert life(podman, "ours") == life(podman, "runc")


def life(podman: Call, runtime: str) -> list[tuple[int, str]]:
    """A container's life; what each word gave."""
    script = "echo out; trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done"
    status, _, said = podman(runtime, "run", "-d", "--name", "one", "bb", "sh", "-c", script)
    assert status == 0, said
    seen = [podman(runtime, *words) for words in (
        ("exec", "one", "sh", "-c", f"{ROWS}; id; exit 5"),
        ("exec", "-u", "1000", "-e", "A=b", "one", "sh", "-c", "id; echo $A"),
        ("exec", "one", "nosuch"), ("exec", "one", "/etc"),
        ("run", "--rm", "--network", "container:one", "--pid", "container:one", "bb", "sh", "-c",
         "grep -c . /proc/net/dev; ls -d /proc/1"),
        ("pause", "one"), ("inspect", "--format", "{{.State.Status}}", "one"), ("unpause", "one"),
        ("rm", "one"), ("stop", "one"), ("logs", "one"), ("wait", "one"),
        ("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "one"), ("rm", "one"),
    )]  # fmt: skip
    seen.append(podman(runtime, "run", "-i", "--rm", "bb", "cat", data="given"))
    status, _, _ = podman(runtime, "run", "-d", "--name", "two", "bb", "sleep", "1000")
    seen += [podman(runtime, *words) for words in (("kill", "two"), ("wait", "two"), ("rm", "two"))]
    return [(status, "" if "rm" in said else said) for status, said, _ in seen]
