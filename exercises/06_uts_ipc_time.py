"""Lesson 06: names, messages and clocks: the namespaces uts, ipc and time.

What you build here: `set_names`, `ipc_namespace`, `set_boot_offset` and `private_shm`, parts of
the stages `uts`, `ipc`, `time` and `mounts`. `minidocker run --mine` takes them as they pass.

`kernel` has one method for each system call: kernel.unshare(flags), kernel.sethostname(name),
kernel.setdomainname(name), kernel.mount(source, target, fstype, flags, data), and
kernel.write(path, text) for files in /proc. What the kernel refuses raises an OSError.

Judge your work with:  minidocker grade 06
"""

from __future__ import annotations

import os

from minidocker.kernel.flags import (
    CLONE_NEWIPC,
    CLONE_NEWTIME,
    CLONE_NEWUTS,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
)


# 1. REPAIR (rung R2). This one gives new names to the whole machine. (4 lines)
def set_names(kernel, hostname, domainname):
    """Give this process a uts namespace of its own, and these two names in it.

    All others keep their names. An empty domainname leaves the domain name as it is.
    See uts_namespaces(7), sethostname(2), setdomainname(2).
    """
    kernel.sethostname(hostname)
    kernel.setdomainname(domainname)
    kernel.unshare(CLONE_NEWUTS)


# 2. ORDER (rung R3). Put the four steps into an order that works. The grader does them.
#    "unshare": kernel.unshare(CLONE_NEWTIME)     "fork": pid = kernel.fork()
#    "offset": kernel.write("/proc/self/timens_offsets", "boottime 500 0\n")
#    "clock": in the child, read the clock since boot
TIME_ORDER = ["fork", "unshare", "clock", "offset"]


# 3. CONTRACT (rung R5). You have the steps. Two of them are yours, the caller forks. (2 lines)
def set_boot_offset(kernel, seconds):
    """Give the caller's next children a time namespace whose boot-time clock is `seconds` ahead.

    Only CLOCK_BOOTTIME moves. CLOCK_REALTIME and CLOCK_MONOTONIC stay as they are.
    The caller itself stays in its own time namespace, and no process is made here.
    seconds: a whole number, also below zero. See time_namespaces(7).
    """
    raise NotImplementedError("set_boot_offset is yours to write")


# 4. HOLE (rung R4). Fill in what stands as `...`. (4 lines)
def ipc_namespace(mode):
    """Say how a new process gets its ipc namespace: (flags for its clone, file to join).

    "private": a new one. "host": the caller's own. Both have "" as the file.
    "container:PID": the one of process PID; the file is for setns(2), and the flags are 0.
    Any other mode raises ValueError; so does a PID that is no number. See namespaces(7).
    """
    if mode == "private":
        return ..., ""
    if mode == "host":
        return ..., ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and ...:
        return 0, f"/proc/{pid}/ns/" + ...
    raise ValueError(f"no mode {mode!r}")


# 5. CONTRACT (rung R5). The ipc namespace does not hold POSIX shared memory. (2 lines)
def private_shm(kernel, root):
    """Give the new root a /dev/shm of its own: an empty tmpfs on the directory `root`/dev/shm.

    Options: nosuid, nodev, noexec; mode=1777, since every user makes files there; size=64m.
    The directory is there. The process is in its own mount namespace. See shm_overview(7).
    """
    raise NotImplementedError("private_shm is yours to write")


# 6. MORE, INSPECT (rung R6). A check of your own: who could read whose memory? (6 lines)
def shared_memory(one, other):
    """Say which kinds of shared memory the processes `one` and `other` have in common: a set.

    "sysv": they are in the same ipc namespace. See /proc/PID/ns.
    "posix": the directory /dev/shm is the same for both. /proc/PID/root is the root of a process.
    The same directory has the same device and inode number. The name alone says nothing.
    """
    raise NotImplementedError("shared_memory is yours to write")
