"""Make one system call of a program fail: the Nth one, with a chosen errno.

A seccomp filter sends every call that may fail to a supervisor (SECCOMP_RET_USER_NOTIF), which
lets it pass or answers in the kernel's place. Nothing of the program is changed, children are
under the same filter, and a process in a container cannot tell. seccomp_unotify(2)
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import struct
import time
from collections.abc import Callable

from minidocker.seccomp import bpf, calls

USER_NOTIF, ALLOW = 0x7FC00000, 0x7FFF0000
NEW_LISTENER = 8
RECV, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1
PIDFD_OPEN, PIDFD_GETFD = 434, 438
SECCOMP = {"x86_64": 317, "aarch64": 277}
# Cannot fail, or only where Python's own memory fails; or wait for others.
LEFT_OUT = [
    "exit",
    "exit_group",
    "mmap",
    "munmap",
    "mprotect",
    "brk",
    "madvise",
    "mremap",
    "rt_sigreturn",
    "rt_sigaction",
    "rt_sigprocmask",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "futex",
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "getrandom",
    "close",
    "restart_syscall",
    "sched_yield",
    "sigaltstack",
    "umask",
    "wait4",
    "waitid",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_wait",
    "epoll_pwait",
    "prlimit64",
    "getrlimit",
    "uname",
    "getcwd",
    "lseek",
    "rt_sigtimedwait",
    "rt_sigsuspend",
    "sched_getaffinity",
    "sysinfo",
    "getpgrp",
    "getpgid",
    "getsid",
    "gettimeofday",
    "time",
]
libc = ctypes.CDLL(None, use_errno=True)


class Result:
    """How a run went: its status, what it said, how many calls were counted, which one failed."""

    def __init__(self) -> None:
        self.status: int | None = None  # None: it hung
        self.output = self.errors = ""
        self.count = 0
        self.failed = ""


def program(machine: str) -> bytes:
    """The filter: everything to the supervisor, but what is left out."""
    table = calls.numbers()[machine]
    code = bpf.Assembler()
    code.load(bpf.NUMBER)
    for name in LEFT_OUT:
        if name in table:
            here, other = code.name(), code.name()
            code.test(bpf.EQUAL, table[name], here, other)
            code.label(here)
            code.give(ALLOW)
            code.label(other)
    code.give(USER_NOTIF)
    return code.assemble()


def install(code: bytes) -> int:
    """Put the filter in front of this process; the supervisor's descriptor."""
    buffer = ctypes.create_string_buffer(code, len(code))
    head = (ctypes.c_uint64 * 2)(len(code) // 8, ctypes.addressof(buffer))
    return libc.syscall(SECCOMP[os.uname().machine], 1, NEW_LISTENER, head)


def run(
    argv: list[str],
    env: dict[str, str],
    wanted: int = 0,
    errno: int = 0,
    seconds: float = 30.0,
    kill: Callable[[int], bool] | None = None,
) -> Result:
    """Run a program; make its `wanted`th call fail (0: none), or kill it when `kill` says so.

    Counting begins with its first mkdir or flock: what is before that is Python's own start. It ends for a
    process with its second execve: that is the container's command, not ours.
    """
    result = Result()
    names = {n: name for name, n in calls.numbers()[os.uname().machine].items()}
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    code = program(os.uname().machine)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for fd, number in ((null, 0), (out_end, 1), (err_end, 2)):
            os.dup2(fd, number)
        os.closerange(3, 1024)
        install(code)  # it becomes descriptor 3; from here on, each call waits for the supervisor
        os.set_inheritable(3, False)
        os.execve(argv[0], argv, env)
    os.close(out_end)
    os.close(err_end)
    listener = take(pid, 3)
    supervise(result, pid, listener, (out, err), names, wanted, errno, seconds, kill)
    for fd in (out, err, listener):
        os.close(fd)
    return result


def take(pid: int, number: int) -> int:
    """Get the listener out of the child: its descriptor `number`, once that is one."""
    handle = libc.syscall(PIDFD_OPEN, pid, 0)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if "seccomp" in os.readlink(f"/proc/{pid}/fd/{number}"):
                fd = libc.syscall(PIDFD_GETFD, handle, number, 0)
                if fd >= 0:
                    os.close(handle)
                    os.set_inheritable(fd, False)
                    return int(fd)
        except OSError:
            pass
        time.sleep(0.0005)
    raise RuntimeError("the filter was not installed")


def supervise(
    result: Result, pid: int, listener: int, pipes: tuple[int, int], names: dict[int, str],
    wanted: int, errno: int, seconds: float, kill: Callable[[int], bool] | None,
) -> None:  # fmt: skip
    """Answer every call until the program has ended and nobody speaks any more."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    for pipe in pipes:
        poll.register(pipe, select.POLLIN)
    said = dict.fromkeys(pipes, b"")
    execs: dict[int, int] = {pid: -1}  # the host's first execve starts Python
    end = time.monotonic() + seconds
    begun, open_pipes = False, set(pipes)
    while open_pipes:
        if time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            break
        for fd, events in poll.poll(200):
            if fd in said:
                data = os.read(fd, 65536) if events & (select.POLLIN | select.POLLHUP) else b""
                said[fd] += data
                if not data:
                    poll.unregister(fd)
                    open_pipes.discard(fd)
                continue
            if events & select.POLLHUP and not events & select.POLLIN:
                poll.unregister(fd)
                continue
            notice = bytearray(80)
            try:
                fcntl.ioctl(listener, RECV, notice)
            except OSError:
                continue  # it was killed meanwhile
            id_, who, _, number = struct.unpack_from("<QIIi", notice)
            name = names.get(number, str(number))
            begun = begun or name in ("mkdir", "mkdirat", "flock")
            if who not in execs:  # what the command starts is the command's own, too
                execs[who] = 2 if max(execs.values()) >= 2 else 0
            ours = execs[who] < 2
            if name in ("execve", "execveat"):
                execs[who] += 1
            answer, flags = 0, CONTINUE
            if begun and ours:
                result.count += 1
                if kill and kill(result.count):
                    os.kill(pid, signal.SIGKILL)
                if result.count == wanted:
                    result.failed = f"{name} of {'the host' if who == pid else 'a child'}"
                    answer, flags = -errno, 0
            try:
                fcntl.ioctl(listener, SEND, struct.pack("<QqiI", id_, 0, answer, flags))
            except OSError:
                pass  # it has been killed
    else:
        result.status = wait_for(pid, end)
    if result.status is None:
        try:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass
    result.output, result.errors = (said[pipe].decode(errors="replace") for pipe in pipes)


def wait_for(pid: int, end: float) -> int | None:
    """Reap the program; None when it does not end."""
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return None
