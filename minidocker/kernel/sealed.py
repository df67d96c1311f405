"""Sealed: a program that nobody can change, for as long as somebody holds its descriptor."""

from __future__ import annotations

from errno import EACCES, EINVAL, ENOSYS

from minidocker.errors import KernelError
from minidocker.kernel.named import fcntl, os

MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_EXEC = 1, 2, 0x10
F_ADD_SEALS = 1033
SEALS = 0x0F  # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE: from now on, for everybody
F_SEAL_EXEC = 0x20  # nor may its mode change; Linux 6.3
# Who may not read a program may not trace the process that runs it. ptrace(2), execve(2)
EXECUTE_ONLY = 0o111


def program(data: bytes, directory: str, mode: int = EXECUTE_ONLY) -> int:
    """Return the descriptor of a program in memory; on disk where nothing in memory may run."""
    fd = in_memory()
    if fd < 0:
        return without_a_name(data, f"{directory}/program")
    try:
        write_all(fd, data)
        os.fchmod(fd, mode)
        seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def in_memory() -> int:
    """Open a file in memory that may be executed; −1 where the machine allows none.

    MFD_EXEC is of Linux 6.3; before, it is EINVAL, and all may be executed. With
    vm.memfd_noexec = 2 it is EACCES. memfd_create(2)
    """
    for flags in (MFD_EXEC, 0):
        try:
            return os.memfd_create("minidocker-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags)
        except OSError as problem:
            if problem.errno in (EACCES, ENOSYS):
                return -1
            if problem.errno != EINVAL or not flags:
                raise KernelError("memfd_create(2)", problem.errno or 0) from None
    return -1


def seal(fd: int) -> None:
    """Forbid every change, also to us. fcntl(2), F_ADD_SEALS"""
    for seals in (SEALS | F_SEAL_EXEC, SEALS):
        try:
            fcntl.fcntl(fd, F_ADD_SEALS, seals)
            return
        except OSError as problem:
            if problem.errno != EINVAL or seals == SEALS:
                raise KernelError("fcntl(2) F_ADD_SEALS", problem.errno or 0) from None


def without_a_name(data: bytes, path: str) -> int:
    """Make a program on disk that only we can reach, and that nobody has open for writing.

    Its name is gone at once, so no other run has it; and it can be read only.
    """
    try:
        new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
        try:
            write_all(new, data)
            os.fchmod(new, 0o555)
        finally:
            os.close(new)  # what somebody may write to cannot be executed: ETXTBSY
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.unlink(path)
    except OSError as problem:
        raise KernelError("open(2)", problem.errno or 0, path) from None


def write_all(fd: int, data: bytes) -> None:
    """Write it all; a disk that gets full takes a part only. write(2)"""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except OSError as problem:
            raise KernelError("write(2)", problem.errno or 0, "the gate") from None
