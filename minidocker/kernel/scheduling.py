"""How the kernel runs a process: its scheduler, its turn at the disks, and what it calls itself."""

from __future__ import annotations

import os

from minidocker.kernel.libc import call, ctypes, libc

# sched_setattr(2), ioprio_set(2); the machine is asked before a personality changes its name
NUMBERS = {"x86_64": (314, 251)}.get(os.uname().machine, (274, 30))
IOPRIO_WHO_PROCESS = 1


def set_scheduler(
    policy: int, flags: int, nice: int, priority: int, times: tuple[int, int, int]
) -> None:
    """Choose the scheduler of this process; `times` are runtime, deadline and period.

    sched_setattr(2): struct sched_attr { __u32 size, policy; __u64 flags; __s32 nice;
    __u32 priority; __u64 runtime, deadline, period; }
    """

    head = (48).to_bytes(4, "little") + policy.to_bytes(4, "little") + flags.to_bytes(8, "little")
    turn = nice.to_bytes(4, "little", signed=True) + priority.to_bytes(4, "little")
    given = head + turn + b"".join(time.to_bytes(8, "little") for time in times)
    number = NUMBERS[0]
    call("sched_setattr(2)", libc.syscall, number, 0, ctypes.create_string_buffer(given, 48), 0)


def set_io_priority(kind: int, level: int) -> None:
    """Choose this process's turn at the disks: class 1 to 3, level 0 (first) to 7. ioprio_set(2)"""
    number = NUMBERS[1]
    call("ioprio_set(2)", libc.syscall, number, IOPRIO_WHO_PROCESS, 0, kind << 13 | level)


def set_personality(persona: int) -> None:
    """Choose the execution domain: 0 is Linux, 8 makes uname(2) say i686. personality(2)"""
    call("personality(2)", libc.personality, ctypes.c_ulong(persona))
