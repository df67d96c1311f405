"""The root directory of a container, held open by its descriptor: of one that runs, or has ended.

One that runs: /proc/PID/root, which shows what its processes see, volumes too. One that has ended:
its layers are put together again in a mount namespace of this process alone, and end with it; and
its lock is held meanwhile, so that nobody starts or removes it. A path in it is looked up by
openat2(2) with RESOLVE_IN_ROOT: no link and no ".." leads out, whoever changes it at this moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EPERM
from typing import Any

from minidocker.engine.inside import first_process
from minidocker.engine.layers_of import prepare
from minidocker.errors import Blocked, Conflict, KernelError
from minidocker.kernel.flags import (
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MOUNT_ATTR_RDONLY,
    MS_PRIVATE,
    MS_REC,
)
from minidocker.kernel.linux import Linux
from minidocker.kernel.linux_targets import open_in_root
from minidocker.runtime import state
from minidocker.spec.spec import Hardening, Ids, Root, Run, Spec
from minidocker.stages.layers import Layers

HERE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def root_of(record: dict[str, Any]) -> Iterator[int]:
    """Give a descriptor of the container's root; it is closed afterwards.

    For one that has ended this process moves into a mount namespace of its own, and stays there.
    """
    lock = state.try_lock(record["directory"])
    fd = -1
    try:
        fd = of_living(record) if lock is None else of_ended(record)
        yield fd
    finally:
        for each in (fd, lock):
            if each is not None and each >= 0:
                os.close(each)


def of_living(record: dict[str, Any]) -> int:
    """Open what the first process of a running container has as "/"."""
    pid = first_process(record, "cp")
    try:
        process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fd = os.open("root", HERE, dir_fd=process)
        check(record, process, fd)
        if os.geteuid():  # files of subordinate ids: root inside may
            user = os.open("ns/user", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
            if os.fstat(user).st_ino != os.stat("/proc/self/ns/user").st_ino:
                Linux().setns(user, CLONE_NEWUSER)
            os.close(user)
        os.close(process)
    except (FileNotFoundError, ProcessLookupError):
        raise just_ended(record) from None
    except PermissionError:
        raise Blocked(f"container {record['name'] or record['id']} is another user's",
                      "sudo minidocker cp …") from None  # fmt: skip
    return fd


def check(record: dict[str, Any], process: int, root: int) -> None:
    """Refuse a process that is not the container's: its number may have a new owner.

    `process` is an open /proc/PID, which belongs to that one process, whoever gets the number next.
    """
    here, there = os.stat("/"), os.fstat(root)
    ours = os.stat("/proc/self/ns/mnt").st_ino == os.stat("ns/mnt", dir_fd=process).st_ino
    same = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    spec = record.get("spec") or {}
    first = "pid" in (spec.get("stages") or ()) and not (spec.get("sharing") or {}).get("pid")
    status = os.open("status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        lines = os.read(status, 1 << 16).split(b"\n")
    finally:
        os.close(status)
    levels = next((line.split() for line in lines if line.startswith(b"NSpid:")), [b"1"])
    if (
        (record.get("root") and (ours or same))
        or (first and levels[-1] != b"1")
        or not state.is_alive(record["directory"])
    ):
        raise just_ended(record)


def just_ended(record: dict[str, Any]) -> Conflict:
    """Say that there is nothing to copy from or to any more."""
    return Conflict(f"container {record['name'] or record['id']} has just ended", "once more", 1)


def of_ended(record: dict[str, Any]) -> int:
    """Put the root of a container that has ended together, and open it."""
    run = run_of(record)
    if not run.spec.root.layers:
        return os.open(run.spec.root.path or "/", HERE)
    kernel = Linux()
    try:
        prepare(record)
        kernel.unshare(CLONE_NEWNS)
        kernel.mount("", "/", "", MS_REC | MS_PRIVATE)  # nothing of this is seen outside
        Layers().inside(kernel, run)
        for mount in (record.get("spec") or {}).get("mounts") or ():
            if mount.get("type") == "bind" and os.path.exists(mount["source"]):
                show(kernel, run.root, mount)
        if run.spec.root.readonly:
            kernel.mount_setattr(run.root, MOUNT_ATTR_RDONLY)
    except KernelError as problem:
        if problem.errno not in (EPERM, EACCES):
            raise
        raise Blocked(f"the files of container {record['name'] or record['id']} cannot be put "
                      f"together: {problem}", "sudo minidocker cp …") from None  # fmt: skip
    return os.open(run.root, HERE)


def show(kernel: Linux, root: str, mount: dict[str, Any]) -> None:
    """Bind a volume or a directory of the host where the container has it."""
    kind = "dir" if os.path.isdir(mount["source"]) else "file"
    attributes = MOUNT_ATTR_RDONLY if mount.get("readonly") else 0
    kernel.bind_tree(mount["source"], kernel.target(root, mount["destination"], kind), attributes)


def run_of(record: dict[str, Any]) -> Run:
    """Return so much of the run as the stage of the layers wants to know."""
    spec = record.get("spec") or {}
    root, ids = spec.get("root") or {}, (spec.get("linux") or {}).get("ids")
    return Run(
        id=record["id"], directory=record["directory"], root=record.get("root") or "",
        facts=record.get("facts") or {},
        spec=Spec(
            id=record["id"], name=record["name"], remove=False,
            root=Root(**root), linux=Hardening(ids=Ids(**ids) if ids else None),
        ),
    )  # fmt: skip


class Owners:
    """Ids as they are inside a container, and as its files have them on the disk.

    They differ where root has started a container with a user namespace. `user` owns what an id
    becomes that has no place inside.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        linux = (record.get("spec") or {}).get("linux") or {}
        ids = (linux.get("ids") or {}) if not os.geteuid() else {}
        self.users = ranges(ids.get("uid_map") or "")
        self.groups = ranges(ids.get("gid_map") or "")

    def on_disk(self, uid: int, gid: int) -> tuple[int, int]:
        """Return the ids to write; root's own for one that the container does not have."""
        return moved(uid, self.users), moved(gid, self.groups)

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """Return the ids as the container sees them."""
        back = [[(new, old, count) for old, new, count in way] for way in (self.users, self.groups)]
        return moved(uid, back[0], 65534), moved(gid, back[1], 65534)


def ranges(text: str) -> list[tuple[int, int, int]]:
    """Read the lines of a map: (first inside, first outside, count). user_namespaces(7)"""
    lines = (line.split() for line in text.splitlines())
    return [(int(a), int(b), int(c)) for a, b, c in lines]


def moved(id: int, way: list[tuple[int, int, int]], lost: int | None = None) -> int:
    """Return what an id becomes; without a map it stays."""
    for first, other, count in way:
        if first <= id < first + count:
            return other + id - first
    return id if not way else (way[0][1] if lost is None else lost)


class Place:
    """Where a path of a container leads: `parent` (open), the last `name`, what is there or None.

    `name` is "." for a directory that was named as such ("/", "a/..", "a/").
    """

    def __init__(self, root: int, path: str) -> None:
        path = "/" + path
        for _ in range(40):  # symbolic links, as many as the kernel follows
            above, _, name = path.rstrip("/").rpartition("/")
            if name in ("", ".", ".."):
                self.parent, self.name = open_in_root(root, path, HERE), "."
                break
            self.parent, self.name = open_in_root(root, above or "/", HERE), name
            link = link_of(self.parent, name)
            if not link:
                break
            os.close(self.parent)
            path = link if link.startswith("/") else f"{above}/{link}"
        else:
            raise Conflict("too many symbolic links in the path", "a shorter way", 1)
        try:
            self.info: os.stat_result | None = os.stat(
                self.name, dir_fd=self.parent, follow_symlinks=False
            )
        except FileNotFoundError:
            self.info = None


def link_of(parent: int, name: str) -> str:
    """Return what a symbolic link says; "" for what is none."""
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return ""
