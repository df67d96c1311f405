"""Who starts whom: the programs that are started while Podman runs a container by our runtime."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import groupby

from minidocker.lab.cells import CellFailed
from minidocker.proc.mounts import mounts

# A root that lacks CAP_SYS_RESOURCE could not set Podman's own limits.
CONF = '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]\n'
ROLES = {"podman": "the engine", "conmon": "stays beside it", "runtime": "ours: the walls",
         "busybox": "the command"}  # fmt: skip
TRACE = ["strace", "-f", "-qq", "-s", "200", "-e", "signal=none", "-e", "trace=execve", "-o"]
STARTED = re.compile(r'^\d+ +execve\("([^"]+)".* = 0$', re.MULTILINE)


def podman_chain(root: str, *command: str) -> list[str]:
    """Let Podman run a command in the root directory `root`; return who was started, in order.

    Seen are podman, conmon, the runtime and the command, by their execve(2); what they start beside
    is left out. CellFailed when Podman does not run it.
    """
    place = tempfile.mkdtemp(prefix="chain-")
    try:
        return _traced(place, root, command)
    finally:
        _remove(place)


def _traced(place: str, root: str, command: tuple[str, ...]) -> list[str]:
    runtime, trace = f"{place}/runtime", f"{place}/trace"
    with open(runtime, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {sys.executable} -B -m minidocker oci "$@"\n')
    os.chmod(runtime, 0o755)
    with open(f"{place}/conf", "w", encoding="ascii") as file:
        file.write(CONF)
    words = ["podman", "--root", f"{place}/a", "--runroot", f"{place}/b", "--tmpdir", f"{place}/c",
             "--runtime", runtime, "--cgroup-manager", "cgroupfs", "--events-backend", "file",
             "run", "--rm", "--network", "none", "--cgroups", "no-conmon",
             "--cgroup-parent", f"/{os.path.basename(place)}",
             "--rootfs", root, *command]  # fmt: skip
    env = {**os.environ, "CONTAINERS_CONF": f"{place}/conf"}
    done = subprocess.run([*TRACE, trace, *words], env=env, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    if done.returncode:
        raise CellFailed(f"podman run: {done.stderr.strip()[-300:]}")
    with open(trace, encoding="utf-8", errors="replace") as file:
        started = [os.path.basename(path) for path in STARTED.findall(file.read())]
    wanted = {"podman", "conmon", "runtime", os.path.basename(command[0])}
    return [name for name, _ in groupby(name for name in started if name in wanted)]


def _remove(place: str) -> None:
    """Remove all that Podman has left: mounts below the directory, and its group in each tree."""
    for group in glob.glob(f"/sys/fs/cgroup/**/{os.path.basename(place)}", recursive=True):
        os.rmdir(group)
    for item in reversed(mounts()):
        if item.point.startswith(f"{place}/"):
            subprocess.run(["umount", "-l", item.point], capture_output=True, check=False)
    shutil.rmtree(place, ignore_errors=True)
