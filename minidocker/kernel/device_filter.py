"""Device filters: an eBPF program that a cgroup asks at each open of a device node. bpf(2)"""

from __future__ import annotations

import os

from minidocker.errors import KernelError
from minidocker.kernel.libc import call, ctypes, libc

SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_PROG_DETACH = 5, 8, 9
BPF_PROG_GET_FD_BY_ID, BPF_PROG_QUERY = 13, 16
BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE = 15, 6
BPF_F_ALLOW_MULTI = 2
MOST = 64  # programs at one cgroup, as in the kernel


def _bpf(command: int, words: bytes) -> int:
    # int bpf(int cmd, union bpf_attr *attr, unsigned int size)
    attr = ctypes.create_string_buffer(words, 128)
    number = SYS_BPF.get(os.uname().machine, 280)
    return call("bpf(2)", libc.syscall, number, command, attr, 128)


def _words(*pairs: tuple[int, int]) -> bytes:
    """Pack (value, bytes) pairs as the kernel lays them out."""
    return b"".join(value.to_bytes(size, "little") for value, size in pairs)


def attach(cgroup: int, program: bytes) -> None:
    """Put a program at an open cgroup directory, and take away those of before.

    The new one comes first: there is no moment without any. All that are there must allow.
    """
    code = ctypes.create_string_buffer(program, len(program))
    license = ctypes.create_string_buffer(b"GPL", 4)
    # prog_type, insn_cnt, insns, license
    loaded = _bpf(BPF_PROG_LOAD, _words(
        (BPF_PROG_TYPE_CGROUP_DEVICE, 4), (len(program) // 8, 4),
        (ctypes.addressof(code), 8), (ctypes.addressof(license), 8),
    ))  # fmt: skip
    try:
        before = attached(cgroup)
        # target_fd, attach_bpf_fd, attach_type, attach_flags
        _bpf(BPF_PROG_ATTACH, _words(
            (cgroup, 4), (loaded, 4), (BPF_CGROUP_DEVICE, 4), (BPF_F_ALLOW_MULTI, 4)
        ))  # fmt: skip
    finally:
        os.close(loaded)
    for number in before:
        old = _bpf(BPF_PROG_GET_FD_BY_ID, _words((number, 4)))
        try:
            _bpf(BPF_PROG_DETACH, _words((cgroup, 4), (old, 4), (BPF_CGROUP_DEVICE, 4)))
        except KernelError:
            pass  # another one has just done it
        finally:
            os.close(old)


def attached(cgroup: int) -> list[int]:
    """Return the numbers of the programs that stand at this cgroup itself."""
    room = (ctypes.c_uint32 * MOST)()
    # target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
    attr = ctypes.create_string_buffer(_words(
        (cgroup, 4), (BPF_CGROUP_DEVICE, 4), (0, 4), (0, 4), (ctypes.addressof(room), 8), (MOST, 4)
    ), 128)  # fmt: skip
    number = SYS_BPF.get(os.uname().machine, 280)
    call("bpf(2)", libc.syscall, number, BPF_PROG_QUERY, attr, 128)
    count = int.from_bytes(memoryview(attr).tobytes()[24:28], "little")
    return list(room[0:count])
