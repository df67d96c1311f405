"""What waits in a unix socket of another process: descriptors that were sent, and not received.

Nothing in /proc names them. So a copy of the socket is taken, and its queue is looked through with
MSG_PEEK, which leaves everything where it is. pidfd_getfd(2), unix(7), SO_PEEK_OFF in socket(7)
"""

from __future__ import annotations

import os
from errno import EAGAIN, EMSGSIZE

from minidocker.errors import KernelError
from minidocker.kernel.libc import call, ctypes, libc
from minidocker.kernel.packets import (
    CMSG_HEAD,
    MSG_CMSG_CLOEXEC,
    MSG_DONTWAIT,
    MSG_PEEK,
    SCM_RIGHTS,
    SOL_SOCKET,
    message,
)

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterator

FIONREAD = 0x541B  # bytes that wait, of a stream
SO_PEEK_OFF = 42
MSG_CTRUNC, MSG_TRUNC = 0x8, 0x20
CARRIED = 253  # descriptors of one message, at most: SCM_MAX_FD
ROOM = (CMSG_HEAD + 4 * CARRIED + 64) // 4  # and what else may come along
MOST = 1 << 18  # bytes that we look through at once: more than a socket usually holds
LONGEST = 10_000  # messages


def waiting(sock: int) -> Iterator[int]:
    """Yield each descriptor that waits in a socket; it is open until the next is asked for.

    KernelError where a message is longer than we look through, or carries more than we may have.
    """
    if bytes_in(sock) > MOST:
        raise KernelError("recvmsg(2)", EMSGSIZE)
    text = ctypes.create_string_buffer(MOST)
    before = offset(sock)
    set_offset(sock, 0)
    try:
        for _ in range(LONGEST):
            found = peek(sock, text)
            try:
                if not found:
                    return
                yield from found[1:]
            finally:
                for fd in found[1:]:
                    os.close(fd)
    finally:
        set_offset(sock, before)


def peek(sock: int, text: object) -> list[int]:
    """Look at the next message: [its bytes, descriptor, …]; [] where there is none."""
    control = (ctypes.c_uint32 * ROOM)()
    head, _iov = message(text, control)
    try:
        flags = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC
        size = call("recvmsg(2)", libc.recvmsg, sock, head, flags)
    except KernelError as problem:
        if problem.errno != EAGAIN:
            raise
        return []
    found, place = [size], 0
    while place * 4 + CMSG_HEAD <= head[5]:  # each begins at a multiple of eight
        length = control[place]
        if list(control[place + 2 : place + 4]) == [SOL_SOCKET, SCM_RIGHTS]:
            found += control[place + 4 : place + length // 4]
        place += max((length + 7) // 8 * 2, 4)
    if head[6] & (MSG_CTRUNC | MSG_TRUNC):
        for fd in found[1:]:
            os.close(fd)
        raise KernelError("recvmsg(2)", EMSGSIZE)
    return found if size or found[1:] else []


def bytes_in(sock: int) -> int:
    """Return how many bytes wait in a socket; of one whose messages are whole, in the first."""
    # int ioctl(int fd, unsigned long request, int *count)
    count = (ctypes.c_uint32 * 1)()
    call("ioctl(2)", libc.ioctl, sock, ctypes.c_ulong(FIONREAD), count, path="FIONREAD")
    return int(count[0])


def offset(sock: int) -> int:
    """Return from which byte on MSG_PEEK looks; 2^32 - 1: from the first each time, as is usual."""
    # int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
    value, length = (ctypes.c_uint32 * 1)(), (ctypes.c_uint32 * 1)(4)
    call("getsockopt(2)", libc.getsockopt, sock, SOL_SOCKET, SO_PEEK_OFF, value, length)
    return int(value[0])


def set_offset(sock: int, byte: int) -> None:
    """Say from which byte on MSG_PEEK looks; it moves on by itself."""
    # int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
    value = (ctypes.c_uint32 * 1)(byte)
    call("setsockopt(2)", libc.setsockopt, sock, SOL_SOCKET, SO_PEEK_OFF, value, 4)
