"""The network, by ioctl and sockets: what `ip` and `nft` would be too much for."""

from __future__ import annotations

from errno import EINVAL, ENODEV

from minidocker.errors import KernelError
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

SYS_PIDFD_OPEN = 434
SYS_PIDFD_GETFD = 438
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
SIOCADDRT = 0x890B
TUNATTACHFILTER = 0x401054D5  # _IOW('T', 213, struct sock_fprog)
AF_INET = 2
RTF_UP, RTF_GATEWAY, RTF_HOST = 1, 2, 4
IFF_UP = 1


def descriptor_of(process: int, number: int) -> int:
    """Return a descriptor for what another process has open, by its pidfd. pidfd_getfd(2)"""
    # int syscall(SYS_pidfd_getfd, int pidfd, int targetfd, unsigned int flags): 5.6
    return call("pidfd_getfd(2)", libc.syscall, SYS_PIDFD_GETFD, process, number, 0)


class Network(Kernel):
    """What stands beside the calls for networks."""

    def netlink(
        self, protocol: int, messages: Sequence[bytes], shell: str, pid: int = 0
    ) -> None:
        from minidocker.kernel import netlink

        netlink.say(protocol, messages, pid, shell.split("\n", 1)[0])

    def index_of(self, device: str, pid: int = 0) -> int:
        from minidocker.kernel import netlink

        return netlink.index(device, pid)

    def plug(
        self, pid: int, device: str, configure: Callable[[int], None], directory: str, name: str,
        address: bytes, alive: int,
    ) -> list[int]:  # fmt: skip
        from minidocker.kernel import taps

        return taps.plug(self, pid, device, configure, directory, name, address, alive)

    def filter_tap(self, pid: int, program: bytes) -> None:
        # int pidfd_open(pid_t pid, unsigned flags): 5.3
        process = call("pidfd_open(2)", libc.syscall, SYS_PIDFD_OPEN, pid, 0)
        try:
            opened = ask("open(2)", f"/proc/{pid}/fd", os.open, f"/proc/{pid}/fd", os.O_CLOEXEC)
            # it may be closing one just now, and that is not the one that it serves
            taps = [fd for fd in os.listdir(opened) if _link(fd, opened).endswith("/net/tun")]
            os.close(opened)
            for fd in taps:
                tap = descriptor_of(process, int(fd))
                code = ctypes.create_string_buffer(program, len(program))
                # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
                head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
                word = ctypes.c_ulong(TUNATTACHFILTER)
                call("ioctl(2) TUNATTACHFILTER", libc.ioctl, tap, word, head)
                os.close(tap)
            if not taps:
                raise KernelError("ioctl(2) TUNATTACHFILTER", ENODEV, f"/proc/{pid}/fd")
        finally:
            os.close(process)

    def reserve(self, protocol: str, address: str, port: int) -> int:
        import _socket

        kind = _socket.SOCK_DGRAM if protocol == "udp" else _socket.SOCK_STREAM
        one = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC)
        where = f"{address or '0.0.0.0'}:{port}"
        try:
            ask("bind(2)", where, one.bind, (address or "0.0.0.0", port))
        except KernelError:
            one.close()
            raise
        return int(one.detach())

    def port_of(self, socket: int) -> int:
        import _socket

        one = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, socket)
        try:
            return int(ask("getsockname(2)", "", one.getsockname)[1])
        finally:
            one.detach()

    def source_address(self, destination: str) -> str:
        import _socket

        one = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            one.connect((destination, 9))
            return str(one.getsockname()[0])
        except OSError:
            return ""  # no route leads there
        finally:
            one.close()

    def link_up(self, interface: str) -> None:
        # struct ifreq { char name[16]; short flags; … }: 40 bytes
        request = ctypes.create_string_buffer(interface.encode(), 40)
        fd = call("socket(2)", libc.socket, 2, 2, 0)  # AF_INET, SOCK_DGRAM
        try:
            call("ioctl(2) SIOCGIFFLAGS", libc.ioctl, fd, SIOCGIFFLAGS, request, path=interface)
            request[16] = bytes([request.raw[16] | IFF_UP])
            call("ioctl(2) SIOCSIFFLAGS", libc.ioctl, fd, SIOCSIFFLAGS, request, path=interface)
        finally:
            os.close(fd)

    def route_add(self, destination: str, gateway: str) -> None:
        # struct rtentry { ulong pad; sockaddr dst, gateway, genmask; ushort flags; … }: 120 bytes
        # struct sockaddr_in { ushort family; ushort port; in_addr address; char pad[8]; }
        network, _, bits = ("0.0.0.0/0" if destination == "default" else destination).partition("/")
        length = int(bits or 32)
        mask = (0xFFFFFFFF << 32 - length & 0xFFFFFFFF).to_bytes(4, "big")
        head = AF_INET.to_bytes(2, "little") + bytes(2)
        parts = [head + part + bytes(8) for part in (_address(network), _address(gateway), mask)]
        flags = RTF_UP | RTF_GATEWAY | (RTF_HOST if length == 32 else 0)
        data = bytes(8) + b"".join(parts) + flags.to_bytes(2, "little")
        request = ctypes.create_string_buffer(data, 120)
        fd = call("socket(2)", libc.socket, AF_INET, 2, 0)  # SOCK_DGRAM
        try:
            about = f"{destination} via {gateway}"
            call("ioctl(2) SIOCADDRT", libc.ioctl, fd, SIOCADDRT, request, path=about)
        finally:
            os.close(fd)

    def talk(self, path: str, text: str) -> str:
        import _socket

        directory, _, name = path.rpartition("/")
        one = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        here = os.open(directory, os.O_PATH | os.O_CLOEXEC)  # a socket's path has 107 bytes at most
        try:
            ask("connect(2)", path, one.connect, f"/proc/self/fd/{here}/{name}")
            ask("send(2)", path, one.sendall, os.fsencode(text))
            one.shutdown(_socket.SHUT_WR)
            parts = iter(lambda: ask("recv(2)", path, one.recv, 4096), b"")
            return b"".join(parts).decode(errors="surrogateescape")
        finally:
            os.close(here)
            one.close()


def _address(text: str) -> bytes:
    """Return the four bytes of an IPv4 address; EINVAL for what is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise KernelError("inet_aton(3)", EINVAL, text, "no IPv4 address")
    return bytes(map(int, parts))


def _link(name: str, parent: int) -> str:
    """Return where a symbolic link leads; "" when there is none."""
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return ""
