"""Files, more than a call at a time: read, written, told apart, removed."""

from __future__ import annotations

import sys
from errno import EBUSY, EEXIST, EFBIG, EINVAL, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.linux_targets import open_same_mount
from minidocker.kernel.named import fcntl, os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
S_IFMT, S_IFREG, S_IFDIR = 0o170000, 0o100000, 0o040000
FILE_SYSTEMS = {0x9FA0: "proc", 0x62656572: "sysfs", 0x63677270: "cgroup2", 0x27E0EB: "cgroup",
                0x01021994: "tmpfs"}  # fmt: skip  # <linux/magic.h>
MOST_READ = 16 << 20  # bytes: what we read whole is small, and may be an image's
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class Files(Kernel):
    """What stands beside the calls for files."""

    def shift_owners(self, path: str, uid: int, gid: int) -> None:
        found = os.lstat(path)
        if found.st_uid >= uid or found.st_gid >= gid:
            return  # all of it is: the top comes last
        # From below, and by open directories: a new owner may rename what is in its directory.
        for _, below, names, folder in os.fwalk(path, topdown=False, onerror=_raise):
            for name in (*below, *names):
                _shift(name, uid, gid, folder)
        _shift(path, uid, gid, None)

    def let_pass(self, path: str, gid: int) -> None:
        ask("chown(2)", path, os.chown, path, -1, gid)
        ask("chmod(2)", path, os.chmod, path, 0o710)

    def fill_directory(self, source: str, target: str) -> bool:
        from minidocker.kernel import copying  # whoever calls this in a child has loaded it before

        try:
            return copying.fill(source, target)
        except KernelError as problem:
            name, about = str(problem.filename or ""), f"while {target} was filled"
            raise KernelError(problem.call, problem.errno or 0, name, about) from None

    def remove_tree(self, path: str, last: str = "") -> None:
        try:
            top = os.open(path, DIRECTORY)
        except FileNotFoundError:
            return
        try:
            while names := [name for name in os.listdir(top) if name != last]:
                for name in names:
                    _remove(name, top, path)
            if last:
                _unless_gone(os.unlink, last, top, path)
        finally:
            os.close(top)
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass

    def write(self, path: str, text: str) -> None:
        fd = ask("open(2)", path, os.open, path, _NEW, 0o644)
        try:
            ask("write(2)", path, os.write, fd, os.fsencode(text))
        finally:
            os.close(fd)

    def rewrite(self, path: str, text: str) -> None:
        data = os.fsencode(text)
        fd = ask("open(2)", path, os.open, path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            ask("write(2)", path, os.pwrite, fd, data, 0)
            ask("ftruncate(2)", path, os.ftruncate, fd, len(data))
        finally:
            os.close(fd)

    def lock(self, path: str) -> int:
        while True:
            fd = ask("open(2)", path, os.open, path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            ask("flock(2)", path, fcntl.flock, fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return int(fd)
            os.close(fd)  # it was removed while we waited: the next one has made another

    def is_locked(self, path: str) -> bool:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, IsADirectoryError):
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(fd)

    def exists(self, path: str) -> bool:
        return bool(self.kind(path))

    def usable(self, path: str) -> bool:
        return os.access(path, os.R_OK | os.W_OK)

    def kind(self, path: str) -> str:
        found = _status(path)
        if found is None:
            return ""
        return "dir" if found.st_mode & S_IFMT == S_IFDIR else "file"

    def device(self, path: str) -> tuple[int, int]:
        follow = path.startswith(("/proc/self/fd/", "self/fd/"))  # that is, seen from within /proc
        found = _status(path, follow)
        if found is None or found.st_mode & S_IFMT != _flags.S_IFCHR:
            return 0, 0
        return os.major(found.st_rdev), os.minor(found.st_rdev)

    def superblock(self, path: str) -> int:
        found = _status(path)
        return found.st_dev if found else 0

    def filesystem(self, path: str) -> str:
        # int fstatfs(int fd, struct statfs *buf): its first word is the kind
        follow = 0 if path.startswith("/proc/self/fd/") else os.O_NOFOLLOW
        fd = self.open(path, os.O_PATH | follow)
        try:
            buffer = ctypes.create_string_buffer(256)
            call("fstatfs(2)", libc.fstatfs, fd, buffer, path=path)
            number = int.from_bytes(buffer.raw[:4], sys.byteorder)
            return FILE_SYSTEMS.get(number, hex(number))
        finally:
            os.close(fd)

    def read(self, path: str) -> str:
        return self.read_bytes(path).decode(errors="surrogateescape")

    def read_bytes(self, path: str) -> bytes:
        fd = self.open(path, os.O_RDONLY | os.O_NONBLOCK)  # an image may have a FIFO there
        chunks = []
        try:
            found = os.fstat(fd)
            if found.st_mode & S_IFMT != S_IFREG:
                raise KernelError("read(2)", EINVAL, path, "no ordinary file")
            if not found.st_size and path.startswith("/etc/"):
                return b""  # a link of an image's to /proc/kmsg would take the host's messages
            while chunk := ask("read(2)", path, os.read, fd, 65536):
                chunks.append(chunk)
                if len(chunks) > MOST_READ >> 16:
                    raise KernelError("read(2)", EFBIG, path)
        finally:
            os.close(fd)
        return b"".join(chunks)


def _shift(name: str, uid: int, gid: int, folder: int | None) -> None:
    """Move one file's ids up, once: what has been shifted stays."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if found.st_uid >= uid or found.st_gid >= gid:
        return

    def chown() -> None:
        os.chown(name, found.st_uid + uid, found.st_gid + gid, dir_fd=folder, follow_symlinks=False)

    ask("lchown(2)", name, chown)
    if found.st_mode & 0o6000 and found.st_mode & S_IFMT in (S_IFREG, S_IFDIR):
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            if os.fstat(held).st_ino == found.st_ino:  # chown took setuid away
                ask("chmod(2)", name, os.chmod, f"/proc/self/fd/{held}", found.st_mode & 0o7777)
        finally:
            os.close(held)


def _raise(problem: OSError) -> None:
    raise KernelError("open(2)", problem.errno or 0, str(problem.filename))


def _status(path: str, follow: bool = True) -> os.stat_result | None:
    """Ask for a path's status: None when nothing is there, and only then."""
    try:
        return os.stat(path, follow_symlinks=follow)
    except OSError as problem:
        if problem.errno in (ENOENT, ENOTDIR):
            return None
        raise KernelError("stat(2)", problem.errno or 0, path) from None


def _remove(name: str, top: int, path: str) -> None:
    """Remove a name; the directories in it move up into the top one, to be removed next.

    So no tree is too deep: neither for our stack nor for the longest path. What is mounted stays.
    What somebody else removes at the same time is fine, and what somebody puts in its place leads
    nowhere: each directory is open, and no path is looked up again.
    """
    if _removed(name, top, path):
        return
    try:
        inner = open_same_mount(name, top, DIRECTORY)
    except FileNotFoundError:
        return
    except KernelError as problem:
        if problem.errno != EXDEV:
            raise
        raise _mounted(f"{path}/{name}") from None
    try:
        for below in os.listdir(inner):
            if not _removed(below, inner, path):
                away = f".{os.urandom(8).hex()}"
                _unless_gone(os.rename, below, inner, path, away, top)
    finally:
        os.close(inner)
    _unless_gone(os.rmdir, name, top, path)


def _removed(name: str, parent: int, path: str) -> bool:
    """Remove a file or an empty directory; False for a directory that has something in it."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return True
    if found.st_mode & S_IFMT != S_IFDIR:
        _unless_gone(os.unlink, name, parent, path)
        return True
    try:
        _unless_gone(os.rmdir, name, parent, path)
    except KernelError as problem:
        if problem.errno == EBUSY:
            raise _mounted(f"{path}/…/{name}") from None
        if problem.errno not in (ENOTEMPTY, EEXIST):
            raise
        return False
    return True


def _mounted(path: str) -> KernelError:
    return KernelError("rmdir(2)", EBUSY, path, "something is mounted there")


def _unless_gone(
    function: Callable[..., Any], name: str, parent: int, path: str, to: str = "", other: int = -1
) -> None:
    """Do it to a name of an open directory; one that is gone is fine. `path`: for the message."""
    try:
        if to:
            function(name, to, src_dir_fd=parent, dst_dir_fd=other)
        else:
            function(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except KernelError as problem:
        raise KernelError(problem.call, problem.errno or 0, f"{path}/…/{name}") from None
