"""A cgroup tree of a check's own, and the one remover of all that a chamber has made.

The tree is made before its cell, looked at from outside, and removed after it:

    /sys/fs/cgroup/minidocker.grade.PID.xxxx    the grader's own directory; nothing else is touched
        └── cell                                what the scene sees as its /sys/fs/cgroup

Version 2 only. A hybrid machine has that tree too, without controllers: what needs none of
them is judged there as well. See scenes_05_cgroups.enter for the cell's side.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from minidocker.chamber.cell_needs import CELL, old_groups
from minidocker.errors import LAB_MACHINE, Blocked, KernelError
from minidocker.kernel.cgroup_trees import remove_directories
from minidocker.kernel.linux import Linux
from minidocker.proc import mounts, processes
from minidocker.stages.cgroup import Cgroup, delegated

NAME = "minidocker.grade."
DELEGATED = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")
WANTED = ("cpu", "memory", "pids")


def mount_point() -> str:
    """Return where cgroup version 2 is mounted; Blocked when it is not, or we may not write."""
    for item in mounts.mounts():
        if item.fstype == "cgroup2" and os.access(item.point, os.W_OK) and not item.read_only:
            return item.point
    raise Blocked("this machine has no cgroup version 2 tree", LAB_MACHINE)


class Tree:
    """One tree. `needs` are controllers without which the check is blocked; `without` are kept out.

    `root` is the host's path of what the cell sees as /sys/fs/cgroup.
    """

    def __init__(self, needs: Iterable[str] = (), without: Iterable[str] = ()) -> None:
        mount = mount_point()
        sweep()
        self.top = f"{mount}/{NAME}{os.getpid()}.{os.urandom(4).hex()}"
        os.mkdir(self.top)
        self.root = f"{self.top}/cell"
        self.owner = 0  # the cell's root, out here
        try:
            offered = set(_read(f"{self.top}/cgroup.controllers").split())
            missing = [name for name in needs if name not in offered]
            if missing:
                raise Blocked(
                    f"cgroup version 2 hands no {' and no '.join(missing)} controller down here",
                    LAB_MACHINE,
                )
            self.controllers = {n for n in WANTED if n in offered and n not in without}
            self._fill()
        except BaseException:
            self.remove()
            raise

    def _fill(self) -> None:
        """Pass the controllers on, make the cell's directory, and limit what may go wrong in it."""
        for name in sorted(self.controllers):
            _write(f"{self.top}/cgroup.subtree_control", f"+{name}")
        os.mkdir(self.root)
        if "pids" in self.controllers:
            _write(f"{self.root}/pids.max", "400")
        if "memory" in self.controllers:
            _write(f"{self.root}/memory.max", str(512 << 20))

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove every directory, from the bottom up; the cell has ended before."""
        remove(self.top)

    def make(self, name: str, **files: str) -> str:
        """Make the cgroup `name` of the tree, with all controllers; write files (a.b as a_b)."""
        between = _between(self.root, name)
        for place in [self.root, *between]:
            for controller in sorted(self.controllers):
                _write(f"{place}/cgroup.subtree_control", f"+{controller}")
        os.makedirs(f"{self.root}/{name}", exist_ok=True)
        for place in [*between, f"{self.root}/{name}"]:
            delegate(place, self.owner)
        for file, text in files.items():
            self.write(name, file.replace("_", "."), text)
        return f"{self.root}/{name}"

    def take(self, pid: int, name: str = "") -> None:
        """Move a process of the cell (its pid out here) into the tree, which its root then owns."""
        self.owner = os.stat(f"/proc/{pid}").st_uid
        hand_over(self.root, self.owner)
        self.write(name, "cgroup.procs", str(pid))

    def write(self, name: str, file: str, text: str) -> None:
        """Write a file of the cgroup `name`; what the kernel refuses is an OSError."""
        _write(f"{self.root}/{name}/{file}", text)

    def read(self, name: str, file: str) -> str:
        """Return the text of a file of the cgroup `name`."""
        return _read(f"{self.root}/{name}/{file}")

    def counts(self, name: str, file: str) -> dict[str, int]:
        """Return a file of "name number" lines, such as memory.events, as a dictionary."""
        pairs = map(str.split, self.read(name, file).splitlines())
        return {key: int(number) for key, number in pairs}

    def pids(self, name: str) -> set[int]:
        """Return the pids, out here, of the living processes in the cgroup `name`."""
        return {int(word) for word in self.read(name, "cgroup.procs").split()}

    def names(self) -> set[str]:
        """Return the names of all cgroups in the tree."""
        return {os.path.relpath(place, self.root) for place, _, _ in os.walk(self.root)} - {"."}

    def home(self, pid: int) -> str:
        """Return the name of the cgroup that a process (its pid out here) is in: "box/inner".

        "(outside)" when it is not in this tree, "(ended)" when there is no such process.
        """
        try:
            lines = _read(f"/proc/{pid}/cgroup").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return "(ended)"
        path = next((line[3:] for line in lines if line.startswith("0::")), "")
        _, found, name = f"{path}/".partition(f"/{os.path.basename(self.top)}/cell/")
        return (name.rstrip("/") or "/") if found else "(outside)"


def above_rooms() -> str:
    """Return where a room's cgroup may be made: the top of the tree, or what a user was given.

    "" where there is none. It is divided for that, so nobody but this process may sit in it yet.
    """
    if os.geteuid():
        return delegated(Linux())
    try:
        return mount_point()
    except Blocked:
        return ""


def for_room(above: str, pid: int, owner: int | None) -> bool:
    """Move a room's process 1 (its pid out here) into a cgroup that the room's root owns.

    owner: who that root is out here; None: who we are. Every controller that there is works in it,
    and nothing is limited. False where it cannot be. Who waits for the room's end calls `sweep`.
    """
    sweep()
    top = f"{above}/{NAME}{pid}.room"
    try:
        os.makedirs(f"{top}/cell")
        for name in _read(f"{top}/cgroup.controllers").split():
            _write(f"{top}/cgroup.subtree_control", f"+{name}")
        if owner is not None:
            delegate(f"{top}/cell", owner)
        _write(f"{top}/cell/cgroup.procs", str(pid))
    except OSError:  # such as a tree that lets nobody move a process
        remove(top)
        return False
    return True


def hand_over(path: str, owner: int) -> None:
    """Give a cgroup and those below it to an owner, as a delegation does; the limits stay ours."""
    for place, _, _ in os.walk(path):
        delegate(place, owner)
        if place != path:
            for name in os.listdir(place):
                if os.path.isfile(f"{place}/{name}"):
                    os.chown(f"{place}/{name}", owner, owner)


def delegate(place: str, owner: int) -> None:
    """Give an owner what it takes to move processes in a cgroup, and its limits not. cgroups(7)"""
    os.chown(place, owner, owner)
    for name in DELEGATED:
        if os.path.exists(f"{place}/{name}"):
            os.chown(f"{place}/{name}", owner, owner)


def remove(path: str) -> None:
    """Remove a cgroup and those below it; the next grader's `sweep` takes what could not go."""
    kernel = Linux()
    try:
        if os.path.exists(f"{path}/cgroup.kill"):
            Cgroup.remove(kernel, path)
        else:
            remove_directories(kernel, path)
    except KernelError:
        pass


def sweep() -> list[str]:
    """Remove the cgroups of graders and yards that were killed, of both versions; return them.

    The number of whoever made one stands in its name: what is alive keeps its own.
    """
    gone = []
    for parent in _parents():
        for name in sorted(os.listdir(parent)):
            kind = next((one for one in (CELL, NAME) if name.startswith(one)), "")
            owner = name.removeprefix(kind).partition(".")[0]
            if kind and not os.path.exists(f"/proc/{owner}"):
                remove(f"{parent}/{name}")
                if not os.path.exists(f"{parent}/{name}"):
                    gone.append(f"{parent}/{name}")
    return gone


def _parents() -> list[str]:
    """Return the directories in which groups of a chamber are made: mount points, and our own."""
    own = next((one.path for one in processes.cgroups() if one.version == 2), "/").rstrip("/")
    tops = [item.point for item in mounts.mounts() if item.fstype == "cgroup2"]
    found = [*tops, *(top + own for top in tops), *old_groups()]
    return [path for path in dict.fromkeys(found) if os.access(path, os.W_OK)]


def _between(root: str, name: str) -> list[str]:
    """Return the directories between the root and a cgroup; they are made where missing."""
    found = []
    for part in name.split("/")[:-1]:
        root = f"{root}/{part}"
        os.makedirs(root, exist_ok=True)
        found.append(root)
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
