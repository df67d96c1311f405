"""Server: a small process that makes yards. One JSON line is an attempt, one line is its result.

A yard needs a parent with one thread and few modules; the command line, with its progress bar, is
neither. When the command line ends, however it ends, the server's input closes: it ends the yard
(process 1 and all below it), removes the yard's cgroup, and ends too.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from minidocker.chamber import cgroups
from minidocker.chamber.cell_needs import cgroup_parent, make_cgroup, patience
from minidocker.escapes import catalogue
from minidocker.escapes.yard import Yard
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.proc import mounts, processes
from minidocker.runtime import readonly

NAMESPACES = (
    f.CLONE_NEWPID | f.CLONE_NEWNS | f.CLONE_NEWNET | f.CLONE_NEWIPC
    | f.CLONE_NEWUTS | f.CLONE_NEWCGROUP
)  # fmt: skip
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 40.0  # for all that is around an attempt
PROCESSES = "4096"  # of a whole yard: more than a fork bomb needs to be one


def tell(fd: int, message: dict[str, Any]) -> None:
    """Write one result for the server."""
    os.write(fd, json.dumps(message).encode())


def main() -> None:
    """Answer one line after the other, until nobody asks any more."""
    kernel = Linux()
    # A yard's process 1 has this program too: through /proc/1/exe an attack would reach the host's
    # interpreter, past the yard's overlay. From a read-only mount it cannot be changed.
    readonly.ensure(kernel)
    cgroups.sweep()
    before = podmans_groups()
    order = {**json.loads(sys.stdin.readline()), "cgroups": cgroup_mounts(), "server": os.getpid()}
    for line in sys.stdin:
        asked = json.loads(line)
        answer = attempt(kernel, asked["escape"], asked["stages"], order)
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:
            break
    for path in sorted(podmans_groups() - before, reverse=True):  # what is below comes first
        cgroups.remove(path)
    os._exit(0)  # the output may be closed: nothing is left to flush


def attempt(kernel: Linux, name: str, stages: str, order: dict[str, Any]) -> dict[str, Any]:
    """Make a yard for one attempt, wait for its result, and end all that is in it."""
    group = make_cgroup() if cgroup_parent() else ""
    if group:
        kernel.write(f"{group}/pids.max", PROCESSES)
        if "vm" in catalogue.by_name(name).needs:  # the machine is its own limit
            kernel.write(f"{group}/memory.max", "max")
    order = {**order, "own_cgroup": bool(group), "patience": patience()}
    limit = (SECONDS + catalogue.by_name(name).seconds) * patience()
    hear, say = os.pipe()
    place = os.open(group, os.O_RDONLY | os.O_DIRECTORY) if group else None
    began = time.monotonic()
    try:
        pid = kernel.clone(NAMESPACES, place)
        if pid == 0:
            try:
                kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
                quiet()
                kernel.close_all_but({0, 1, 2, say})
                tell(say, Yard(kernel, catalogue.by_name(name), stages, order).result())
            finally:
                os._exit(0)
        os.close(say)
        # Our own input is quiet while an answer is awaited: readable, it has been closed.
        ready, _, _ = select.select([hear, 0], [], [], limit)
        data = os.read(hear, 60_000) if hear in ready else b""
        kernel.kill(pid, f.SIGKILL)
        kernel.waitpid(pid)
    finally:
        os.close(hear)
        if place is not None:
            os.close(place)
        if group:
            cgroups.remove(group)
    answer: dict[str, Any] = json.loads(data) if data else {"error": "the yard gave no answer"}
    for name in answer.pop("groups", []):
        cgroups.remove(f"{unified()}/{name}")
    answer["seconds"] = round(time.monotonic() - began, 3)
    if "cid" in answer:
        remove_podmans(answer.pop("cid"))
    return answer


def cgroup_mounts() -> list[tuple[str, str, str]]:
    """List the machine's cgroup mounts, (place, type, data), to be made again in a yard."""
    found = []
    for one in mounts.mounts():
        if one.point == "/sys/fs/cgroup" and one.fstype == "tmpfs":
            found.append((one.point, one.fstype, ""))
        elif one.point.startswith("/sys/fs/cgroup") and one.fstype in ("cgroup", "cgroup2"):
            words = [word for word in one.super_options.split(",") if word not in ("rw", "ro")]
            data = ",".join(words) if one.fstype == "cgroup" else ""
            found.append((one.point, one.fstype, data))
    return found


def unified() -> str:
    """Return the directory of our own group in the tree of version 2, also on a hybrid machine."""
    tree = "/sys/fs/cgroup"
    if not os.path.exists(f"{tree}/cgroup.procs"):
        tree += "/unified"
    own = next((one.path for one in processes.cgroups() if one.version == 2), "/")
    return f"{tree}{own}".rstrip("/")


def quiet() -> None:
    """Take the yard's process 1 off our own input and output."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)


def podmans_groups() -> set[str]:
    """List the groups that Podman makes for its containers, and leaves there."""
    return {path for path, _, _ in os.walk("/sys/fs/cgroup") if "/libpod_parent" in path}


def remove_podmans(cid: str) -> None:
    """Remove the cgroups of one container of Podman's: killed with its yard, it could not."""
    for path in sorted(podmans_groups(), reverse=True):
        if cid and cid in path:
            cgroups.remove(path)


class Server:
    """The command line's end: start the server, ask it, end it. A context manager."""

    def __init__(self, order: dict[str, Any]) -> None:
        code = (f"import sys; sys.path.insert(0, {PACKAGE!r}); "
                "from minidocker.escapes.server import main; main()")  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", code], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.write(order)

    def write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, escape: str, stages: str) -> dict[str, Any]:
        """Make one attempt: {"works": bool, "said": text, "seconds": float} or {"error": text}."""
        assert self.process.stdout
        self.write({"escape": escape, "stages": stages})
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the process that makes yards has ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


if __name__ == "__main__":
    main()
