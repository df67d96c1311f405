"""Linux: the kernel itself, through libc. The only file that imports ctypes.

A wrapper is a few lines under its C prototype, and there is one path from errno to
`KernelError`. PyDLL, not CDLL: the interpreter lock stays held during a call, so a
child made by clone3 finds the interpreter in order.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C half of signal: no enum, 4 ms less
import ctypes
import fcntl
import os
import select
import sys
from errno import EBUSY, EFBIG, EINVAL, ELOOP, ENODEV, ENOENT, ENOSYS, ENOTDIR, EPERM

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel import sealed
from minidocker.kernel.interface import Kernel

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

SYS_CLONE = {"x86_64": 56, "aarch64": 220}
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
SECCOMP_SET_MODE_FILTER = 1
SYS_CLONE3 = 435  # from here on, all architectures share one numbering
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_FSOPEN, SYS_FSCONFIG, SYS_FSMOUNT = 430, 431, 432
SYS_CLOSE_RANGE = 436
SYS_OPENAT2 = 437
SYS_PIDFD_OPEN = 434
SYS_PIDFD_GETFD = 438
SYS_MOUNT_SETATTR = 442
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10
FSOPEN_CLOEXEC = 1
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
KEYCTL_JOIN_SESSION_KEYRING = 1
AT_RECURSIVE = 0x8000
AT_SYMLINK_NOFOLLOW = 0x100
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
O_PATH = 0o10000000
S_IFMT, S_IFREG, S_IFDIR = 0o170000, 0o100000, 0o040000
FILE_SYSTEMS = {0x9FA0: "proc", 0x62656572: "sysfs", 0x63677270: "cgroup2", 0x27E0EB: "cgroup",
                0x01021994: "tmpfs"}  # fmt: skip  # <linux/magic.h>
MOST_READ = 16 << 20  # bytes: what we read whole is small, and may be an image's
LINKS = 40  # symbolic links in one path, as in the kernel
AT_FDCWD = -100
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
SIOCADDRT = 0x890B
TUNATTACHFILTER = 0x401054D5  # _IOW('T', 213, struct sock_fprog)
PATIENCE = 30_000  # milliseconds that a program gets to be ready
AF_INET = 2
RTF_UP, RTF_GATEWAY, RTF_HOST = 1, 2, 4
IFF_UP = 1
CLOSE_RANGE_CLOEXEC = 4
PR_CAP_AMBIENT = 47
CAPABILITY_VERSION_3 = 0x20080522
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC

libc = ctypes.PyDLL(None, use_errno=True)


def call(name: str, function: Any, *args: Any, path: str = "") -> int:
    """Call a libc function; −1 becomes KernelError. Strings are passed as bytes."""
    result = function(*[os.fsencode(a) if isinstance(a, str) else a for a in args])
    if result == -1:
        raise KernelError(name, ctypes.get_errno(), path)
    return int(result)


def open_in_root(anchor: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path below a directory's descriptor: no link, ".." or /proc link leads out of it."""
    # long syscall(SYS_openat2, int dirfd, const char *path, struct open_how *how, size_t size)
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    return call(
        "openat2(2)", libc.syscall, SYS_OPENAT2, anchor, path, how, ctypes.sizeof(how), path=path
    )


def ask(name: str, path: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of `os`; its OSError becomes KernelError with the call's name."""
    try:
        return function(*args)
    except OSError as problem:
        raise KernelError(name, problem.errno or 0, path) from None


def _shift(path: str, uid: int, gid: int) -> None:
    """Move one file's ids up, once: a directory is met twice, and one with shifted ids stays."""
    found = os.lstat(path)
    if found.st_uid >= uid or found.st_gid >= gid:
        return
    ask("lchown(2)", path, os.lchown, path, found.st_uid + uid, found.st_gid + gid)
    if found.st_mode & 0o6000 and found.st_mode & 0o170000 != 0o120000:  # no symbolic link
        ask("chmod(2)", path, os.chmod, path, found.st_mode & 0o7777)  # chown took setuid away


class Linux(Kernel):
    """Every call of `Kernel`, done."""

    def __init__(self) -> None:
        self._targets: dict[str, tuple[str, str]] = {}  # /proc/self/fd/N → (root, path) of target()

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

    def wait_signal(self) -> int:
        return int(_signal.sigwait(_signal.valid_signals()))

    def set_signal_mask(self, signals: set[int]) -> set[int]:
        return set(map(int, _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)))

    def signal_fd(self, signals: set[int]) -> int:
        # int signalfd(int fd, const sigset_t *mask, int flags): sigset_t has a bit a signal
        mask = ctypes.create_string_buffer(
            sum(1 << n - 1 for n in signals).to_bytes(8, "little"), 128
        )
        return call("signalfd(2)", libc.signalfd, -1, mask, os.O_CLOEXEC | os.O_NONBLOCK)

    def default_signals(self, signals: set[int]) -> None:
        for number in signals:
            _signal.signal(number, _signal.SIG_DFL)

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

    def sealed_program(self, data: bytes, directory: str, mode: int = 0o111) -> int:
        return sealed.program(data, directory, mode)

    def sealed_directory(self, path: str) -> int:
        lower = self.open(path, O_PATH | os.O_DIRECTORY)
        empty = _detached("tmpfs", "")  # an overlay without an upper layer wants two lower ones
        try:
            layers = f"/proc/self/fd/{lower}:/proc/self/fd/{empty}"
            return _detached("overlay", layers)
        finally:
            os.close(lower)
            os.close(empty)

    def exit(self, status: int) -> NoReturn:
        os._exit(status)

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        # subprocess would cost 10 ms of a start. Files in memory need no reader while it runs.
        given, out, err = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        try:
            os.pwrite(given, os.fsencode(stdin), 0)
            moves = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((given, out, err))]
            program = _program(argv[0])
            if "/" not in program:
                wanted = "apt-get install iproute2 nftables util-linux"
                raise KernelError(argv[0], 0, "", f"this machine has no such program: {wanted}")
            pid = ask("execve(2)", argv[0], lambda: os.posix_spawn(
                program, list(argv), os.environ, file_actions=moves, setsigmask=()))  # fmt: skip
            _, status = self.waitpid(pid)
            if status:
                raise KernelError(argv[0], 0, "", _text(err).strip() or f"status {status:#x}")
            return _text(out)
        finally:
            for fd in (given, out, err):
                os.close(fd)

    def start(self, argv: Sequence[str], directory: str, ready: int) -> int:
        hear, say = os.pipe()
        log = ask("open(2)", directory, os.open, f"{directory}/{argv[0]}.log", _NEW, 0o600)
        us, pid = os.getpid(), self.fork()
        if pid == 0:
            try:
                null = os.open("/dev/null", os.O_RDONLY)
                self._serve(argv, directory, us, {0: null, 1: log, 2: log, ready: say})
            finally:
                os._exit(127)
        os.close(say)
        try:
            poll = select.poll()
            poll.register(hear, select.POLLIN)
            if poll.poll(PATIENCE) and os.read(hear, 1):
                return pid
            self.kill(pid, _flags.SIGKILL)
            self.waitpid(pid)
            words = self.read(f"{directory}/{argv[0]}.log").strip()
            raise KernelError(argv[0], 0, "", words or "it said nothing")
        finally:
            os.close(hear)
            os.close(log)

    def _serve(
        self, argv: Sequence[str], directory: str, parent: int, descriptors: dict[int, int]
    ) -> None:
        """Become a program that ends with its parent, and that no Ctrl-C of a terminal reaches."""
        self.prctl(_flags.PR_SET_PDEATHSIG, _flags.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            return
        os.setsid()
        os.chdir(directory)
        for number, fd in descriptors.items():
            os.dup2(fd, number)
            os.set_inheritable(number, True)  # dup2(2) of a descriptor to itself changes nothing
        self.set_signal_mask(set())
        os.execv(_program(argv[0]), list(argv))

    def talk(self, path: str, text: str) -> str:
        import _socket

        directory, _, name = path.rpartition("/")
        one = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        here = os.open(directory, O_PATH | os.O_CLOEXEC)  # a socket's path has 107 bytes at most
        try:
            ask("connect(2)", path, one.connect, f"/proc/self/fd/{here}/{name}")
            ask("send(2)", path, one.sendall, os.fsencode(text))
            one.shutdown(_socket.SHUT_WR)
            parts = iter(lambda: ask("recv(2)", path, one.recv, 4096), b"")
            return b"".join(parts).decode(errors="surrogateescape")
        finally:
            os.close(here)
            one.close()

    def filter_tap(self, pid: int, program: bytes) -> None:
        # int pidfd_open(pid_t pid, unsigned flags): 5.3
        # int pidfd_getfd(int pidfd, int targetfd, unsigned flags): 5.6
        process = call("pidfd_open(2)", libc.syscall, SYS_PIDFD_OPEN, pid, 0)
        try:
            opened = ask("open(2)", f"/proc/{pid}/fd", os.open, f"/proc/{pid}/fd", os.O_CLOEXEC)
            # it may be closing one just now, and that is not the one that it serves
            taps = [fd for fd in os.listdir(opened) if _link(fd, opened).endswith("/net/tun")]
            os.close(opened)
            for fd in taps:
                tap = call("pidfd_getfd(2)", libc.syscall, SYS_PIDFD_GETFD, process, int(fd), 0)
                code = ctypes.create_string_buffer(program, len(program))
                # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
                head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
                word = ctypes.c_ulong(TUNATTACHFILTER)
                call("ioctl(2) TUNATTACHFILTER", libc.ioctl, tap, word, head)
                os.close(tap)
            if not taps:
                raise KernelError("ioctl(2) TUNATTACHFILTER", ENODEV, f"/proc/{pid}/fd")
        finally:
            os.close(process)

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

    def close_all_but(self, keep: set[int]) -> None:
        # int syscall(SYS_close_range, unsigned first, unsigned last, unsigned flags): 5.9
        first = 0
        for kept in (*sorted(keep), 1 << 32):
            if first < kept:
                last = ctypes.c_uint(kept - 1)
                call("close_range(2)", libc.syscall, SYS_CLOSE_RANGE, first, last, 0)
            first = kept + 1

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

    def seccomp(self, program: bytes) -> None:
        # int syscall(SYS_seccomp, unsigned operation, unsigned flags, struct sock_fprog *program)
        # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
        code = ctypes.create_string_buffer(program, len(program))
        head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(code))
        number = SYS_SECCOMP.get(os.uname().machine, 277)
        call("seccomp(2)", libc.syscall, number, SECCOMP_SET_MODE_FILTER, 0, head)

    def join_session_keyring(self) -> None:
        # long keyctl(int operation, char *name): no name makes a new keyring without one
        number = SYS_KEYCTL.get(os.uname().machine, 219)
        call("keyctl(2)", libc.syscall, number, KEYCTL_JOIN_SESSION_KEYRING, None)

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

    def mount(
        self, source: str, target: str, fstype: str = "", flags: int = 0, data: str = ""
    ) -> None:
        # int mount(const char *source, const char *target, const char *type, unsigned long flags,
        #           const void *data)
        word = ctypes.c_ulong(flags)
        shown = self._shown(target)
        if flags & _flags.MS_REMOUNT:
            target = self._top(target)
        call(
            "mount(2)", libc.mount, source or None, target, fstype or None, word, data or None,
            path=shown,
        )  # fmt: skip

    def mount_setattr(self, path: str, attributes: int, recursive: bool = False) -> None:
        # int syscall(SYS_mount_setattr, int dirfd, const char *path, unsigned flags,
        #             struct mount_attr *attr, size_t size)
        # struct mount_attr { __u64 attr_set, attr_clr, propagation, userns_fd; }
        attr = (ctypes.c_uint64 * 4)(attributes)
        call(
            "mount_setattr(2)", libc.syscall, SYS_MOUNT_SETATTR, AT_FDCWD, self._top(path),
            AT_RECURSIVE if recursive else 0, attr, ctypes.sizeof(attr), path=self._shown(path),
        )  # fmt: skip

    def tree_of(self, namespace: int, path: str) -> int:
        # int syscall(SYS_open_tree, int dirfd, const char *path, unsigned flags)
        mounts, root, here = (
            os.open(name, os.O_CLOEXEC | flags)
            for name, flags in (("/proc/self/ns/mnt", 0), ("/", O_PATH), (".", O_PATH))
        )
        self.setns(namespace, _flags.CLONE_NEWNS)  # moves "/" and "." too
        try:
            flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_SYMLINK_NOFOLLOW
            return call(
                "open_tree(2)", libc.syscall, SYS_OPEN_TREE, AT_FDCWD, path, flags, path=path
            )
        finally:
            self.setns(mounts, _flags.CLONE_NEWNS)
            os.fchdir(root)
            os.chroot(".")
            os.fchdir(here)
            for fd in (mounts, root, here):
                os.close(fd)

    def move_mount(self, tree: int, target: str) -> None:
        # int syscall(SYS_move_mount, int from_dirfd, const char *from, int to_dirfd,
        #             const char *to, unsigned flags)
        call(
            "move_mount(2)", libc.syscall, SYS_MOVE_MOUNT, tree, "", AT_FDCWD, target,
            MOVE_MOUNT_F_EMPTY_PATH, path=target,
        )  # fmt: skip

    def _top(self, target: str) -> str:
        """A target's descriptor shows what the mount has covered: look its name up again."""
        if target not in self._targets:
            return target
        root, path = self._targets[target]
        return f"/proc/self/fd/{self._in_root(self._anchor(root), path.strip('/') or '.', O_PATH)}"

    def _shown(self, target: str) -> str:
        root, path = self._targets.get(target, ("", target))
        return root + path

    def _anchor(self, root: str) -> int:
        return os.open(root or "/", O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def umount2(self, target: str, flags: int = 0) -> None:
        # int umount2(const char *target, int flags)
        call("umount2(2)", libc.umount2, target, flags, path=target)

    def pivot_root(self, new_root: str, put_old: str) -> None:
        # int pivot_root(const char *new_root, const char *put_old): in glibc, in no header
        call("pivot_root(2)", libc.pivot_root, new_root, put_old, path=new_root)

    def chroot(self, path: str) -> None:
        ask("chroot(2)", path, os.chroot, path)

    def chdir(self, path: str) -> None:
        ask("chdir(2)", path, os.chdir, path)

    def target(self, root: str, path: str, kind: str = "dir") -> str:
        parts = _parts(path)
        anchor = self._anchor(root)
        depth = links = 0
        while depth < len(parts):
            depth += 1
            try:
                os.close(self._in_root(anchor, "/".join(parts[:depth]), O_PATH))
                continue
            except KernelError as problem:
                if problem.errno != ENOENT:
                    raise
            parent = self._in_root(anchor, "/".join(parts[: depth - 1]) or ".", O_PATH)
            if link := _link(parts[depth - 1], parent):  # to nothing yet: make what it names
                links += 1
                if links > LINKS:
                    raise KernelError("openat2(2)", ELOOP, path)
                above = [] if link.startswith("/") else parts[: depth - 1]
                parts, depth = above + _parts(link) + parts[depth:], 0
            else:
                directory = kind == "dir" or depth < len(parts)
                make = _make_directory if directory else _make_file
                ask("mkdir(2)" if directory else "open(2)", path, make, parts[depth - 1], parent)
            os.close(parent)
        found = f"/proc/self/fd/{self._in_root(anchor, '/'.join(parts) or '.', O_PATH)}"
        self._targets[found] = (root.rstrip("/"), "/" + "/".join(parts))
        return found

    def _in_root(self, anchor: int, path: str, flags: int) -> int:
        # long syscall(SYS_openat2, int dirfd, const char *path, struct open_how *how, size_t size)
        how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT)
        return call(
            "openat2(2)", libc.syscall, SYS_OPENAT2, anchor, path, how, ctypes.sizeof(how),
            path=path,
        )  # fmt: skip

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        ask("mkdir(2)", path, os.mkdir, path, mode)

    def mknod(self, path: str, mode: int, device: tuple[int, int] = (0, 0)) -> None:
        ask("mknod(2)", path, os.mknod, path, mode, os.makedev(*device))

    def symlink(self, target: str, path: str) -> None:
        ask("symlink(2)", path, os.symlink, target, path)

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        ask("fchown(2)", f"descriptor {fd}", os.fchown, fd, uid, gid)

    def shift_owners(self, path: str, uid: int, gid: int) -> None:
        for folder, below, names in os.walk(path):
            for name in ("", *below, *names):
                _shift(f"{folder}/{name}".rstrip("/"), uid, gid)

    def unlink(self, path: str) -> None:
        ask("unlink(2)", path, os.unlink, path)

    def rmdir(self, path: str) -> None:
        ask("rmdir(2)", path, os.rmdir, path)

    def remove_tree(self, path: str, last: str = "") -> None:
        try:
            device = os.lstat(path).st_dev
        except FileNotFoundError:
            return
        while names := [name for name in _names(path) if name != last]:
            for name in names:
                _remove(path, name, device)
        if last:
            _unless_gone("unlink(2)", os.unlink, f"{path}/{last}")
        _unless_gone("rmdir(2)", os.rmdir, path)

    def open(self, path: str, flags: int) -> int:
        return int(ask("open(2)", path, os.open, path, flags | os.O_CLOEXEC))

    def write(self, path: str, text: str) -> None:
        fd = ask("open(2)", path, os.open, path, _NEW, 0o644)
        try:
            ask("write(2)", path, os.write, fd, os.fsencode(text))
        finally:
            os.close(fd)

    def rewrite(self, path: str, text: str) -> None:
        data = os.fsencode(text)
        fd = ask("open(2)", path, os.open, path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            ask("write(2)", path, os.pwrite, fd, data, 0)
            ask("ftruncate(2)", path, os.ftruncate, fd, len(data))
        finally:
            os.close(fd)

    def lock(self, path: str) -> int:
        while True:
            fd = ask("open(2)", path, os.open, path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            ask("flock(2)", path, fcntl.flock, fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return int(fd)
            os.close(fd)  # it was removed while we waited: the next one has made another

    def is_locked(self, path: str) -> bool:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(fd)

    def exists(self, path: str) -> bool:
        return bool(self.kind(path))

    def kind(self, path: str) -> str:
        found = _status(path)
        if found is None:
            return ""
        return "dir" if found.st_mode & S_IFMT == S_IFDIR else "file"

    def device(self, path: str) -> tuple[int, int]:
        follow = path.startswith("/proc/self/fd/")
        found = _status(path, follow)
        if found is None or found.st_mode & S_IFMT != _flags.S_IFCHR:
            return 0, 0
        return os.major(found.st_rdev), os.minor(found.st_rdev)

    def superblock(self, path: str) -> int:
        found = _status(path)
        return found.st_dev if found else 0

    def filesystem(self, path: str) -> str:
        # int fstatfs(int fd, struct statfs *buf): its first word is the kind
        follow = 0 if path.startswith("/proc/self/fd/") else os.O_NOFOLLOW
        fd = self.open(path, O_PATH | follow)
        try:
            buffer = ctypes.create_string_buffer(256)
            call("fstatfs(2)", libc.fstatfs, fd, buffer, path=path)
            number = int.from_bytes(buffer.raw[:4], sys.byteorder)
            return FILE_SYSTEMS.get(number, hex(number))
        finally:
            os.close(fd)

    def read(self, path: str) -> str:
        return self.read_bytes(path).decode(errors="surrogateescape")

    def read_bytes(self, path: str) -> bytes:
        fd = self.open(path, os.O_RDONLY | os.O_NONBLOCK)  # an image may have a FIFO there
        chunks = []
        try:
            if os.fstat(fd).st_mode & S_IFMT != S_IFREG:
                raise KernelError("read(2)", EINVAL, path, "no ordinary file")
            while chunk := ask("read(2)", path, os.read, fd, 65536):
                chunks.append(chunk)
                if len(chunks) > MOST_READ >> 16:
                    raise KernelError("read(2)", EFBIG, path)
        finally:
            os.close(fd)
        return b"".join(chunks)

    def sethostname(self, name: str) -> None:
        # int sethostname(const char *name, size_t len)
        call("sethostname(2)", libc.sethostname, name, len(os.fsencode(name)), path=name)

    def setdomainname(self, name: str) -> None:
        # int setdomainname(const char *name, size_t len)
        call("setdomainname(2)", libc.setdomainname, name, len(os.fsencode(name)), path=name)

    def link_up(self, interface: str) -> None:
        # struct ifreq { char name[16]; short flags; … }: 40 bytes
        request = ctypes.create_string_buffer(interface.encode(), 40)
        fd = call("socket(2)", libc.socket, 2, 2, 0)  # AF_INET, SOCK_DGRAM
        try:
            call("ioctl(2) SIOCGIFFLAGS", libc.ioctl, fd, SIOCGIFFLAGS, request, path=interface)
            request[16] = bytes([request.raw[16] | IFF_UP])
            call("ioctl(2) SIOCSIFFLAGS", libc.ioctl, fd, SIOCSIFFLAGS, request, path=interface)
        finally:
            os.close(fd)

    def route_add(self, destination: str, gateway: str) -> None:
        # struct rtentry { ulong pad; sockaddr dst, gateway, genmask; ushort flags; … }: 120 bytes
        # struct sockaddr_in { ushort family; ushort port; in_addr address; char pad[8]; }
        network, _, bits = ("0.0.0.0/0" if destination == "default" else destination).partition("/")
        length = int(bits or 32)
        mask = (0xFFFFFFFF << 32 - length & 0xFFFFFFFF).to_bytes(4, "big")
        head = AF_INET.to_bytes(2, "little") + bytes(2)
        parts = [head + part + bytes(8) for part in (_address(network), _address(gateway), mask)]
        flags = RTF_UP | RTF_GATEWAY | (RTF_HOST if length == 32 else 0)
        data = bytes(8) + b"".join(parts) + flags.to_bytes(2, "little")
        request = ctypes.create_string_buffer(data, 120)
        fd = call("socket(2)", libc.socket, AF_INET, 2, 0)  # SOCK_DGRAM
        try:
            about = f"{destination} via {gateway}"
            call("ioctl(2) SIOCADDRT", libc.ioctl, fd, SIOCADDRT, request, path=about)
        finally:
            os.close(fd)

    def reserve(self, protocol: str, address: str, port: int) -> int:
        import _socket

        kind = _socket.SOCK_DGRAM if protocol == "udp" else _socket.SOCK_STREAM
        one = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC)
        where = f"{address or '0.0.0.0'}:{port}"
        try:
            ask("bind(2)", where, one.bind, (address or "0.0.0.0", port))
        except KernelError:
            one.close()
            raise
        return int(one.detach())

    def getuid(self) -> int:
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

        ask("setrlimit(2)", "", module.setrlimit, resource, (soft, hard))


def _status(path: str, follow: bool = True) -> os.stat_result | None:
    """Ask for a path's status: None when nothing is there, and only then."""
    try:
        return os.stat(path, follow_symlinks=follow)
    except OSError as problem:
        if problem.errno in (ENOENT, ENOTDIR):
            return None
        raise KernelError("stat(2)", problem.errno or 0, path) from None


def _detached(kind: str, lower: str) -> int:
    """Make a file system, read-only and mounted nowhere; its root's descriptor."""
    # int syscall(SYS_fsopen, const char *fsname, unsigned flags)
    # int syscall(SYS_fsconfig, int fd, unsigned cmd, const char *key, const void *value, int aux)
    # int syscall(SYS_fsmount, int fsfd, unsigned flags, unsigned ms_flags)
    context = call("fsopen(2)", libc.syscall, SYS_FSOPEN, kind, FSOPEN_CLOEXEC, path=kind)
    try:
        for command, key, value in (
            (FSCONFIG_SET_FLAG, "ro", None),
            *([(FSCONFIG_SET_STRING, "lowerdir", lower)] if lower else []),
            (FSCONFIG_CMD_CREATE, None, None),
        ):
            call("fsconfig(2)", libc.syscall, SYS_FSCONFIG, context, command, key, value, 0,
                 path=kind)  # fmt: skip
        attributes = _flags.MOUNT_ATTR_RDONLY | _flags.MOUNT_ATTR_NOSUID | _flags.MOUNT_ATTR_NODEV
        return call("fsmount(2)", libc.syscall, SYS_FSMOUNT, context, FSOPEN_CLOEXEC, attributes,
                    path=kind)  # fmt: skip
    finally:
        os.close(context)


def _program(name: str) -> str:
    """Find a host tool; root's PATH often lacks the directories where ip and nft are."""
    for place in (*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin"):
        if place and "/" not in name and os.access(f"{place}/{name}", os.X_OK):
            return f"{place}/{name}"
    return name


def _text(fd: int) -> str:
    return os.pread(fd, MOST_READ, 0).decode(errors="surrogateescape")


def _address(text: str) -> bytes:
    """Return the four bytes of an IPv4 address; EINVAL for what is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise KernelError("inet_aton(3)", EINVAL, text, "no IPv4 address")
    return bytes(map(int, parts))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _link(name: str, parent: int) -> str:
    """Return where a symbolic link leads; "" when there is none."""
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return ""


def _make_directory(name: str, parent: int) -> None:
    os.mkdir(name, 0o755, dir_fd=parent)


def _make_file(name: str, parent: int) -> None:
    os.close(os.open(name, _NEW | os.O_EXCL, 0o644, dir_fd=parent))


def _remove(top: str, name: str, device: int) -> None:
    """Remove top/name; the directories in it move up into `top`, to be removed next.

    So no tree is too deep: neither for our stack nor for the longest path. Another device is
    a mount, and stays. What somebody else removes at the same time is fine.
    """
    path = f"{top}/{name}"
    if not _is_directory(path):
        _unless_gone("unlink(2)", os.unlink, path)
        return
    if os.lstat(path).st_dev != device:
        raise KernelError("rmdir(2)", EBUSY, path, "something is mounted there")
    for below in _names(path):
        inner = f"{path}/{below}"
        if _is_directory(inner):
            _unless_gone("rename(2)", os.rename, inner, f"{top}/.{os.urandom(8).hex()}")
        else:
            _unless_gone("unlink(2)", os.unlink, inner)
    _unless_gone("rmdir(2)", os.rmdir, path)


def _is_directory(path: str) -> bool:
    return not os.path.islink(path) and os.path.isdir(path)


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _unless_gone(name: str, function: Callable[..., Any], path: str, *more: str) -> None:
    try:
        ask(name, path, function, path, *more)
    except KernelError as problem:
        if problem.errno != ENOENT:
            raise
