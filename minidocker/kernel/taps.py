"""A cable among an ordinary user's containers: a tap device, and who passes its frames on. tun(4)

    container                              host: two processes of the user's
    eth1 ═══ tap ──── outward ───► DIRECTORY/024d0a4d0003   the socket of the neighbour
                 ◄─── inward ───── DIRECTORY/024d0a4d0002   our own

There is no switch in the middle: a socket is called as the Ethernet address of whoever listens at
it, so who sends a frame sees where it goes. A frame for everybody goes to every socket.
"""

from __future__ import annotations

import os
import select
from errno import EBADFD

from minidocker.errors import KernelError
from minidocker.kernel import packets
from minidocker.kernel.flags import CLONE_NEWNET, CLONE_NEWUSER, PR_SET_PDEATHSIG, SIGKILL
from minidocker.kernel.libc import ask, call, ctypes, libc

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from minidocker.kernel.interface import Kernel

TUN = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST = 1 << 16  # bytes of a frame
PATIENCE = 0.2  # seconds that a neighbour may take for one frame, before it is dropped


def plug(
    kernel: Kernel, pid: int, device: str, configure: Callable[[int], None], directory: str,
    name: str, address: bytes, alive: int,
) -> list[int]:  # fmt: skip
    """Make the device, and start both processes; return their pids."""
    tap = device_of(kernel, pid, device, configure)
    from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, socket

    ours = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
    us, here = os.getpid(), ask("open(2)", ".", os.open, ".", os.O_PATH | os.O_CLOEXEC)
    try:
        os.chdir(directory)  # the name of a socket has 107 bytes at most
        if os.path.lexists(name):
            os.unlink(name)  # a kill left it: the lease says that the address is ours
        old = os.umask(0o177)
        ask("bind(2)", name, ours.bind, name)
        os.umask(old)
        held = {tap, ours.fileno()}
        return [
            begin(kernel, lambda: outward(tap, ours, name, address, alive), held, us, alive),
            begin(kernel, lambda: inward(tap, ours, alive), held, us, alive),
        ]
    finally:
        os.fchdir(here)
        os.close(here)
        os.close(tap)
        ours.close()


def device_of(
    kernel: Kernel, pid: int, device: str, configure: Callable[[int], None]
) -> int:
    """Return the descriptor of a new tap device in the namespaces of a process, configured.

    A child does it: it enters both namespaces, as their owner may, and does not come back.
    """
    doors = [ask("open(2)", path, os.open, path, os.O_RDONLY | os.O_CLOEXEC)
             for path in (f"/proc/{pid}/ns/user", f"/proc/{pid}/ns/net")]  # fmt: skip
    ours, theirs = packets.pair()
    child = kernel.fork()
    if child == 0:
        try:
            theirs.send(*made(kernel, doors, device, configure))
        except BaseException as problem:
            theirs.send(str(problem).encode()[:1000] or b"?", *())
        finally:
            os._exit(0)
    theirs.close()
    try:
        said, found = ours.receive(1000)
    finally:
        ours.close()
        kernel.waitpid(child)
        for door in doors:
            os.close(door)
    if not found:
        raise KernelError("ioctl(2) TUNSETIFF", 0, TUN, said.decode(errors="replace") or "no word")
    return found[0]


def made(
    kernel: Kernel, doors: list[int], device: str, configure: Callable[[int], None]
) -> tuple[bytes, int]:
    """In the child: make the device in there, and configure it; what to send."""
    if not os.path.samestat(os.fstat(doors[0]), os.stat("/proc/self/ns/user")):
        kernel.setns(doors[0], CLONE_NEWUSER)
    kernel.setns(doors[1], CLONE_NEWNET)
    tap = ask("open(2)", TUN, os.open, TUN, os.O_RDWR | os.O_CLOEXEC)
    # struct ifreq { char name[16]; short flags; … }: 40 bytes
    flags = (IFF_TAP | IFF_NO_PI).to_bytes(2, "little")
    request = ctypes.create_string_buffer(device.encode().ljust(16, b"\0") + flags, 40)
    call("ioctl(2) TUNSETIFF", libc.ioctl, tap, ctypes.c_ulong(TUNSETIFF), request)
    configure(kernel.index_of(device))
    return b"T", tap


def begin(
    kernel: Kernel, work: Callable[[], None], held: set[int], parent: int, alive: int
) -> int:
    """Start a process that does one of both works, with no descriptor but those it needs.

    It ends at the end of the pipe `alive`, or without one with its `parent`; or with the device.
    """
    pid = kernel.fork()
    if pid:
        return pid
    try:
        kernel.prctl(PR_SET_PDEATHSIG, 0 if alive >= 0 else SIGKILL)
        if alive >= 0 or os.getppid() == parent:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            kernel.close_all_but({0, 1, 2, *held} | ({alive} if alive >= 0 else set()))
            kernel.sigprocmask(set())
            work()
    finally:
        os._exit(0)


def waiting(source: int, alive: int) -> bool:
    """Wait for something to read; False: it is time to end."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    if alive >= 0:
        poll.register(alive, select.POLLIN)
    ready = dict(poll.poll())
    return alive not in ready and not ready.get(source, 0) & (select.POLLERR | select.POLLNVAL)


def outward(tap: int, ours: Any, name: str, address: bytes, alive: int) -> None:
    """Pass what the container sends to the neighbour that it is for, or to all."""
    ours.settimeout(PATIENCE)
    while waiting(tap, alive):
        frame = os.read(tap, LARGEST)
        if not its_own(frame, name, address):
            continue
        for other in os.listdir(".") if frame[0] & 1 else [frame[:6].hex()]:
            if other != name and len(other) == 12:
                try:
                    ours.sendto(frame, other)
                except OSError:  # nobody is there any more, or it has too much to do
                    continue


def its_own(frame: bytes, name: str, address: bytes) -> bool:
    """Say whether a frame is sent under the sender's own addresses, ARP included; no IPv6.

    The same guard as at a bridge: nobody answers for a neighbour.
    """
    kind, at = frame[12:14], {b"\x08\x00": 26, b"\x08\x06": 28}
    first = at.get(kind, len(frame))
    return frame[6:12].hex() == name and frame[first : first + 4] == address


def inward(tap: int, ours: Any, alive: int) -> None:
    """Pass what neighbours send into the container."""
    ours.settimeout(None)
    while waiting(ours.fileno(), alive):
        try:
            os.write(tap, ours.recv(LARGEST))
        except OSError as problem:
            if problem.errno == EBADFD:  # its namespace has ended
                return


