"""What a cell stands on: how this machine limits processes, what file systems it needs, a terminal.

The limits count for a cell as a whole. Groups of version 1 are made below our own, where that is
what the machine counts with; both kinds are removed with the cell.
"""

from __future__ import annotations

import fcntl
import functools
import os
import random
import re
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

from minidocker.errors import LAB_MACHINE, Blocked
from minidocker.places import LAB_MARKER, ROOM
from minidocker.spec import ids

CELL = "minidocker.cell."
PROCESSES = 400
MEMORY = 512 << 20  # bytes, of all processes of a cell together
PACKAGE = Path(__file__).resolve().parents[1]
PSEUDO = {"proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs",
          "debugfs", "tracefs", "bpf", "pstore", "configfs", "fusectl", "hugetlbfs",
          "binfmt_misc", "autofs", "efivarfs", "rpc_pipefs", "nsfs"}  # fmt: skip


def patience() -> float:
    """How much longer than usual to wait: MINIDOCKER_PATIENCE, a number of at least 1."""
    try:
        return max(1.0, float(os.environ.get("MINIDOCKER_PATIENCE", "1")))
    except ValueError:
        return 1.0


def needed_filesystems() -> list[str]:
    """Return mount points, other than "/", that a cell needs: Python, the package, the system."""
    wanted = [sys.base_prefix, sys.prefix, os.path.realpath(sys.executable), str(PACKAGE),
              "/usr", "/bin", "/lib", "/lib64", "/etc"]  # fmt: skip
    found = set()
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            place, kind = re.sub(r"\\040", " ", left.split()[4]), right.split()[0]
            if place == "/" or kind in PSEUDO or not os.path.isdir(place):
                continue
            if any(os.path.realpath(path).startswith(place.rstrip("/") + "/")
                   or os.path.realpath(path) == place for path in wanted):  # fmt: skip
                found.add(place)
    return sorted(found)


def process_limit() -> str:
    """Say how a cell's processes can be limited here: "cgroup", "pid_max", or "": not at all."""
    if cgroup_parent():
        return "cgroup"
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    # Before 6.14 there is one pid_max for the whole machine: writing it would change the host.
    if version and (int(version[1]), int(version[2])) >= (6, 14):
        return "pid_max"
    return ""


def cgroup_parent() -> str:
    """Return /sys/fs/cgroup when version 2 alone is there, with the pids controller, else ""."""
    with open("/proc/self/mountinfo") as file:
        kinds = {(line.split()[4], line.partition(" - ")[2].split()[0]) for line in file}
    if any(kind == "cgroup" for _, kind in kinds) or ("/sys/fs/cgroup", "cgroup2") not in kinds:
        return ""
    try:
        with open("/sys/fs/cgroup/cgroup.subtree_control") as file:
            ready = "pids" in file.read().split()
    except OSError:
        return ""
    return "/sys/fs/cgroup" if ready and os.access("/sys/fs/cgroup", os.W_OK) else ""


NODES = {
    "scenes_03_rootfs": ("dev",),
    "scenes_04_union_layers": ("changes",),
    "scenes_12_layers": ("pack", "apply", "round", "seen", "blame"),
}
"""Scenes that make device nodes: what only the host's root may do is done by a clerk, nodes.py."""
MARKS = {key: scenes for key, scenes in NODES.items() if key != "scenes_03_rootfs"}
"""Scenes in which overlay notes opaque directories: in a room that is an attribute user.…."""
# Ranges that no distribution hands out, and that root's containers have not.
FIRST_IDS = range(ids.HIGH + ids.RANGES * ids.COUNT, 0x7FFF0000, ids.COUNT)


@dataclass(frozen=True, slots=True)
class Room:
    """Whose ids a cell has: `uid` and `gid` are what its 0 is out here, `count` how many there are.

    helper: they are a user's subordinate ids, which newuidmap(1) may write.
    """

    uid: int
    gid: int
    count: int = 65536
    helper: bool = False


def room_for(scenes: str, scene: str) -> Room | None:
    """Return the room for a scene; None where the lab machine's kernel is too old for one.

    Root takes a range that nobody has; a user takes subordinate ids, or its own id alone.
    Blocked where a scene needs more than that.
    """
    if scene in MARKS.get(scenes, ()) and not user_attributes():
        if not os.path.exists(LAB_MARKER):
            raise Blocked("tmpfs keeps no user attributes before Linux 6.6", LAB_MACHINE)
        return None  # the machine is thrown away: there the host's root may play
    room = own_room()
    if scene in MARKS.get(scenes, ()) and room.count == 1:
        raise Blocked("files of other users need more than one id", "minidocker doctor")
    only = scene in NODES.get(scenes, ()) and scene not in MARKS.get(scenes, ())
    if only and not makes_nodes(scenes, scene):  # the other scenes can leave their nodes out
        raise Blocked("device nodes need the host's root", "sudo minidocker grade")
    return room


def makes_nodes(scenes: str, scene: str) -> bool:
    """Say whether a clerk makes a scene's device nodes; only the host's root can be one."""
    return scene in NODES.get(scenes, ()) and of_the_host()


def closes_process_1(scenes: str, scene: str) -> bool:
    """Say whether nobody in the cell may look into its process 1.

    An ordinary user's grader could not look either. Two scenes need it open: check_spawn is asked
    about process 1, and a right host_pid_of may read the link ns/pid of every process.
    """
    opened = scenes == "scenes_01_pid" and scene in ("check_spawn", "host_pid")
    return of_the_host() and not opened


def of_the_host() -> bool:
    """Say whether we are the host's root, and not that of a room."""
    return os.geteuid() == 0 and ROOM not in os.environ


@functools.cache
def user_attributes() -> bool:
    """Say whether a file system in memory keeps user.* attributes: Linux 6.6 and later do."""
    fd = os.memfd_create("attribute", os.MFD_CLOEXEC)
    try:
        os.setxattr(fd, "user.minidocker", b"y")
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def own_room() -> Room:
    """Return whose ids a room has that this user opens."""
    uid, gid = os.geteuid(), os.getegid()
    if ROOM in os.environ:  # what was given to the room's root, it may give on
        with open("/proc/self/uid_map", encoding="ascii") as file:
            count = sum(int(line.split()[2]) for line in file)
        return Room(1, 1, min(count - 1, 65535)) if count > 1 else Room(0, 0, 1)
    if uid == 0:
        first = random.choice(FIRST_IDS)
        return Room(first, first)
    subuid, subgid = ids.subordinate("/etc/subuid", uid), ids.subordinate("/etc/subgid", uid)
    if subuid and subgid and ids.have("newuidmap") and ids.have("newgidmap"):
        return Room(subuid[0], subgid[0], min(subuid[1], subgid[1], 65536), helper=True)
    return Room(uid, gid, 1)


def make_cgroup() -> str:
    """Make a cgroup for one cell, with a limit on processes; return its path."""
    path = f"/sys/fs/cgroup/{CELL}{os.getpid()}.{os.urandom(4).hex()}"
    os.mkdir(path)
    _write(f"{path}/pids.max", str(PROCESSES))
    for name, value in (("memory.max", MEMORY), ("memory.swap.max", 0)):
        if os.path.exists(f"{path}/{name}"):
            _write(f"{path}/{name}", str(value))
    return path


def old_groups() -> list[str]:
    """Return where version 1 groups for a cell may be made: below our own, for memory and pids."""
    found = []
    with open("/proc/self/cgroup") as file:
        own = {row[1]: row[2] for row in (line.rstrip("\n").split(":", 2) for line in file)}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            kind, _, options = right.split()[:3]
            top, point = left.split()[3:5]
            for name in {"memory", "pids"} & set(options.split(",")) if kind == "cgroup" else ():
                path = own.get(name, "/").removeprefix(top if top != "/" else "")
                place = f"{point}{path}".rstrip("/")
                found.append(place if os.path.isdir(place) else point)
    return [place for place in found if os.access(place, os.W_OK)]


def make_old_groups() -> list[str]:
    """Make a version 1 group for one cell in each of `old_groups`, with its limit."""
    name = f"{CELL}{os.getpid()}.{os.urandom(4).hex()}"
    made = []
    for parent in old_groups():
        path = f"{parent}/{name}"
        try:
            os.mkdir(path)
            made.append(path)
            if os.path.exists(f"{path}/memory.limit_in_bytes"):
                _write(f"{path}/memory.limit_in_bytes", str(MEMORY))
            else:
                _write(f"{path}/pids.max", str(PROCESSES))
        except OSError:
            continue  # RLIMIT_AS times RLIMIT_NPROC is what is left
    return made


def join(pid: int, groups: list[str]) -> None:
    """Put a process into groups; what it starts will be in them too."""
    for path in groups:
        _write(f"{path}/cgroup.procs", str(pid))


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def open_terminal() -> tuple[int, int]:
    """Open a terminal without echo, so that a question is not read as its own answer."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    return master, slave


def sealed(text: str) -> int:
    """Return a descriptor from which a text can be read, and that nobody can write to."""
    fd = os.memfd_create("text", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, text.encode("utf-8", "replace"))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW
                | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)  # fmt: skip
    return fd
