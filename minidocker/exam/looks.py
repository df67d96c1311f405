"""Looks: what the kernel shows of a container's process, from outside of the exam's room.

A look answers for one function: a sentence of what was seen, or Wrong. It reads /proc from the
host's side, or enters a namespace with a child of ours; it asks nobody inside.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minidocker.exam.yard import Yard
from minidocker.kernel import flags as f
from minidocker.proc import mounts, processes

TOKEN = "EXAM"
SECONDS = 30.0
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/acpi")


class Wrong(Exception):
    """What was seen instead, as a sentence."""


@dataclass(slots=True)
class Seen:
    """A container's first process: its number out here, and what it was asked to be."""

    yard: Yard
    pid: int
    asked: dict[str, Any]

    def status(self) -> dict[str, str]:
        """Return the fields of /proc/PID/status."""
        return processes.status(self.pid)

    def table(self) -> dict[str, mounts.Mount]:
        """Return what is mounted in there: place → the mount on top."""
        return {one.point: one for one in mounts.mounts(self.pid)}

    def mounted(self, place: str) -> mounts.Mount:
        """Return what is mounted at a place, or say that nothing is."""
        found = self.table().get(place)
        if found is None:
            raise Wrong(f"nothing is mounted at {place} (/proc/{self.pid}/mountinfo)")
        return found

    def outside(self, name: str) -> int:
        """Return a namespace of the room, to compare with."""
        return processes.namespace(self.yard.inner, name)

    def apart(self, name: str) -> int:
        """Return a namespace of the container; Wrong when it is the room's."""
        own = processes.namespace(self.pid, name)
        if own == self.outside(name):
            raise Wrong(f"its {name} namespace is the room's ({name}:[{own}])")
        return own


def find(yard: Yard, token: str, asked: dict[str, Any]) -> Seen:
    """Find the container's process 1 by the variable that it was given; Wrong when there is none.

    Of those with the token it is the one that is furthest in, and number 1 there, if one is.
    """
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = [pid for pid in processes.descendants([yard.inner]) if has(pid, token)]
        levels = {pid: nspid(pid) for pid in found}
        deep = max((len(level) for level in levels.values()), default=0)
        best = [pid for pid, level in levels.items() if len(level) == deep and deep]
        first = [pid for pid in best if levels[pid][-1] == 1]
        if best:
            return Seen(yard, (first or sorted(best))[0], asked)
        time.sleep(0.02)
    raise Wrong("no process of the container was to be seen from outside")


def has(pid: int, token: str) -> bool:
    """Say whether a process has the exam's variable, and is no program of the runtime's."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{TOKEN}={token}".encode() in file.read(1 << 16).split(b"\0")
    except OSError:
        return False


def nspid(pid: int) -> tuple[int, ...]:
    """Return a process's numbers; () when it has gone."""
    try:
        return processes.nspid(pid)
    except LookupError:
        return ()


def in_namespaces(seen: Seen, flags: int, ask: Callable[[], str]) -> str:
    """Answer a question in namespaces of a container, by a child of ours."""
    answer, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(answer)
            seen.yard.kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            process = os.pidfd_open(seen.pid)
            seen.yard.kernel.setns(process, flags | f.CLONE_NEWUSER)
            os.write(tell, b"+" + ask().encode(errors="replace")[:60000])
        except BaseException as problem:
            os.write(tell, f"-{problem}".encode()[:2000])
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(answer, encoding="utf-8", errors="replace") as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    if not said.startswith("+"):
        raise Wrong(f"it could not be looked into: {said[1:] or 'it has ended'}")
    return said[1:]


def number_one(seen: Seen) -> str:
    """spawn: number 1 of a numbering of its own, one level further in."""
    numbers = processes.nspid(seen.pid)
    outside = len(processes.nspid(seen.yard.inner))
    if len(numbers) <= outside or numbers[-1] != 1:
        raise Wrong(f"its process is not number 1 of a namespace of its own (NSpid {numbers})")
    seen.apart("mnt")
    return f"number 1 in there, {numbers[0]} out here"


def private(seen: Seen) -> str:
    """make_private: nothing that is mounted is shared with the room, whose mounts all are."""
    every = mounts.mounts(seen.pid)
    leaks = [one.point for one in every if one.propagation != "private"]
    if leaks:
        raise Wrong(f"{leaks[0]} is {every[0].propagation}: a mount could leak to the host")
    return f"none of {len(every)} mounts is shared"


def own_proc(seen: Seen) -> str:
    """mount_proc: a procfs of its own, with the three flags."""
    found = seen.mounted("/proc")
    missing = {"nosuid", "nodev", "noexec"} - set(found.options)
    if found.fstype != "proc" or found.root != "/":
        raise Wrong(f"/proc is no procfs but {found.fstype} ({found.root})")
    if found.device == {one.point: one for one in mounts.mounts(seen.yard.inner)}["/proc"].device:
        raise Wrong("its /proc is the one of the room, and shows the room's processes")
    if missing:
        raise Wrong(f"its /proc lacks {', '.join(sorted(missing))}")
    return f"a procfs of its own ({found.device})"


def own_root(seen: Seen) -> str:
    """pivot: the root of its mount namespace is its root, and nothing of the room is mounted."""
    real = os.stat(f"/proc/{seen.pid}/root")
    room = os.stat(f"/proc/{seen.yard.inner}/root")

    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)  # ours, wherever a child stands

    def ask() -> str:
        status = os.stat("/")
        table = os.open("self/mountinfo", os.O_RDONLY, dir_fd=proc)
        with os.fdopen(table, encoding="utf-8", errors="replace") as file:
            return f"{status.st_dev} {status.st_ino}\n{file.read()}"

    try:
        first, _, table = in_namespaces(seen, f.CLONE_NEWNS, ask).partition("\n")
    finally:
        os.close(proc)
    if (real.st_dev, real.st_ino) == (room.st_dev, room.st_ino):
        raise Wrong("its root is the room's")
    if first.split() != [str(real.st_dev), str(real.st_ino)]:
        raise Wrong("its root is not the root of its mount namespace: chroot(2), no pivot_root(2)")
    device = f"{os.major(room.st_dev)}:{os.minor(room.st_dev)}"
    every = mounts.parse(table)
    for one in every:
        if one.device == device and one.root == "/":
            raise Wrong(f"the old root is still mounted, at {one.point}")
    if "/opt/exam" in {one.point for one in every}:
        raise Wrong("what the room has mounted can still be reached (/opt/exam)")
    return f"a root of its own, and none of the room's in its {len(every)} mounts"


def bound(seen: Seen) -> str:
    """bind: the directory that was asked for, read-only, with what is mounted below it."""
    found = seen.mounted("/share")
    if not found.read_only:
        raise Wrong("/share was to be read-only, and is not")
    below = seen.table().get("/share/below")
    if below is None or not below.read_only:
        raise Wrong("what is mounted below the directory is not shown read-only at /share/below")
    return f"{found.root} at /share, read-only"


def read_only(seen: Seen) -> str:
    """read_only_root: the mount is, the file system is not."""
    found = seen.mounted("/")
    if not found.read_only:
        raise Wrong("its root was to be read-only, and is not")
    return "its root is read-only"


def host_name(seen: Seen) -> str:
    """set_hostname, set_names: the name that was drawn, in a uts namespace of its own."""
    seen.apart("uts")
    name = in_namespaces(seen, f.CLONE_NEWUTS, lambda: os.uname().nodename)
    if name != seen.asked["hostname"]:
        raise Wrong(f"it is called {name!r}, not {seen.asked['hostname']!r}")
    return f"called {name}"


def no_new_privileges(seen: Seen) -> str:
    """no_new_privileges: the bit that no exec takes away."""
    if seen.status().get("NoNewPrivs") != "1":
        raise Wrong("NoNewPrivs is 0")
    return "NoNewPrivs 1"


def capabilities(seen: Seen) -> str:
    """drop_capabilities: the bounding, permitted and effective sets are what was drawn."""
    status, wanted = seen.status(), seen.asked["capabilities"]
    for name in ("CapBnd", "CapPrm", "CapEff"):
        if int(status[name], 16) != wanted:
            raise Wrong(f"{name} is {status[name]}, not {wanted:016x}")
    return f"CapBnd {wanted:016x}"


def filtered(seen: Seen) -> str:
    """compile_filter: there is a filter; what it refuses is tried by `podman exec`."""
    if seen.status().get("Seccomp") != "2":
        raise Wrong("it has no seccomp filter (Seccomp in /proc/PID/status)")
    return "a filter, which refuses mkdir(2) as was asked"


def masks(seen: Seen) -> str:
    """mask_paths: something lies over each path that was to be hidden."""
    table = seen.table()
    wanted = [path for path in MASKED if os.path.exists(f"/proc/{seen.yard.inner}/root{path}")]
    for path in wanted:
        if path not in table:
            raise Wrong(f"{path} can be seen in there")
    return f"{len(wanted)} paths are covered"


def mapped(seen: Seen) -> str:
    """write_maps, map_lines: its 0 is nobody of the room's root."""
    seen.apart("user")
    with open(f"/proc/{seen.pid}/uid_map", encoding="ascii") as file:
        rows = [[int(word) for word in line.split()] for line in file]
    room = _outside_of(seen.yard.inner)
    wanted = seen.asked.get("uid_map")
    if wanted and [[a, b - room, c] for a, b, c in rows] != wanted:
        raise Wrong(f"its uid_map is {rows}, where {wanted} was asked for")
    if not rows or any(b == room for a, b, _ in rows if a == 0):
        raise Wrong(f"its uid_map gives it the room's root: {rows}")
    return f"its 0 is {rows[0][1]} out here"


def is_root(seen: Seen) -> str:
    """become_root: it is 0 in its own numbering, and not somebody without a name."""
    with open(f"/proc/{seen.pid}/uid_map", encoding="ascii") as file:
        zero = [int(line.split()[1]) for line in file if line.split()[0] == "0"]
    uids = {int(word) for word in seen.status()["Uid"].split()}
    if not zero or uids != {zero[0]}:
        raise Wrong(f"it is {sorted(uids)} out here, where its own 0 is {zero}")
    return f"it is its own 0, {zero[0]} out here"


def _outside_of(pid: int) -> int:
    """Return what the room's 0 is out here."""
    with open(f"/proc/{pid}/uid_map", encoding="ascii") as file:
        return int(file.read().split()[1])
