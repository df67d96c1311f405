"""Linux: the kernel itself. Each call is a few lines under its C prototype."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C half of signal: no enum, 4 ms less
from errno import EINVAL, ENOENT, ENOSYS, EPERM

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.linux_files import Files
from minidocker.kernel.linux_network import Network
from minidocker.kernel.linux_programs import Programs
from minidocker.kernel.linux_rights import Rights
from minidocker.kernel.linux_targets import Targets, set_attributes
from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

SYS_CLONE = {"x86_64": 56, "aarch64": 220}
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
SECCOMP_SET_MODE_FILTER = 1
MACHINE = os.uname().machine  # asked now: a bundle may change what uname(2) says later
SYS_CLONE3 = 435  # from here on, all architectures share one numbering
SYS_MOVE_MOUNT = 429
MOVE_MOUNT_F_EMPTY_PATH = 4
MOVE_MOUNT_T_EMPTY_PATH = 0x40
AT_FDCWD = -100
CLOSE_RANGE_CLOEXEC = 4
CAPABILITY_VERSION_3 = 0x20080522


class Linux(Files, Network, Programs, Rights, Targets, Kernel):
    """Every method of `Kernel`, done."""

    def fork(self) -> int:
        return int(ask("fork(2)", "", os.fork))

    def clone(self, flags: int, cgroup_fd: int | None = None) -> int:
        # long syscall(SYS_clone3, struct clone_args *args, size_t size)
        args = (ctypes.c_uint64 * 11)()
        args[0] = flags | (_flags.CLONE_INTO_CGROUP if cgroup_fd is not None else 0)
        args[4] = _flags.SIGCHLD
        args[10] = cgroup_fd or 0
        # The raw call knows nothing of Python's fork handlers, so they are called by hand.
        ctypes.pythonapi.PyOS_BeforeFork()
        pid = libc.syscall(SYS_CLONE3, args, ctypes.sizeof(args))
        number = ctypes.get_errno()
        name = "clone3(2)"
        if pid == -1 and cgroup_fd is None and number in (ENOSYS, EPERM):  # EPERM: by a filter
            # long syscall(SYS_clone, unsigned long flags, void *stack, …): 0 is "my own stack"
            number_of_clone = SYS_CLONE.get(os.uname().machine, 220)
            word = ctypes.c_ulong
            pid = libc.syscall(
                number_of_clone, word(flags | _flags.SIGCHLD), word(0), word(0), word(0), word(0)
            )
            number, name = ctypes.get_errno(), "clone(2)"
        if pid == 0:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            return 0
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        if pid == -1:
            raise KernelError(name, number, detail=_flags.names(flags, "CLONE_"))
        return int(pid)

    def unshare(self, flags: int) -> None:
        # int unshare(int flags)
        call("unshare(2)", libc.unshare, flags)

    def setns(self, fd: int, flags: int = 0) -> None:
        # int setns(int fd, int nstype)
        call("setns(2)", libc.setns, fd, flags)

    def waitpid(self, pid: int, options: int = 0) -> tuple[int, int]:
        found: tuple[int, int] = ask("waitpid(2)", "", os.waitpid, pid, options)
        return found

    def sigprocmask(self, signals: set[int]) -> set[int]:
        return set(map(int, _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)))

    def signalfd(self, signals: set[int]) -> int:
        # int signalfd(int fd, const sigset_t *mask, int flags): sigset_t has a bit a signal
        mask = ctypes.create_string_buffer(
            sum(1 << n - 1 for n in signals).to_bytes(8, "little"), 128
        )
        return call("signalfd(2)", libc.signalfd, -1, mask, os.O_CLOEXEC | os.O_NONBLOCK)

    def kill(self, pid: int, signal: int) -> None:
        ask("kill(2)", "", os.kill, pid, signal)

    def getpid(self) -> int:
        return os.getpid()

    def setsid(self) -> None:
        ask("setsid(2)", "", os.setsid)

    def execve(
        self, path: str, argv: Sequence[str], env: dict[str, str], gate: int = -1
    ) -> NoReturn:
        if gate < 0:
            ask("execve(2)", path, os.execve, path, argv, env)
        try:  # by a name: a filter that knows the command's execve(2) may not know execveat(2)
            ask("execve(2)", path, os.execve, f"/proc/self/fd/{gate}", [path, *argv], env)
        except KernelError as problem:
            if problem.errno != ENOENT:
                raise
            ask("execveat(2)", path, os.execve, gate, [path, *argv], env)  # there is no /proc
        raise AssertionError("execve returned")

    def exit(self, status: int) -> NoReturn:
        os._exit(status)

    def prctl(self, option: int, value: int = 0) -> None:
        # int prctl(int option, unsigned long arg2, …)
        if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == -1:
            raise KernelError(f"prctl(2) {_flags.name_of(option, 'PR_')}", ctypes.get_errno())

    def close_range(self, first: int) -> None:
        # int close_range(unsigned first, unsigned last, int flags): glibc 2.34, kernel 5.11
        if not hasattr(libc, "close_range") or libc.close_range(
            first, ctypes.c_uint(0xFFFFFFFF), CLOSE_RANGE_CLOEXEC
        ):
            for name in os.listdir("/proc/self/fd"):
                if int(name) >= first:
                    try:
                        os.set_inheritable(int(name), False)
                    except OSError:
                        pass  # the descriptor of listdir itself, closed by now

    def capget(self) -> tuple[int, int, int]:
        # int capget(cap_user_header_t, cap_user_data_t): two of {effective, permitted, inheritable}
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)()
        call("capget(2)", libc.capget, header, data)
        return tuple(data[n] | data[n + 3] << 32 for n in range(3))  # type: ignore[return-value]

    def capset(self, effective: int, permitted: int, inheritable: int) -> None:
        # int capset(cap_user_header_t, const cap_user_data_t)
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        sets = (effective, permitted, inheritable)
        data = (ctypes.c_uint32 * 6)(*(n & 0xFFFFFFFF for n in sets), *(n >> 32 for n in sets))
        call("capset(2)", libc.capset, header, data)

    def seccomp(self, program: bytes, flags: int = 0) -> int:
        # int syscall(SYS_seccomp, unsigned operation, unsigned flags, struct sock_fprog *program)
        # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
        code = ctypes.create_string_buffer(program, len(program))
        head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
        number = SYS_SECCOMP.get(MACHINE, 277)
        return call("seccomp(2)", libc.syscall, number, SECCOMP_SET_MODE_FILTER, flags, head)

    def mount(
        self, source: str, target: str, fstype: str = "", flags: int = 0, data: str = ""
    ) -> None:
        # int mount(const char *source, const char *target, const char *type, unsigned long flags,
        #           const void *data)
        word = ctypes.c_ulong(flags)
        shown = self._shown(target)
        if flags & _flags.MS_REMOUNT:
            target = self._top(target)
        detail = f"of {source}" if flags & (_flags.MS_BIND | _flags.MS_MOVE) and source else ""
        call(
            "mount(2)", libc.mount, source or None, target, fstype or None, word, data or None,
            path=shown, detail=detail,
        )  # fmt: skip

    def mount_setattr(self, path: str, attributes: int, recursive: bool = False) -> None:
        set_attributes(self._top(path), attributes, recursive, shown=self._shown(path))

    def move_mount(self, tree: int, target: str) -> None:
        # int syscall(SYS_move_mount, int from_dirfd, const char *from, int to_dirfd,
        #             const char *to, unsigned flags)
        place, name, flags = AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH
        if target in self._targets:  # a descriptor: the link to it would not be followed
            place, name, flags = int(os.path.basename(target)), "", flags | MOVE_MOUNT_T_EMPTY_PATH
        call(
            "move_mount(2)", libc.syscall, SYS_MOVE_MOUNT, tree, "", place, name, flags,
            path=self._shown(target),
        )  # fmt: skip

    def umount2(self, target: str, flags: int = 0) -> None:
        # int umount2(const char *target, int flags)
        call("umount2(2)", libc.umount2, target, flags, path=target)

    def pivot_root(self, new_root: str, put_old: str) -> None:
        # int pivot_root(const char *new_root, const char *put_old): in glibc, in no header
        detail = f"the old root to {put_old}"
        call("pivot_root(2)", libc.pivot_root, new_root, put_old, path=new_root, detail=detail)

    def chroot(self, path: str) -> None:
        ask("chroot(2)", path, os.chroot, path)

    def chdir(self, path: str) -> None:
        ask("chdir(2)", path, os.chdir, path)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        ask("mkdir(2)", path, os.mkdir, path, mode)

    def mknod(self, path: str, mode: int, device: tuple[int, int] = (0, 0)) -> None:
        ask("mknod(2)", path, os.mknod, path, mode, os.makedev(*device))

    def symlink(self, target: str, path: str) -> None:
        ask("symlink(2)", path, os.symlink, target, path)

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        ask("fchown(2)", f"descriptor {fd}", os.fchown, fd, uid, gid)

    def unlink(self, path: str) -> None:
        ask("unlink(2)", path, os.unlink, path)

    def rmdir(self, path: str) -> None:
        ask("rmdir(2)", path, os.rmdir, path)

    def open(self, path: str, flags: int) -> int:
        return int(ask("open(2)", path, os.open, path, flags | os.O_CLOEXEC))

    def sethostname(self, name: str) -> None:
        # int sethostname(const char *name, size_t len)
        call("sethostname(2)", libc.sethostname, name, len(os.fsencode(name)), path=name)

    def setdomainname(self, name: str) -> None:
        # int setdomainname(const char *name, size_t len)
        call("setdomainname(2)", libc.setdomainname, name, len(os.fsencode(name)), path=name)

    def geteuid(self) -> int:
        return os.geteuid()

    def setgroups(self, groups: Sequence[int]) -> None:
        ask("setgroups(2)", "", os.setgroups, groups)

    def setresgid(self, real: int, effective: int, saved: int) -> None:
        ask("setresgid(2)", "", os.setresgid, real, effective, saved)

    def setresuid(self, real: int, effective: int, saved: int) -> None:
        ask("setresuid(2)", "", os.setresuid, real, effective, saved)

    def umask(self, mask: int) -> int:
        return os.umask(mask)

    def setrlimit(self, resource: int, soft: int, hard: int) -> None:
        import resource as module

        try:
            ask("setrlimit(2)", "", module.setrlimit, resource, (soft, hard))
        except ValueError:  # Python's word for it, whether it is EINVAL or EPERM
            number = EINVAL if 0 <= hard < soft or (soft < 0 <= hard) else EPERM
            raise KernelError("setrlimit(2)", number) from None
