"""`cp`: where the files go and what they are called there, by the rules of `docker cp`."""

from __future__ import annotations

import os
import stat
from typing import Any

from minidocker.engine.root_of import Owners, Place, root_of
from minidocker.engine.sink import Sink
from minidocker.engine.tree import Tree
from minidocker.errors import KernelError, MinidockerError, NotFound
from minidocker.images.archive.member import Member
from minidocker.images.archive.source import Source
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.kernel.linux import Linux
from minidocker.kernel.linux_targets import open_in_root
from minidocker.stages.identity import lines, lookup

HERE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
SPECIAL = 0o6000  # setuid and setgid
NODES = (stat.S_IFCHR, stat.S_IFBLK)


class Copy:
    """One copy to or from one container: `moved` counts the bytes of its files."""

    def __init__(self, record: dict[str, Any], follow: bool = False, as_user: bool = False) -> None:
        self.record = record
        self.name = record["name"] or record["id"]
        self.follow = follow
        self.as_user = as_user
        self.owners = Owners(record)
        self.moved = 0
        self.lost: dict[str, int] = {}

    # Out of the container

    def out(self, path: str, target: str) -> None:
        """Copy a path of the container to a path of ours, or as a tar archive to "-"."""
        with root_of(self.record) as root:
            parent, name, called = self.source(root, path)
            tree = Tree(parent, name, called, Linux().filesystem)
            if target == "-":
                self.stream(tree)
            else:
                self.land(tree, target, self.is_directory(parent, name))
            self.count(tree)

    def source(self, root: int, path: str) -> tuple[int, str, str]:
        """Find what is to be copied: (the open directory it is in, its name, what to call it)."""
        above, _, name = path.rstrip("/").rpartition("/")
        try:
            if name in ("", ".", "..") or path.endswith("/"):
                fd = open_in_root(root, f"/{path}", HERE)
                return fd, ".", name if name not in ("", ".", "..") else "."
            if self.follow:
                place = Place(root, path)
                if place.info is None:
                    raise FileNotFoundError
                return place.parent, place.name, name
            parent = open_in_root(root, f"/{above}", HERE)
            os.stat(name, dir_fd=parent, follow_symlinks=False)
            return parent, name, name
        except OSError as problem:
            raise self.missing(path, problem) from None

    def stream(self, tree: Tree) -> None:
        """Write a tar archive to standard output; owners are as the container sees them."""

        def change(member: Member) -> None:
            member.uid, member.gid = self.owners.inside(member.uid, member.gid)

        for piece in tree.tar(change):
            while piece:
                piece = piece[os.write(1, piece) :]

    def land(self, tree: Tree, target: str, directory: bool) -> None:
        """Put it into our own files: they become the caller's."""
        folder, called = local_place(target, os.fsdecode(tree.top[2]), directory)
        tree.top = (*tree.top[:2], os.fsencode(called))
        fd = os.open(folder, HERE & ~os.O_PATH)
        try:
            sink = Sink(fd, target, self.ours)
            sink.put(tree)
            self.lose(sink.lost)
        finally:
            os.close(fd)

    def ours(self, member: Member) -> Member | None:
        """Make a member the caller's own, and nothing that an enemy could have prepared.

        On this host a device node or a setuid file of ours would be a way out of the container.
        """
        if member.kind in NODES:
            self.lose({"device nodes": 1})
            return None
        if member.mode & SPECIAL and member.kind == stat.S_IFREG:
            self.lose({"setuid or setgid bits": 1})
        member.mode &= ~SPECIAL
        member.uid, member.gid, member.xattrs = 0, 0 if os.geteuid() else os.getegid(), {}
        return member

    # Into the container

    def into(self, source: str, path: str) -> None:
        """Copy a path of ours, or the tar archive at standard input, to a path of the container."""
        with root_of(self.record) as root:
            change = self.theirs(root)
            if source == "-":
                self.unpack(root, path, change)
                return
            source, name, called = local_source(source, self.follow)
            fd = os.open(source, HERE)
            tree = Tree(fd, name, called, Linux().filesystem)
            folder, called = self.place(root, path, called, self.is_directory(fd, name))
            tree.top = (fd, os.fsencode(name), os.fsencode(called))
            self.put(folder, tree, change)
            self.count(tree)

    def put(self, folder: int, members: Any, change: Any) -> None:
        """Put members into an open directory of the container."""
        fd = os.open(f"/proc/self/fd/{folder}", HERE & ~os.O_PATH)
        try:
            sink = Sink(fd, f"container {self.name}", change)
            sink.put(members)
            self.moved = self.moved or sink.bytes
            self.lose(sink.lost)
        finally:
            os.close(fd)

    def unpack(self, root: int, path: str, change: Any) -> None:
        """Unpack standard input into a directory of the container."""
        place = self.look(root, path)
        if place.info is None:
            raise self.missing(path, FileNotFoundError())
        if not stat.S_ISDIR(place.info.st_mode):
            raise MinidockerError(
                f"{path} is no directory, and an archive needs one",
                "the directory that it is in", 1,
                docker=f'destination "{self.name}:{path}" must be a directory',
            )  # fmt: skip
        fd = os.open(place.name, HERE | os.O_NOFOLLOW, dir_fd=place.parent)
        with Source("-") as source:
            self.put(fd, Archive(Stream(source.read, "standard input")), change)

    def place(self, root: int, path: str, called: str, directory: bool) -> tuple[int, str]:
        """Find where a copy goes: (the open directory, what it is called there)."""
        place = self.look(root, path)
        if place.info is not None and stat.S_ISDIR(place.info.st_mode):
            return os.open(place.name, HERE | os.O_NOFOLLOW, dir_fd=place.parent), called
        refuse_place(path, place.info is not None, directory)
        return place.parent, place.name

    def look(self, root: int, path: str) -> Place:
        """Look a path of the container up, whatever links are in it."""
        try:
            return Place(root, path)
        except OSError as problem:
            raise self.missing(path, problem) from None

    def theirs(self, root: int) -> Any:
        """Return what gives a member its owner: the number that it has, or with -a the user's."""
        user = self.user(root) if self.as_user else None

        def change(member: Member) -> Member:
            uid, gid = user or (member.uid, member.gid)
            member.uid, member.gid = self.owners.on_disk(uid, gid)
            return member

        return change

    def user(self, root: int) -> tuple[int, int]:
        """Return the ids of the user whom the container runs as."""
        asked = ((self.record.get("spec") or {}).get("process") or {}).get("user") or "0"
        found = []
        for path, fields, ids in (("etc/passwd", 6, 2), ("etc/group", 4, 1)):
            try:
                fd = open_in_root(root, path, os.O_PATH)
                sized = os.fstat(fd).st_size  # what the kernel makes up has none, and is not read
                name = f"/proc/self/fd/{fd}"
                found.append(lines(Linux(), name, fields, ids) if sized else [])
                os.close(fd)
            except FileNotFoundError:
                found.append([])
        return lookup(asked, *found)[:2]

    # Both

    def is_directory(self, parent: int, name: str) -> bool:
        """Say whether a name is a directory, and no link to one."""
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)

    def missing(self, path: str, problem: OSError) -> MinidockerError:
        """Put into words why a path of the container cannot be reached."""
        if isinstance(problem, FileNotFoundError | NotADirectoryError):
            return NotFound(
                f"there is no {path} in container {self.name}", f"minidocker diff {self.name}", 1,
                docker=f"Could not find the file {path} in container {self.name}",
            )  # fmt: skip
        why = problem if isinstance(problem, KernelError) else problem.strerror
        return MinidockerError(f"{self.name}:{path} cannot be reached: {why}", "another path", 1)

    def count(self, tree: Tree) -> None:
        """Take over what a tree has counted."""
        self.moved = tree.bytes
        self.lose(tree.lost)

    def lose(self, what: dict[str, int]) -> None:
        """Count what could not be kept."""
        for name, count in what.items():
            self.lost[name] = self.lost.get(name, 0) + count


def local_source(path: str, follow: bool) -> tuple[str, str, str]:
    """Split a path of ours: (the directory it is in, its name, what to call it)."""
    whole = os.path.realpath(path) if follow else path
    try:
        info = os.stat(whole) if path.endswith("/") else os.lstat(whole)
    except OSError as problem:
        raise NotFound(
            f"{path}: {problem.strerror}", f"ls {os.path.dirname(path) or '.'}", 1,
            docker=f"lstat {os.path.abspath(path)}: {(problem.strerror or '').lower()}",
        ) from None  # fmt: skip
    name = os.path.basename(whole.rstrip("/"))
    called = os.path.basename(path.rstrip("/"))
    if stat.S_ISDIR(info.st_mode) and (path.endswith("/") or name in ("", ".", "..")):
        return whole, ".", called if called not in ("", ".", "..") else "."
    if not stat.S_ISDIR(info.st_mode) and path.endswith("/"):
        raise MinidockerError(f"{path} is no directory", path.rstrip("/"), 1, "not a directory")
    return os.path.dirname(whole) or ".", name, called


def local_place(target: str, called: str, directory: bool) -> tuple[str, str]:
    """Find where a copy goes among our files: (the directory, what it is called there)."""
    if os.path.isdir(target):
        return target, called  # which is "." for what is in a directory
    refuse_place(target, os.path.lexists(target), directory)
    whole = os.path.realpath(target) if os.path.exists(target) else target.rstrip("/")
    folder = os.path.dirname(whole) or "."
    if not os.path.isdir(folder):
        raise NotFound(
            f"there is no directory {folder}", f"mkdir -p {folder}", 1,
            docker=f'invalid output path: directory "{folder}" does not exist',
        )  # fmt: skip
    return folder, os.path.basename(whole)


def refuse_place(path: str, there: bool, directory: bool) -> None:
    """Refuse what `docker cp` does not allow; `there`: something is, and no directory."""
    if there and directory:
        raise MinidockerError(
            f"{path} is a file, and a directory cannot be copied to it",
            "the directory that it is in", 1, "cannot copy directory",
        )  # fmt: skip
    if path.endswith("/") and not directory:
        raise NotFound(f"there is no directory {path}", "leave the last / out, or make it first", 1,
                       docker="no such directory")  # fmt: skip
