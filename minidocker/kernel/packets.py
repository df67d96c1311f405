"""Packets: connected sockets, whose messages come whole and may carry descriptors. unix(7)

Through libc, as in linux.py: the module _socket knows every protocol, and costs a start 0.3 ms.
"""

from __future__ import annotations

import os
from errno import EAGAIN

from minidocker.errors import KernelError
from minidocker.kernel.libc import call, ctypes, libc

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

AF_UNIX, SOCK_SEQPACKET = 1, 5
SOL_SOCKET, SCM_RIGHTS = 1, 1
MSG_PEEK, MSG_DONTWAIT, MSG_CMSG_CLOEXEC = 0x2, 0x40, 0x40000000
CMSG_HEAD = 16  # struct cmsghdr { size_t len; int level; int type; … }, little-endian
DESCRIPTORS = 12  # so many a message may carry; the kernel closes what is more


class End:
    """One of the two sockets."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the descriptor; -1 when it is closed."""
        return self._fd

    def close(self) -> None:
        """Close it; harmless when done twice."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def setblocking(self, wait: bool) -> None:
        """Say whether `receive` waits."""
        os.set_blocking(self._fd, wait)

    def is_over(self) -> bool:
        """Say whether the other end is closed, and nothing that it said is left."""
        # ssize_t recv(int fd, void *buf, size_t len, int flags)
        one = ctypes.create_string_buffer(1)
        try:
            return not call("recv(2)", libc.recv, self._fd, one, 1, MSG_DONTWAIT | MSG_PEEK)
        except KernelError as problem:
            if problem.errno != EAGAIN:
                raise
            return False

    def send(self, data: bytes, *descriptors: int) -> None:
        """Send one message that carries descriptors. SCM_RIGHTS"""
        text = ctypes.create_string_buffer(data, len(data))
        size = CMSG_HEAD + 4 * len(descriptors)
        control = (ctypes.c_uint32 * (4 + len(descriptors) + len(descriptors) % 2))(
            size, 0, SOL_SOCKET, SCM_RIGHTS, *descriptors
        )
        head, _iov = message(text, control)
        call("sendmsg(2)", libc.sendmsg, self._fd, head, 0)

    def receive(self, most: int) -> tuple[bytes, list[int]]:
        """Take one message: its bytes, and descriptors that are ours now; b"" is the end."""
        text = ctypes.create_string_buffer(most)
        control = (ctypes.c_uint32 * (4 + DESCRIPTORS))()
        head, _iov = message(text, control)
        size = call("recvmsg(2)", libc.recvmsg, self._fd, head, MSG_CMSG_CLOEXEC)
        carried = control[2:4] == [SOL_SOCKET, SCM_RIGHTS]
        count = (control[0] - CMSG_HEAD) // 4 if head[5] >= CMSG_HEAD and carried else 0
        return memoryview(text)[:size].tobytes(), list(control[4 : 4 + count])


def message(text: Any, control: Any) -> tuple[Any, Any]:
    """Return a struct msghdr for both buffers, and the struct iovec that it points to."""
    iov = (ctypes.c_uint64 * 2)(ctypes.addressof(text), ctypes.sizeof(text))
    # { void *name; socklen_t namelen; struct iovec *iov; size_t iovlen;
    #   void *control; size_t controllen; int flags; }
    head = (ctypes.c_uint64 * 7)(
        0, 0, ctypes.addressof(iov), 1, ctypes.addressof(control), ctypes.sizeof(control), 0
    )
    return head, iov


def pair() -> tuple[End, End]:
    """Return two connected ends, closed on exec. socketpair(2)"""
    # int socketpair(int domain, int type, int protocol, int sv[2])
    both = (ctypes.c_uint32 * 2)()
    call("socketpair(2)", libc.socketpair, AF_UNIX, SOCK_SEQPACKET | os.O_CLOEXEC, 0, both)
    return End(both[0]), End(both[1])
