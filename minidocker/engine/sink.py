"""Put the members of an archive into a directory that is in use, and never outside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from errno import EDQUOT, ENOSPC, EROFS
from typing import Protocol

from minidocker.errors import MinidockerError
from minidocker.images.archive.member import Member
from minidocker.images.archive.open_directories import Chain, Parts
from minidocker.images.archive.stream import shown
from minidocker.images.archive.unpack import Unpacker

Change = Callable[[Member], "Member | None"]  # None: leave it out


class Members(Protocol):
    """What an Archive and a Tree have in common."""

    def __iter__(self) -> Iterator[Member]:
        """Yield the members."""

    def data(self, size: int | None = None) -> Iterable[bytes | memoryview]:
        """Yield the data of the last one."""


class Sink(Unpacker):
    """Puts members below an open directory that may have files already, as `docker cp` does.

    A file takes the place of a file; a directory and a file never take each other's. `change` may
    give a member another owner or mode first.
    """

    def __init__(self, directory: int, title: str, change: Change) -> None:
        super().__init__("", title)
        self._top = directory
        self._change = change

    def put(self, members: Members) -> None:
        """Put all of them there; errors are sentences."""
        other = os.dup(self._top)
        self._here, self._there = Chain(self._top), Chain(other)
        try:
            for member in members:
                if changed := self._change(member):
                    self.entries += 1
                    self._place(members, changed, self._path(changed, changed.name))  # type: ignore[arg-type]
            self._finish_directories()
        finally:
            for chain in (self._here, self._there):
                chain.leave(0)
            os.close(other)

    def _root(self, member: Member) -> None:
        """Leave the directory itself as it is: it was there before."""
        if member.kind != stat.S_IFDIR:
            raise self._refuse(member, "has no name")

    def _clear(self, path: Parts, parent: int) -> None:
        """Make room for a file: another file goes, a directory stays."""
        if stat.S_ISDIR(os.lstat(path[-1], dir_fd=parent).st_mode):
            raise clash("directory", path, "non-directory")
        os.unlink(path[-1], dir_fd=parent)

    def _directory(self, archive: object, member: Member, parent: int, name: bytes) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                raise clash("non-directory", (name,), "directory") from None

    def _refused(self, member: Member, problem: Exception) -> MinidockerError:
        number = getattr(problem, "errno", 0)
        if number and number not in (ENOSPC, EDQUOT):
            docker = "container rootfs is marked read-only" if number == EROFS else ""
            return MinidockerError(
                f"{shown(member.name)} cannot be made in {self.title}: {os.strerror(number)}",
                "minidocker inspect CONTAINER   (a mount, or a read-only root?)", 1, docker,
            )  # fmt: skip
        return super()._refused(member, problem)


def clash(there: str, path: Parts, new: str) -> MinidockerError:
    """Say that a directory and a file do not take each other's place."""
    name = shown(b"/".join(path))
    return MinidockerError(
        f"{name} is a {there}, and a {new} would take its place",
        "another name, or remove it first", 1,
        docker=f"cannot overwrite {there} {name} with {new}",
    )  # fmt: skip
