"""Escapes by system calls that few programs need, and many attacks on the kernel begin with."""

from __future__ import annotations

import contextlib
import os
import select

from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import Yard
from minidocker.proc import mounts
from minidocker.proc.lean import namespace

BPF = """
attributes = (ctypes.c_uint * 32)(2, 4, 4, 1)          # BPF_MAP_TYPE_ARRAY, sizes, entries
call("bpf", 0, attributes, ctypes.sizeof(attributes))  # BPF_MAP_CREATE
time.sleep(9)
"""
USERFAULTFD = """
call("userfaultfd", 1)                                 # UFFD_USER_MODE_ONLY
time.sleep(9)
"""
PERF = """
event = (ctypes.c_ulong * 16)()                        # struct perf_event_attr, VER1 and on
ctypes.memmove(event, (ctypes.c_uint * 2)(1, ctypes.sizeof(event)), 8)   # PERF_TYPE_SOFTWARE
event[5] = 0b1100000                                   # exclude_kernel, exclude_hv
call("perf_event_open", event, 0, -1, -1, 0)
time.sleep(9)
"""
IO_URING = """
call("io_uring_setup", 4, (ctypes.c_uint * 64)())
time.sleep(9)
"""
KEYRING = """
serial = call("keyctl", 10, -3, b"user", b"minidocker-escape", 0)   # SEARCH, the session's
room = ctypes.create_string_buffer(100)
call("keyctl", 11, serial, room, len(room))                         # READ
print(room.value.decode())
"""
PUT_KEY = """
call("keyctl", 1, None)                                             # JOIN_SESSION_KEYRING
text = os.environb[b"M_SECRET"]
call("add_key", b"user", b"minidocker-escape", text, len(text), -3)
"""
USERNS_MOUNT = """
os.chdir("/")
call("unshare", 0x10020000)                            # CLONE_NEWUSER | CLONE_NEWNS
call("mount", b"mine", b"/tmp", b"tmpfs", 0, None)
time.sleep(9)
"""
CLOCK = """
call("clock_settime", 0, (ctypes.c_long * 2)(int(time.time()) + 86400, 0))
time.sleep(9)
"""
MODULE = """
fd = os.open(os.environ["M_MODULE"], os.O_RDONLY)
call("finit_module", fd, b"", 0)
time.sleep(9)
"""


def holds(name: str):  # type: ignore[no-untyped-def]
    """Make a probe: the attack has such an object of the kernel open."""
    return lambda yard: yard.holds_object(name)


def own_session_key(yard: Yard) -> None:
    """Put the secret into the session keyring from which the container is started."""
    yard.keyring(PUT_KEY)


def in_user_namespace(yard: Yard) -> bool:
    """A process of the attack's has every capability, in a user namespace that it made itself."""
    own = namespace("self", "user")
    return any(
        namespace(pid, "user") not in ("", own)
        and yard.status(pid, "CapEff")[:1] == yard.status(pid, "CapPrm")[:1]
        and int((yard.status(pid, "CapEff") or ["0"])[0], 16) >> 21 & 1  # CAP_SYS_ADMIN
        for pid in yard.pids()
    )


def mounted_in_user_namespace(yard: Yard) -> bool:
    """A process of the attack's has mounted something, in a user namespace that it made itself."""
    own = namespace("self", "user")
    for pid in yard.pids():
        if namespace(pid, "user") in ("", own):
            continue
        with contextlib.suppress(LookupError, PermissionError):
            if any((m.fstype, m.source) == ("tmpfs", "mine") for m in mounts.mounts(pid)):
                return True
    return False


def pushed(yard: Yard) -> bool:
    """What the attack typed waits on the caller's terminal, for the caller's own shell."""
    if select.select([yard.keys], [], [], 0)[0]:
        yard.typed += os.read(yard.keys, 100)
    return yard.facts["M_NONCE"].encode() in yard.typed


TIOCSTI = """
import fcntl
for letter in os.environ["M_NONCE"] + "\\n":
    fcntl.ioctl(0, 0x5412, letter.encode())            # TIOCSTI
"""

ESCAPES = (
    Escape("unshare_user", "make a user namespace: every capability, over more of the kernel",
           "user_namespaces(7)", "unshare -Ur sleep 9", probe=in_user_namespace),
    Escape("userns_mount", "mount in a user namespace of its own", "mount_namespaces(7)",
           USERNS_MOUNT, python=True, probe=mounted_in_user_namespace),
    Escape("bpf", "give the kernel a BPF map, the first step of many attacks", "bpf(2)", BPF,
           python=True, probe=holds("bpf-map")),
    Escape("userfaultfd", "stop the kernel in the middle of a copy, to win a race",
           "userfaultfd(2)", USERFAULTFD, python=True, probe=holds("userfaultfd")),
    Escape("perf_event", "measure with the processor's counters: an ear at the wall",
           "perf_event_open(2)", PERF, python=True, probe=holds("perf_event")),
    Escape("io_uring", "make system calls past the filter, through a ring", "io_uring(7)",
           IO_URING, python=True, probe=holds("io_uring")),
    Escape("keyring", "read a key from the keyring of the session that started the container",
           "keyctl(2), session-keyring(7)", KEYRING, python=True, setup=own_session_key),
    Escape("type_for_caller", "type a command into the terminal of the caller", "TIOCSTI(2const)",
           TIOCSTI, python=True, terminal=True, options=("-i",), probe=pushed),
)  # fmt: skip
