"""Copy what is in a directory into an empty one, with owners, modes, times and attributes.

The target may be a volume that another container has already: nothing of a path is looked up
twice, and no link is followed, or it could lead the copy out. openat(2), O_NOFOLLOW
"""

from __future__ import annotations

import os
import stat
from errno import EINVAL, ENODATA, ENOTSUP, EPERM

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PIECE = 1 << 20


FILLING = ".minidocker-filling"  # is there until all is: who finds it begins again


def fill(source: str, target: str) -> bool:
    """Copy into `target` while it is empty, and make it like `source`; say whether it was.

    What a kill or a full disk has cut off is no volume that somebody has used: it is copied anew.
    """
    here = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    there = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = os.listdir(there)
        if names and FILLING not in names:
            return False
        for name in names:
            _remove(name, there)
        os.close(os.open(FILLING, NEW, 0o600, dir_fd=there))
        _all(here, there, os.fstat(here).st_dev)
        os.unlink(FILLING, dir_fd=there)
        _alike(here, there)
        return True
    finally:
        os.close(here)
        os.close(there)


def _all(here: int, there: int, device: int) -> None:
    """Copy each name of one directory; what is mounted in it stays where it is."""
    first: dict[tuple[int, int], str] = {}  # hard links within one directory stay links
    for name in os.listdir(here):
        if name == FILLING:
            continue  # an image's own would say that this is not whole
        found = os.stat(name, dir_fd=here, follow_symlinks=False)
        key = found.st_dev, found.st_ino
        if stat.S_ISDIR(found.st_mode):
            if found.st_dev == device:
                os.mkdir(name, 0o700, dir_fd=there)
                _below(name, here, there, device)
        elif key in first:
            os.link(first[key], name, src_dir_fd=there, dst_dir_fd=there, follow_symlinks=False)
        else:
            _one(name, found, here, there)
            if found.st_nlink > 1 and not stat.S_ISSOCK(found.st_mode):
                first[key] = name


def _remove(name: str, parent: int) -> None:
    """Remove a name with all below it, each from its open directory."""
    try:
        os.unlink(name, dir_fd=parent)
        return
    except (IsADirectoryError, PermissionError):
        pass  # unlink(2) says EPERM of a directory in some file systems
    fd = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        for below in os.listdir(fd):
            _remove(below, fd)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=parent)


def _below(name: str, here: int, there: int, device: int) -> None:
    old = os.open(name, DIRECTORY, dir_fd=here)
    new = os.open(name, DIRECTORY, dir_fd=there)
    try:
        _all(old, new, device)
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
