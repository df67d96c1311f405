"""The gate: a program of a few hundred bytes, which Python becomes before the command.

While a command starts, /proc/self/exe is still its predecessor. Were that Python, then an image
could run the host's interpreter: by that path, by a script's `#!`, by ELF's PT_INTERP
(CVE-2019-5736 was this, in runc). No check of a path closes all of these ways. So the last thing
that Python does is to execve the gate, and the gate execs the command. What an image gets by any
of those ways is then the gate once more, and that ends with a sentence.

The gate is made for each run, in memory, sealed. It gets the command's path as its first argument,
before the command's own, and it does, in this order:

    fcntl(channel, F_SETFD, FD_CLOEXEC)    or close_range(2); EBADF: it is the gate's second time
    read(wait, …, 1), close(wait)          only where it is told to wait
    openat(attr, "exec"), write, close     only where it has a `label`: AppArmor's, for the exec
    capset, prctl(PR_CAP_AMBIENT_LOWER)    only where `sets` are given
    execve(path, argv, envp)
    write(channel, {step, errno}, 8)       only when one of these fails; then it ends
"""

from __future__ import annotations

import os
from errno import E2BIG, EACCES, ELOOP, ENOENT, ENOEXEC, ENOSYS, ENOTDIR, EPERM

from minidocker.errors import Blocked, KernelError, MinidockerError
from minidocker.runtime.elf import EM_AARCH64, EM_X86_64, executable, pack
from minidocker.runtime.gate_code import assemble

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

NOT_FOUND, NOT_EXECUTABLE = 127, 126
MACHINE = os.uname().machine  # asked now: see kernel/linux.py
STEPS = ("", "execve(2)", "fcntl(2) F_SETFD", "read(2)", "capset(2)", "write(2) on attr/exec")
LABEL_STEP = 5
PLAIN = (ENOENT, EACCES, ENOEXEC, EPERM, ENOTDIR, ELOOP, E2BIG)  # what a command itself can cause
SECOND_TIME = b"minidocker: cannot run the command: it leads out of the container\n"
CAPABILITY_VERSION_3 = 0x20080522


class Label:
    """What the gate writes into "exec" of the directory `attr`: AppArmor's word for the exec.

    Only the process that opened the file may write to it, and an exec makes another of it; and
    written before, it would be the gate's. proc(5), /proc/PID/attr
    """

    __slots__ = ("attr", "text")

    def __init__(self, attr: int, text: bytes) -> None:
        self.attr, self.text = attr, text


class Sets:
    """Capabilities that the command shall start with, where an exec of the gate would lose them.

    A user who is not root keeps over an exec only what is ambient. With no_new_privs, a program
    with file capabilities gets those of them that its predecessor has in its permitted set: so
    that set must be the same after the gate. The child raises all of `permitted` to ambient
    (`Kernel.raise_ambient`); the gate sets all five as they shall be. capabilities(7)
    """

    __slots__ = ("ambient", "effective", "inheritable", "permitted")

    def __init__(self, effective: int, permitted: int, inheritable: int, ambient: int) -> None:
        self.effective, self.permitted = effective, permitted
        self.inheritable, self.ambient = inheritable, ambient


def data(channel: int, wait: int, sets: Sets | None, label: Label | None = None) -> bytes:
    """Return what changes from run to run.

    0 channel, 4 wait (−1: do not) | 8 struct __user_cap_header (version 0: leave the sets alone)
    16 struct __user_cap_data[2] | 40 ambient capabilities to lower | 48 length of the text at 72
    56 directory of the label (−1: none), 60 its length | 64 "exec" | 72 the text | 144 the label
    """
    attr, text = (label.attr, label.text) if label else (-1, b"")
    low, high, lower, version = [0, 0, 0], [0, 0, 0], 0, 0
    if sets:
        version = CAPABILITY_VERSION_3
        three = (sets.effective, sets.permitted, sets.inheritable)
        low, high = [n & 0xFFFFFFFF for n in three], [n >> 32 for n in three]
        # the capset before has lowered those that are not inheritable; twice does no harm
        lower = sets.permitted & ~sets.ambient
    return pack(
        "iiIiIIIIIIQQiI", channel, wait, version, 0, *low, *high, lower, len(SECOND_TIME),
        attr, len(text),
    ) + b"exec\0\0\0\0" + SECOND_TIME.ljust(72, b"\0") + text  # fmt: skip


def build(
    machine: str, channel: int, wait: int = -1, sets: Sets | None = None,
    label: Label | None = None,
) -> bytes:  # fmt: skip
    """Return the gate as an ELF file, for "x86_64" or "aarch64"; Blocked for another machine."""
    if machine not in ("x86_64", "aarch64"):
        raise Blocked(f"there is no gate for {machine}", "x86_64 or arm64")
    number = EM_X86_64 if machine == "x86_64" else EM_AARCH64
    return executable(number, assemble(machine) + data(channel, wait, sets, label))


def make(
    kernel: Kernel, channel: int, directory: str, wait: int = -1, sets: Sets | None = None,
    label: Label | None = None,
) -> int:  # fmt: skip
    """Make the gate; return its descriptor, which nobody can write to.

    `directory`: where it lies, without a name, if nothing in memory may run (vm.memfd_noexec = 2).
    """
    return kernel.sealed_program(build(MACHINE, channel, wait, sets, label), directory)


def carry(
    kernel: Kernel, gate: int, channel: int, wanted: bool, wait: int = -1, spare: int = 0,
    label: Label | None = None,
) -> int:  # fmt: skip
    """Child: see that the command gets the sets that we have now; return the gate to pass.

    Only where `wanted`, and an exec of the gate changes them: see `Sets`. `spare` is ours alone.
    """
    now = kernel.capget()
    effective, permitted, inheritable = (one & ~spare for one in now)
    if not (wanted and permitted and kernel.geteuid()):
        return gate
    sets = Sets(effective, permitted, inheritable, kernel.ambient())
    kernel.capset(now[0], now[1], inheritable | permitted)
    kernel.raise_ambient(permitted)
    return make(kernel, channel, "/", wait, sets, label)


def refusal(name: str, step: int, number: int) -> MinidockerError:
    """Put what the gate wrote into words; `name` is the command as the user typed it."""
    problem = KernelError(STEPS[step] if 0 < step < len(STEPS) else "execve(2)", number)
    if step != 1 or number not in PLAIN:
        known = "" if number == ENOSYS else problem.remedy  # each kernel of ours has these calls
        return MinidockerError(
            f"cannot run {name}: {problem}",
            known or "a filter may refuse it: --security-opt seccomp=unconfined",
            NOT_EXECUTABLE,
        )
    return MinidockerError(
        f"cannot run {name}: {problem.strerror}",
        problem.remedy or "see that the file is a program for this machine, and executable",
        NOT_FOUND if number == ENOENT else NOT_EXECUTABLE,
    )
