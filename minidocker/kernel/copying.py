"""Copy what is in a directory into an empty one, with owners, modes, times and attributes.

The target may be a volume that another container has already: nothing of a path is looked up
twice, and no link is followed, or it could lead the copy out. openat(2), O_NOFOLLOW
"""

from __future__ import annotations

import stat
from errno import EINVAL, ENODATA, ENOTSUP, EPERM

from minidocker.errors import MinidockerError
from minidocker.kernel.named import os

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PIECE = 1 << 20
DEEPEST = 256  # directories in one another, as in an image: each is two open descriptors

FILLING = ".minidocker-filling"  # is there until all is: who finds it begins again


def fill(source: str, target: str) -> bool:
    """Copy into `target` while it is empty, and make it like `source`; say whether it was.

    What a kill or a full disk has cut off is no volume that somebody has used: it is copied anew.
    """
    here = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    there = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not os.listdir(there):
            os.close(os.open(FILLING, NEW, 0o600, dir_fd=there))
        elif not _is_unfinished(there):
            return False
        _empty(there)
        _all(here, there, os.fstat(here).st_dev, 0)
        os.unlink(FILLING, dir_fd=there)
        _alike(here, there)
        return True
    finally:
        os.close(here)
        os.close(there)


def _all(here: int, there: int, device: int, depth: int) -> None:
    """Copy each name of one directory; what is mounted in it stays where it is."""
    if depth > DEEPEST:
        raise MinidockerError(
            f"a volume cannot be filled: more than {DEEPEST} directories stand in one another",
            "a volume that is not empty takes nothing   (--mount …,volume-nocopy: nothing at all)",
        )
    first: dict[tuple[int, int], str] = {}  # hard links within one directory stay links
    for name in os.listdir(here):
        if name == FILLING:
            continue  # an image's own would say that this is not whole
        found = os.stat(name, dir_fd=here, follow_symlinks=False)
        key = found.st_dev, found.st_ino
        if stat.S_ISDIR(found.st_mode):
            if found.st_dev == device:
                os.mkdir(name, 0o700, dir_fd=there)
                _below(name, here, there, device, depth + 1)
        elif key in first:
            os.link(first[key], name, src_dir_fd=there, dst_dir_fd=there, follow_symlinks=False)
        else:
            _one(name, found, here, there)
            if found.st_nlink > 1 and not stat.S_ISSOCK(found.st_mode):
                first[key] = name


def _is_unfinished(there: int) -> bool:
    """Say whether a copy was cut off here: our file is there, and no directory of that name."""
    try:
        return stat.S_ISREG(os.stat(FILLING, dir_fd=there, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _empty(top: int) -> None:
    """Remove all but FILLING, which goes last: a kill in between leaves it.

    Directories within others move up first, so that no tree is too deep for our stack.
    """
    while names := [name for name in os.listdir(top) if name != FILLING]:
        for name in names:
            if _unlinked(name, top):
                continue
            fd = os.open(name, DIRECTORY, dir_fd=top)
            try:
                for below in os.listdir(fd):
                    if not _unlinked(below, fd):
                        os.rename(below, os.urandom(8).hex(), src_dir_fd=fd, dst_dir_fd=top)
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=top)


def _unlinked(name: str, parent: int) -> bool:
    """Remove a name; False for a directory."""
    try:
        os.unlink(name, dir_fd=parent)
    except (IsADirectoryError, PermissionError):  # in some file systems EPERM. unlink(2)
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise
        return False
    return True


def _below(name: str, here: int, there: int, device: int, depth: int) -> None:
    old = os.open(name, DIRECTORY, dir_fd=here)
    new = os.open(name, DIRECTORY, dir_fd=there)
    try:
        _all(old, new, device, depth)
        _alike(old, new)
    finally:
        os.close(old)
        os.close(new)


def _one(name: str, found: os.stat_result, here: int, there: int) -> None:
    """Copy a file, a link, or a node; a socket is nothing without its server."""
    if stat.S_ISREG(found.st_mode):
        old = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
        new = os.open(name, NEW, 0o600, dir_fd=there)
        try:
            while piece := os.read(old, PIECE):
                while piece:
                    piece = piece[os.write(new, piece) :]
            _alike(old, new)
        finally:
            os.close(old)
            os.close(new)
    elif stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=there)
        _owned(name, found, there)
    elif not stat.S_ISSOCK(found.st_mode):
        try:
            os.mknod(name, found.st_mode, found.st_rdev, dir_fd=there)
        except PermissionError:
            return  # a device in a user namespace: the volume is nodev, so it would be dead
        _owned(name, found, there)


def _owned(name: str, found: os.stat_result, there: int) -> None:
    try:
        os.chown(name, found.st_uid, found.st_gid, dir_fd=there, follow_symlinks=False)
    except OSError as problem:
        if problem.errno != EINVAL:  # an owner who has no place in the user namespace
            raise
    times = found.st_atime_ns, found.st_mtime_ns
    os.utime(name, ns=times, dir_fd=there, follow_symlinks=False)


def _alike(old: int, new: int) -> None:
    """Give an open file owner, mode, attributes and times of another; setuid after the owner."""
    found = os.fstat(old)
    try:
        os.fchown(new, found.st_uid, found.st_gid)
    except OSError as problem:
        if problem.errno != EINVAL:
            raise
    os.fchmod(new, stat.S_IMODE(found.st_mode))
    try:
        for key in os.listxattr(old):
            os.setxattr(new, key, os.getxattr(old, key))
    except OSError as problem:
        if problem.errno not in (ENOTSUP, EPERM, ENODATA):
            raise
    os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
