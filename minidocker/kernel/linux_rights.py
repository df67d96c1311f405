"""Capabilities and keys, more than a call at a time."""

from __future__ import annotations

import posix
from errno import EPERM

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.named import open, os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
KEYCTL_JOIN_SESSION_KEYRING = 1
PR_CAP_AMBIENT = 47
CAPABILITY_VERSION_3 = 0x20080522


class Rights(Kernel):
    """What stands beside the calls for rights."""

    def ambient(self) -> int:
        # int prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, unsigned long capability, 0, 0)
        found = 0
        for number in range(len(_flags.CAPABILITIES)):
            found |= (libc.prctl(PR_CAP_AMBIENT, 1, ctypes.c_ulong(number), 0, 0) == 1) << number
        return found

    def raise_ambient(self, capabilities: int) -> None:
        # int prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, unsigned long capability, 0, 0)
        for number, name in enumerate(_flags.CAPABILITIES):
            if capabilities >> number & 1:
                word = ctypes.c_ulong(number)
                call(f"prctl(2) PR_CAP_AMBIENT {name}", libc.prctl, PR_CAP_AMBIENT, 2, word, 0, 0)

    def keep_capabilities(self, keep: int) -> None:
        for number in range(64):
            if not keep >> number & 1 and libc.prctl(_flags.PR_CAPBSET_DROP, number, 0, 0, 0):
                break  # EINVAL: the kernel knows no higher number
        # int capset(cap_user_header_t, const cap_user_data_t): two of {effective, permitted,
        # inheritable}
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        low, high = keep & 0xFFFFFFFF, keep >> 32
        data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
        call("capset(2)", libc.capset, header, data)

    def forget_environment(self) -> None:
        # proc(5): of /proc/PID/stat, fields 50 and 51 are env_start and env_end; the second one,
        # the name, stands in brackets and may have blanks
        with open("/proc/self/stat", "rb") as stream:
            text: bytes = ask("read(2)", "/proc/self/stat", stream.read)
        fields = text.rpartition(b")")[2].split()
        start, end = (int(fields[number - 3]) for number in (50, 51))
        if not 0 < start <= end:
            raise KernelError("read(2)", EPERM, "/proc/self/stat", "env_start is not told")
        os.environ.clear()
        posix.environ.clear()
        # void *memset(void *s, int c, size_t n)
        libc.memset(ctypes.c_ulong(start), 0, ctypes.c_ulong(end - start))

    def join_session_keyring(self) -> None:
        # long keyctl(int operation, char *name): no name makes a new keyring without one
        number = SYS_KEYCTL.get(os.uname().machine, 219)
        call("keyctl(2)", libc.syscall, number, KEYCTL_JOIN_SESSION_KEYRING, None)
