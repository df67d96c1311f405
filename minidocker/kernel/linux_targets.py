"""Mount points in an image: looked up as if its root were "/", and found again."""

from __future__ import annotations

from errno import EAGAIN, ELOOP, ENOENT

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

SYS_OPEN_TREE = 428
SYS_OPENAT2 = 437
SYS_MOUNT_SETATTR = 442
RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10
AT_SYMLINK_NOFOLLOW = 0x100
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
TRIES = 128
LINKS = 40  # symbolic links in one path, as in the kernel
AT_FDCWD = -100
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class Targets(Kernel):
    """Safe names for places below a root, and copies of trees of mounts."""

    def __init__(self) -> None:
        self._targets: dict[str, tuple[str, str]] = {}  # /proc/self/fd/N → (root, path) of target()

    def _top(self, target: str) -> str:
        """A target's descriptor shows what the mount has covered: look its name up again."""
        if target not in self._targets:
            return target
        root, path = self._targets[target]
        held = self._in_root(self._anchor(root), path.strip("/") or ".", os.O_PATH)
        return f"/proc/self/fd/{held}"

    def _shown(self, target: str) -> str:
        root, path = self._targets.get(target, ("", target))
        return root + os.fspath(path)

    def _anchor(self, root: str) -> int:
        return os.open(root or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def target(self, root: str, path: str, kind: str = "dir") -> str:
        parts = _parts(path)
        anchor = self._anchor(root)
        depth = links = 0
        while depth < len(parts):
            depth += 1
            try:
                os.close(self._in_root(anchor, "/".join(parts[:depth]), os.O_PATH))
                continue
            except KernelError as problem:
                if problem.errno != ENOENT:
                    raise
            parent = self._in_root(anchor, "/".join(parts[: depth - 1]) or ".", os.O_PATH)
            if link := _link(parts[depth - 1], parent):  # to nothing yet: make what it names
                links += 1
                if links > LINKS:
                    raise KernelError("openat2(2)", ELOOP, path)
                above = [] if link.startswith("/") else parts[: depth - 1]
                parts, depth = above + _parts(link) + parts[depth:], 0
            else:
                directory = kind == "dir" or depth < len(parts)
                make = _make_directory if directory else _make_file
                ask("mkdir(2)" if directory else "open(2)", path, make, parts[depth - 1], parent)
            os.close(parent)
        found = f"/proc/self/fd/{self._in_root(anchor, '/'.join(parts) or '.', os.O_PATH)}"
        self._targets[found] = (root.rstrip("/"), "/" + "/".join(parts))
        return found

    def _in_root(self, anchor: int, path: str, flags: int) -> int:
        return _openat2(anchor, path, flags, 0, RESOLVE_IN_ROOT)

    def bind_tree(self, source: str, target: str, attributes: int) -> None:
        tree = open_tree(source, AT_RECURSIVE)
        try:
            if attributes:
                # Private, too: a mount that came from elsewhere later would lack the attributes.
                name = f"/proc/self/fd/{tree}"
                set_attributes(name, attributes, True, _flags.MS_PRIVATE, source)
            self.move_mount(tree, target)
        finally:
            os.close(tree)

    def tree_of(self, namespace: int, path: str) -> int:
        mounts, root, here = (
            os.open(name, os.O_CLOEXEC | flags)
            for name, flags in (("/proc/self/ns/mnt", 0), ("/", os.O_PATH), (".", os.O_PATH))
        )
        self.setns(namespace, _flags.CLONE_NEWNS)  # moves "/" and "." too
        try:
            return open_tree(path, AT_SYMLINK_NOFOLLOW)
        finally:
            self.setns(mounts, _flags.CLONE_NEWNS)
            os.fchdir(root)
            os.chroot(".")
            os.fchdir(here)
            for fd in (mounts, root, here):
                os.close(fd)


def open_tree(path: str, flags: int) -> int:
    """Take a copy of the mount at a path: a descriptor, mounted nowhere. open_tree(2)"""
    # int syscall(SYS_open_tree, int dirfd, const char *path, unsigned flags)
    flags |= OPEN_TREE_CLONE | os.O_CLOEXEC
    return call("open_tree(2)", libc.syscall, SYS_OPEN_TREE, AT_FDCWD, path, flags, path=path)


def set_attributes(
    path: str, attributes: int, recursive: bool, propagation: int = 0, shown: str = ""
) -> None:
    """Add attributes to a mount, and change its propagation where one is said. mount_setattr(2)"""
    # int syscall(SYS_mount_setattr, int dirfd, const char *path, unsigned flags,
    #             struct mount_attr *attr, size_t size)
    # struct mount_attr { __u64 attr_set, attr_clr, propagation, userns_fd; }
    attr = (ctypes.c_uint64 * 4)(attributes, 0, propagation)
    call(
        "mount_setattr(2)", libc.syscall, SYS_MOUNT_SETATTR, AT_FDCWD, path,
        AT_RECURSIVE if recursive else 0, attr, ctypes.sizeof(attr), path=shown,
    )  # fmt: skip


def open_in_root(anchor: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path below a directory's descriptor: no link, ".." or /proc link leads out of it."""
    return _openat2(anchor, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def open_same_mount(name: str, parent: int, flags: int) -> int:
    """Open a name of an open directory; EXDEV: something is mounted there, of whatever device."""
    return _openat2(parent, name, flags, 0, RESOLVE_NO_XDEV)


def _openat2(anchor: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """Open; again, when something was renamed or mounted meanwhile, anywhere on the machine.

    The kernel cannot tell then whether a ".." led out, and says EAGAIN. runc tries as often.
    """
    # long syscall(SYS_openat2, int dirfd, const char *path, struct open_how *how, size_t size)
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    for tries_left in reversed(range(TRIES)):
        try:
            return call(
                "openat2(2)", libc.syscall, SYS_OPENAT2, anchor, path, how, ctypes.sizeof(how),
                path=path,
            )  # fmt: skip
        except KernelError as problem:
            if problem.errno != EAGAIN or not tries_left:
                raise
    raise AssertionError("not reached")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _link(name: str, parent: int) -> str:
    """Return where a symbolic link leads; "" when there is none."""
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return ""


def _make_directory(name: str, parent: int) -> None:
    os.mkdir(name, 0o755, dir_fd=parent)


def _make_file(name: str, parent: int) -> None:
    os.close(os.open(name, _NEW | os.O_EXCL, 0o644, dir_fd=parent))
