"""System calls that another process does for the caller: seccomp_unotify(2), move_mount(2)."""

from __future__ import annotations

import fcntl
import struct
from errno import EBADF

from minidocker.errors import KernelError
from minidocker.kernel.libc import call, ctypes, libc
from minidocker.kernel.linux_network import descriptor_of
from minidocker.kernel.linux_targets import AT_FDCWD, OPEN_TREE_CLONE, SYS_OPEN_TREE
from minidocker.kernel.named import os

SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
SYS_MOVE_MOUNT = 429
RET_USER_NOTIF = 0x7FC00000
RET_ALLOW = 0x7FFF0000
NEW_LISTENER = 1 << 3
MOVE_MOUNT_F_EMPTY_PATH = 4
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE: the kernel does the call, with its own checks
# struct seccomp_notif { u64 id; u32 pid, flags; struct seccomp_data data; } and its answer
ASKED = struct.Struct("=QIIiIQ6Q")
ANSWER = struct.Struct("=QqiI")
RECV, SEND, VALID = 0xC0502100, 0xC0182101, 0x40082102


def listen(program: bytes) -> int:
    """Put a filter on this process, and return the descriptor at which its notices arrive."""
    # int syscall(SYS_seccomp, unsigned operation, unsigned flags, struct sock_fprog *program)
    code = ctypes.create_string_buffer(program, len(program))
    head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
    number = SYS_SECCOMP.get(os.uname().machine, 277)
    return call("seccomp(2)", libc.syscall, number, 1, NEW_LISTENER, head)


def taken(pid: int, number: int) -> int:
    """Return a copy of the listener that another process has as descriptor `number`.

    EBADF when that is no listener. For who may trace it: pidfd_getfd(2), Linux 5.6.
    """
    process = os.pidfd_open(pid)
    try:
        found = descriptor_of(process, number)
    finally:
        os.close(process)
    if os.readlink(f"/proc/self/fd/{found}") != "anon_inode:seccomp notify":
        os.close(found)
        raise KernelError("pidfd_getfd(2)", EBADF)
    return found


def asked(listener: int) -> tuple[int, int, int, tuple[int, ...]] | None:
    """Return (id, pid, number of the call, its arguments); None when the caller has gone."""
    room = bytearray(ASKED.size)
    try:
        fcntl.ioctl(listener, RECV, room, True)
    except OSError:
        return None
    number, pid, _, call_number, _, _, *arguments = ASKED.unpack(room)
    return number, pid, call_number, tuple(arguments)


def waits(listener: int, number: int) -> bool:
    """Say whether the caller still waits: then its pid means what it meant."""
    try:
        fcntl.ioctl(listener, VALID, struct.pack("=Q", number))
    except OSError:
        return False
    return True


def answer(listener: int, number: int, errno: int = 0, flags: int = 0) -> None:
    """End a call that waits: done, refused with an errno, or CONTINUE."""
    try:
        fcntl.ioctl(listener, SEND, ANSWER.pack(number, 0, -errno, flags))
    except OSError:
        pass  # its process was killed meanwhile


def copy_of(path: str) -> int:
    """Return a descriptor of a mount that shows `path` and hangs nowhere yet: open_tree(2)."""
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC
    return call("open_tree(2)", libc.syscall, SYS_OPEN_TREE, AT_FDCWD, path, flags, path=path)


def attach(tree: int, folder: int, name: str) -> None:
    """Put such a mount on a name in a directory that is open: move_mount(2)."""
    call("move_mount(2)", libc.syscall, SYS_MOVE_MOUNT, tree, "", folder, name,
         MOVE_MOUNT_F_EMPTY_PATH, path=name)  # fmt: skip
