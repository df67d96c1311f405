"""Callers: a socket with a name in the file system, at which others call. unix(7)

What a plain run needs of sockets is in packets.py; this is loaded only where a door is.
"""

from __future__ import annotations

import os

from minidocker.errors import KernelError
from minidocker.kernel.libc import call, libc
from minidocker.kernel.packets import AF_UNIX, SOCK_SEQPACKET, End

BACKLOG = 128  # callers that wait to be taken


def listen(path: str) -> int:
    """Listen at a new socket; return its descriptor, which does not wait. socket(2), bind(2)"""
    # int socket(int domain, int type, int protocol); int bind(int fd, const struct sockaddr *addr,
    # socklen_t len); int listen(int fd, int backlog)
    kind = SOCK_SEQPACKET | os.O_CLOEXEC | os.O_NONBLOCK
    fd = call("socket(2)", libc.socket, AF_UNIX, kind, 0)
    address = sockaddr(path)
    call("bind(2)", libc.bind, fd, address, len(address), path=path)
    call("listen(2)", libc.listen, fd, BACKLOG, path=path)
    return fd


def accept(fd: int) -> End:
    """Take one who has called; its end does not wait. accept4(2)"""
    # int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
    flags = os.O_CLOEXEC | os.O_NONBLOCK
    return End(call("accept4(2)", libc.accept4, fd, None, None, flags))


def connect(path: str) -> End:
    """Call who listens at a socket. connect(2)"""
    # int connect(int fd, const struct sockaddr *addr, socklen_t len)
    fd = call("socket(2)", libc.socket, AF_UNIX, SOCK_SEQPACKET | os.O_CLOEXEC, 0)
    address = sockaddr(path)
    try:
        call("connect(2)", libc.connect, fd, address, len(address), path=path)
    except KernelError:
        os.close(fd)
        raise
    return End(fd)


def sockaddr(path: str) -> bytes:
    """Return a struct sockaddr_un: the family, and a path of at most 107 bytes."""
    return AF_UNIX.to_bytes(2, "little") + os.fsencode(path) + b"\0"
