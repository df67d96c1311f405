"""Unpack a tar archive beneath a directory, whole, and never outside it.

A hostile archive tries to write elsewhere: by "..", by an absolute name, by a symbolic link that it
makes first and then writes through, by a hard link to a file of the host. So no path is ever given
to the kernel as a whole (see `open_directories`), and nothing is opened for writing but new files
(O_EXCL). Directories get owner, mode and times last, deepest first: a new file changes its
directory's times.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable

from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.images.archive.attributes import Dresser
from minidocker.images.archive.member import LINK, Member
from minidocker.images.archive.open_directories import DIRECTORY, Chain, Parts
from minidocker.images.archive.stream import shown
from minidocker.images.archive.tar import Archive

MOST = 500_000  # members of one archive; a full desktop has some 300 000
DEEPEST = 256  # directories in one path: each level of the current path is an open descriptor
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LOOK_AGAIN = 64 << 20  # bytes written between two looks at the free space
KEEP_FREE = 64 << 20  # bytes that an import leaves free on the disk
DISTRUST = "do not trust this archive; a root file system is packed with: tar -C ROOTFS -c ."


class Unpacker:
    """Puts the members of an archive under `root`, an empty directory that nobody else changes.

    Afterwards `bytes` and `entries` say how much there is, and `lost` counts what could not be
    kept here: {"owners": 12, "device nodes": 5, "security.selinux": 900}.
    """

    def __init__(self, root: str, title: str) -> None:
        self.root = root
        self.title = title
        self.bytes = 0
        self.entries = 0
        self.lost: dict[str, int] = {}
        self._dresser = Dresser(self._lose)
        self._next_look = 0
        self._directories: dict[Parts, Member] = {}
        self._skipped: set[Parts] = set()  # device nodes that a user without root cannot make
        self._makers: dict[int, Callable[[Archive, Member, int, bytes], None]] = {
            stat.S_IFREG: self._file,
            LINK: self._hard_link,
            stat.S_IFLNK: self._symlink,
            stat.S_IFDIR: self._directory,
            stat.S_IFCHR: self._node,
            stat.S_IFBLK: self._node,
            stat.S_IFIFO: self._node,
        }

    def unpack(self, archive: Archive) -> None:
        """Unpack all members; UsageError names the first that is refused, and why."""
        fd = os.open(self.root, DIRECTORY)
        other = os.dup(fd)
        self._here, self._there = Chain(fd), Chain(other)
        try:
            self._plain_root(fd)
            for member in archive:
                self._add(archive, member)
            self._finish_directories()
        finally:
            for chain in (self._here, self._there):
                chain.leave(0)
            os.close(fd)
            os.close(other)

    def _add(self, archive: Archive, member: Member) -> None:
        self.entries += 1
        if self.entries > MOST:
            raise UsageError(f"{self.title} has more than {MOST} members", DISTRUST)
        self._place(archive, member, self._path(member, member.name))

    def _place(self, archive: Archive, member: Member, path: Parts) -> None:
        """Put a member where it belongs; the path has passed `_path`."""
        try:
            if not path:
                self._root(member)
                return
            parent = self._here.open(path[:-1], make=True)
            try:
                self._makers[member.kind](archive, member, parent, path[-1])
            except FileExistsError:  # a later member of the same name takes its place
                self._clear(path, parent)
                self._makers[member.kind](archive, member, parent, path[-1])
        except (OSError, OverflowError) as problem:
            raise self._refused(member, problem) from None
        if member.kind == stat.S_IFDIR:
            self._directories[path] = member

    # One function for each kind of member; FileExistsError before anything is read of the archive

    def _file(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        fd = os.open(name, NEW, 0o600, dir_fd=parent)
        try:
            if member.extents is None:
                self._write(fd, archive, member.size)
            else:
                for offset, length in member.extents:
                    os.lseek(fd, offset, os.SEEK_SET)
                    self._write(fd, archive, length)
                os.ftruncate(fd, member.size)
            self._dresser.dress(fd, member)
        finally:
            os.close(fd)

    def _write(self, fd: int, archive: Archive, size: int) -> None:
        for piece in archive.data(size):
            self.bytes += len(piece)
            if self.bytes >= self._next_look:
                self._look_at_free_space(fd)
            done = os.write(fd, piece)
            while done < len(piece):
                done += os.write(fd, piece[done:])

    def _hard_link(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        target = self._path(member, member.link)
        if target in self._skipped:
            self._lose("device nodes")
            return
        try:
            above = self._there.open(target[:-1])
            # Without follow_symlinks=False, a link to a symbolic link would reach what that names.
            os.link(target[-1], name, src_dir_fd=above, dst_dir_fd=parent, follow_symlinks=False)
        except PermissionError:
            if not stat.S_ISDIR(os.lstat(target[-1], dir_fd=above).st_mode):
                raise
            raise self._refuse(member, "is a hard link to a directory") from None
        except (FileNotFoundError, IndexError):
            raise self._refuse(
                member, f"links to {shown(member.link)}, which is not there"
            ) from None

    def _symlink(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        if b"\0" in member.link or not member.link:
            raise self._refuse(member, "is a symbolic link to nothing")
        os.symlink(member.link, name, dir_fd=parent)  # its text may say anything: nobody follows it
        self._dresser.dress_name(parent, name, member)

    def _directory(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                raise

    def _node(self, archive: Archive, member: Member, parent: int, name: bytes) -> None:
        if not self._dresser.real and member.kind != stat.S_IFIFO:
            self._skipped.add(self._path(member, member.name))
            self._lose("device nodes")
            return
        os.mknod(name, member.kind | 0o600, member.device, dir_fd=parent)
        self._dresser.dress_name(parent, name, member)

    def _finish_directories(self) -> None:
        for path in sorted(self._directories, reverse=True):  # what is in a directory comes before
            member = self._directories[path]
            try:
                self._dresser.dress(self._here.open(path), member)
            except (OSError, OverflowError) as problem:
                raise self._refused(member, problem) from None

    # What goes wrong

    def _path(self, member: Member, name: bytes) -> Parts:
        """Split a path of the archive; refuse what does not stay beneath the root by its words."""
        parts = tuple([part for part in name.split(b"/") if part not in (b"", b".")])
        where = "" if name is member.name else f" links to {shown(name)}, which"
        if name.startswith(b"/"):
            raise self._refuse(member, f"{where} begins with /".lstrip())
        if b".." in parts:
            raise self._refuse(member, f"{where} has .. in it".lstrip())
        if b"\0" in name or len(parts) > DEEPEST:
            raise self._refuse(member, f"{where} is not a path that a file can have".lstrip())
        return parts

    def _plain_root(self, fd: int) -> None:
        """Let nothing come from the directory above: group, set-group-id bit, default ACL."""
        os.fchown(fd, self._dresser.user, self._dresser.group)
        os.fchmod(fd, 0o755)
        with contextlib.suppress(OSError):
            os.removexattr(fd, "system.posix_acl_default")

    def _root(self, member: Member) -> None:
        if member.kind != stat.S_IFDIR:
            raise self._refuse(member, "has no name")
        self._directories[()] = member

    def _clear(self, path: Parts, parent: int) -> None:
        """Remove what stands in the place of a new member; OSError for a directory with files."""
        if not stat.S_ISDIR(os.lstat(path[-1], dir_fd=parent).st_mode):
            os.unlink(path[-1], dir_fd=parent)
            return
        os.rmdir(path[-1], dir_fd=parent)
        self._directories.pop(path, None)
        if self._there.names[: len(path)] == path:
            self._there.leave(len(path) - 1)

    def _lose(self, what: str) -> None:
        self.lost[what] = self.lost.get(what, 0) + 1

    def _look_at_free_space(self, fd: int) -> None:
        disk = os.fstatvfs(fd)
        if disk.f_blocks and disk.f_bavail * disk.f_frsize < LOOK_AGAIN + KEEP_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._next_look = self.bytes + LOOK_AGAIN

    def _refuse(self, member: Member, why: str) -> UsageError:
        return UsageError(
            f"{self.title} is refused: its member {shown(member.name)} {why}", DISTRUST
        )

    def _refused(self, member: Member, problem: Exception) -> MinidockerError:
        number = problem.errno if isinstance(problem, OSError) else 0
        if number in (errno.ENOSPC, errno.EDQUOT):
            return Blocked(f"the disk is too full to unpack {self.title}", "minidocker prune")
        if number in (errno.EPERM, errno.EACCES):
            word = os.strerror(number)
            return Blocked(
                f"the member {shown(member.name)} cannot be made here: {word}", "minidocker doctor"
            )
        return self._refuse(member, REASONS.get(number or 0) or f"cannot be made: {problem}")


REASONS = {
    0: "has a time or an owner that no file can have",
    errno.ELOOP: "goes through a symbolic link or a file",
    errno.ENOTDIR: "goes through a symbolic link or a file",
    errno.ENOTEMPTY: "takes the place of a directory that is not empty",
    errno.ENAMETOOLONG: "has a name that is too long",
}
