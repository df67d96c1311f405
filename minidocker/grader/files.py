"""Look at files of a cell from outside, trusting no path of it.

A link in a cell may lead anywhere, and an absolute one would lead through *our* root. So each path
is resolved by the kernel below the root of a process of the cell, in a child that is nobody: it has
joined the cell's user namespace, can be killed, and what it sees has the cell's own ids.
Manual: openat2(2), RESOLVE_IN_ROOT.
"""

from __future__ import annotations

import marshal
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minidocker.chamber.cell_room import become_root
from minidocker.forked import answer_of
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.kernel.linux_targets import open_in_root

MOST_BYTES = 8 << 20
SECONDS = 10.0
_QUIET = os.O_NONBLOCK | os.O_NOCTTY


def join_user(pid: int) -> None:
    """Become root of a process's user namespace, where we are none: then others can be joined."""
    if os.geteuid():
        kernel = Linux()
        door = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        kernel.setns(door, f.CLONE_NEWUSER)
        become_root(kernel)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a file, with the cell's own ids."""

    mode: int
    uid: int
    gid: int
    size: int
    device: int
    inode: int
    node: int
    seconds: float

    @property
    def is_directory(self) -> bool:
        """Say whether it is a directory."""
        return stat.S_ISDIR(self.mode)


class Files:
    """The files that a process of a cell sees below its root."""

    def __init__(self, proc: int, pid: int, room: bool, left: float) -> None:
        self.left = min(SECONDS, max(0.1, left))
        how = os.O_PATH | os.O_CLOEXEC
        try:
            self.root = os.open(f"{pid}/root", how | os.O_DIRECTORY, dir_fd=proc)
            self.user = os.open("1/ns/user", os.O_RDONLY, dir_fd=proc) if room else -1
        except (FileNotFoundError, ProcessLookupError):
            raise Gone(f"process {pid} has ended") from None

    def close(self) -> None:
        """Give back the descriptors."""
        for fd in (self.root, self.user):
            if fd >= 0:
                os.close(fd)

    def stat(self, path: str, follow: bool = True) -> Seen:
        """Return what is known of a file; OSError as stat(2) has."""
        nofollow = 0 if follow else os.O_NOFOLLOW
        return Seen(*self._ask(lambda root: _facts(root, path, nofollow)))

    def read(self, path: str) -> bytes:
        """Return the bytes of a regular file; ValueError for another kind, or too big."""
        return bytes(self._ask(lambda root: _content(root, path)))

    def names(self, path: str) -> list[str]:
        """Return the names in a directory."""
        return list(self._ask(lambda root: _listed(root, path)))

    def write(self, path: str, data: bytes) -> None:
        """Make a new regular file, as the cell's root."""
        self._ask(lambda root: _written(root, path, data))

    def as_root(self, work: Callable[[], Any]) -> Any:
        """Call a function in a child that is the cell's root, in our own tree."""
        return self._ask(lambda _: work())

    def run(self, work: Callable[[], Any]) -> Any:
        """Call a function that looks at a tree, with the cell's root as "/"; return plain data.

        OSError and ValueError come out as they are; whatever else, as TimeoutError.
        """

        def below(root: int) -> Any:
            os.fchdir(root)
            os.chroot(".")
            return work()

        return self._ask(below)

    def _ask(self, work: Callable[[int], Any]) -> Any:
        """Do something in a child, and return what it says; OSError when it takes too long."""

        def asked() -> bytes:
            self._enter()
            return marshal.dumps(_tried(work, self.root))

        said = answer_of(asked, self.left)
        answer = marshal.loads(said) if said else {}
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        if "refused" in answer:
            raise ValueError(answer["refused"])
        if "value" not in answer:
            raise TimeoutError(f"a file of the cell did not answer within {self.left:.0f} s")
        return answer["value"]

    def _enter(self) -> None:
        """Become the cell's root, which is nobody out here."""
        if self.user >= 0:
            kernel = Linux()
            kernel.setns(self.user, f.CLONE_NEWUSER)
            become_root(kernel)


def _tried(work: Callable[[int], Any], root: int) -> dict[str, Any]:
    try:
        return {"value": work(root)}
    except OSError as problem:
        return {"errno": problem.errno}
    except ValueError as problem:
        return {"refused": str(problem)}


def _facts(root: int, path: str, nofollow: int) -> list[float]:
    fd = open_in_root(root, path, os.O_PATH | nofollow)
    found = os.fstat(fd)
    return [found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_dev, found.st_ino,
            found.st_rdev, found.st_mtime]  # fmt: skip


def _content(root: int, path: str) -> bytes:
    fd = open_in_root(root, path, os.O_RDONLY | _QUIET)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no regular file")
    data = b"".join(iter(lambda: os.read(fd, 1 << 16), b"")) if found.st_size <= MOST_BYTES else b""
    if found.st_size > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES >> 20} MB")
    return data


def _listed(root: int, path: str) -> list[str]:
    return sorted(os.listdir(open_in_root(root, path, os.O_RDONLY | os.O_DIRECTORY)))


def _written(root: int, path: str, data: bytes) -> None:
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _QUIET
    fd = open_in_root(root, path, how, 0o644)
    os.write(fd, data)
