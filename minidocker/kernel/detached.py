"""Detached trees of mounts: a copy that is nowhere gets its attributes, and only then a place.

Between two calls by name, who shares a directory around the place could put another mount there.
"""

from __future__ import annotations

import sys

from minidocker.kernel.libc import call, ctypes, libc
from minidocker.kernel.linux_targets import AT_RECURSIVE, SYS_MOUNT_SETATTR, open_tree

AT_EMPTY_PATH = 0x1000
PROC_SUPER_MAGIC = 0x9FA0
MOUNT_ATTR_IDMAP = 0x00100000


def copy_of(path: str, whole: bool) -> int:
    """Return a copy of the mount at a path, with `whole` of those below it, too. open_tree(2)"""
    return open_tree(path, AT_RECURSIVE if whole else 0)


def change(tree: int, set: int, clear: int, propagation: int, recursive: bool) -> None:
    """Set and clear attributes (MOUNT_ATTR_…) of an open mount. mount_setattr(2), Linux 5.12

    `propagation` is MS_PRIVATE and the like, or 0; `recursive`: of all mounts below it, too.
    """
    # struct mount_attr { __u64 attr_set, attr_clr, propagation, userns_fd; }
    attr = (ctypes.c_uint64 * 4)(set, clear, propagation)
    call(
        "mount_setattr(2)", libc.syscall, SYS_MOUNT_SETATTR, tree, "",
        AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0), attr, ctypes.sizeof(attr),
    )  # fmt: skip


def is_procfs(fd: int) -> bool:
    """Say whether an open file lies in a procfs; no path is asked, which may lie. fstatfs(2)"""
    buffer = ctypes.create_string_buffer(256)  # struct statfs: its first word is the kind
    call("fstatfs(2)", libc.fstatfs, fd, buffer)
    return int.from_bytes(buffer.raw[:4], sys.byteorder) == PROC_SUPER_MAGIC


def map_ids(tree: int, namespace: int, recursive: bool) -> None:
    """Show other owners: the ids on disk go through a user namespace's maps. mount_setattr(2)"""
    attr = (ctypes.c_uint64 * 4)(MOUNT_ATTR_IDMAP, 0, 0, namespace)
    call(
        "mount_setattr(2)", libc.syscall, SYS_MOUNT_SETATTR, tree, "",
        AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0), attr, ctypes.sizeof(attr),
    )  # fmt: skip
