"""containerd's ctr with our runtime and with runc: the same words give the same output and status."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "busybox")
IMAGE = "docker.io/library/bb:latest"
CONFIG = """version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{0}/c"
[ttrpc]
  address = "{0}/t"
"""
Call = Callable[..., tuple[int, str, str]]


def packed(base: Path) -> Path:
    """Pack an image of busybox alone, as `docker save` does."""
    tree = base / "tree/bin"
    tree.mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "busybox")
    for name in ("sh", "echo", "cat", "grep", "sleep", "ps", "id"):
        (tree / name).symlink_to("busybox")
    subprocess.run(["tar", "-C", base / "tree", "-cf", base / "layer.tar", "."], check=True)
    layer = (base / "layer.tar").read_bytes()
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, ""),
        "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }).encode()  # fmt: skip
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(base / "image.tar", "w") as tar:
        for member, data in (("layer.tar", layer), (name, config), ("manifest.json", manifest)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return base / "image.tar"


@pytest.fixture(scope="module")
def ctr() -> Iterator[Call]:
    """Call ctr over a containerd of the tests' own: ctr(words)."""
    for program in ("containerd", "ctr", "runc"):
        if not shutil.which(program):
            pytest.skip(f"blocked: {program} is not here (sudo apt-get install containerd runc)")
    shims = Path("/run/containerd")  # where their sockets are, whatever the configuration says
    had_shims = shims.exists()
    base = Path(tempfile.mkdtemp(prefix="md-ctr-", dir="/tmp"))  # a socket's path is short
    (base / "config.toml").write_text(CONFIG.format(base))
    log = open(base / "log", "w")
    daemon = subprocess.Popen(["containerd", "-c", base / "config.toml"], stdout=log, stderr=log)

    def call(*words: str) -> tuple[int, str, str]:
        argv = ["ctr", "-a", str(base / "c"), *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    try:
        for _ in range(200):
            if (base / "c").exists() and not call("version")[0]:
                break
            time.sleep(0.1)
        if said := call("images", "import", str(packed(base)))[2]:
            pytest.skip(f"blocked: containerd does not run here: {said.strip()}")
        ours = base / "minidocker-runtime"
        ours.write_text(
            f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPOSITORY))} exec {shlex.quote(sys.executable)} "
            '-c \'import sys; from minidocker.__main__ import runtime; sys.exit(runtime())\' "$@"\n'
        )
        ours.chmod(0o755)
        call.runtimes = {"ours": str(ours), "runc": "runc"}  # type: ignore[attr-defined]
        call.root = str(base / "runtime")  # type: ignore[attr-defined]
        yield call
    finally:
        daemon.terminate()
        daemon.wait(30)
        log.close()
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{base}/"):
                subprocess.run(["umount", "-l", line.split()[1]], check=False)
        for path in Path("/sys/fs/cgroup").glob(f"**/md-ctr-{os.getpid()}"):
            with contextlib.suppress(OSError):
                path.rmdir()
        shutil.rmtree(base)
        if not had_shims:
            shutil.rmtree(shims, ignore_errors=True)


def whole_life(ctr: Call, runtime: str) -> list[object]:
    """Use a runtime as ctr does; return what could be seen."""
    seen: list[object] = []
    parent = f"/md-ctr-{os.getpid()}"
    run = ("run", "--snapshotter=native", f"--runc-binary={ctr.runtimes[runtime]}",  # type: ignore[attr-defined]
           f"--runc-root={ctr.root}-{runtime}")  # type: ignore[attr-defined]  # fmt: skip

    def look(*words: str) -> None:
        status, out, err = ctr(*words)
        seen.append((words[-1], status, out, re.sub(r".*(?=exec: )|time=\S+ ", "", err.strip())))

    def tasks() -> None:
        seen.append([line.split()[::2] for line in ctr("tasks", "list")[1].splitlines()])

    look(*run, "--rm", f"--cgroup={parent}/a", "--env=A=b", "--cwd=/bin", IMAGE, "a", "sh", "-c",
         "echo $A $PWD; echo err >&2; exit 4")  # fmt: skip
    look(*run, "--rm", f"--cgroup={parent}/b", IMAGE, "b", "nosuch")
    look(*run, "--detach", f"--cgroup={parent}/c", IMAGE, "c", "sleep", "1000")
    try:
        look("tasks", "exec", "--exec-id=1", "c", "sh", "-c", "ps | grep -c [s]leep; exit 3")
        look("tasks", "exec", "--exec-id=2", "c", "nosuch")
        tasks()
        look("tasks", "pause", "c")
        tasks()
        look("tasks", "resume", "c")
        seen.append(len(ctr("tasks", "ps", "c")[1].splitlines()))
        seen.append("memory" in ctr("tasks", "metrics", "c")[1])
    finally:
        look("tasks", "kill", "--signal=9", "c")
        for _ in range(100):
            if "STOPPED" in ctr("tasks", "list")[1]:
                break
            time.sleep(0.05)
        look("tasks", "delete", "c")
        look("containers", "delete", "c")
    return seen


def test_ctr_sees_no_difference(ctr: Call) -> None:
    expected = whole_life(ctr, "runc")
    assert whole_life(ctr, "ours") == expected
    assert expected[0] == ("echo $A $PWD; echo err >&2; exit 4", 4, "b /bin\n", "err")
