"""Programs beside us: run, started, sealed; signals and descriptors before them."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C half of signal: no enum, 4 ms less
import select

from minidocker.errors import KernelError
from minidocker.kernel import flags as _flags
from minidocker.kernel import sealed
from minidocker.kernel.libc import ask, call, ctypes, libc
from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
else:  # promises alone: a start need not load them
    Kernel = object

SYS_FSOPEN, SYS_FSCONFIG, SYS_FSMOUNT = 430, 431, 432
SYS_CLOSE_RANGE = 436
FSOPEN_CLOEXEC = 1
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
MOST_READ = 16 << 20  # bytes: what we read whole is small, and may be an image's
PATIENCE = 30_000  # milliseconds that a program gets to be ready
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class Programs(Kernel):
    """What stands beside the calls for programs."""

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

    def start(
        self, argv: Sequence[str], directory: str, ready: int, more: dict[int, int] | None = None
    ) -> int:
        hear, say = os.pipe()
        log = ask("open(2)", directory, os.open, f"{directory}/{argv[0]}.log", _NEW, 0o600)
        us, pid = os.getpid(), self.fork()
        if pid == 0:
            try:
                null = os.open("/dev/null", os.O_RDONLY)
                us = 0 if more else us
                given = {0: null, 1: log, 2: log, ready: say, **(more or {})}
                self._serve(argv, directory, us, given)
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
        """Become a program that ends with its `parent`, and that no Ctrl-C reaches."""
        if parent:
            self.prctl(_flags.PR_SET_PDEATHSIG, _flags.SIGKILL)
            if os.getppid() != parent:  # it has ended already
                return
        os.setsid()
        os.chdir(directory)
        above = max(descriptors.values()) + 1  # so none is overwritten before its turn
        for number, fd in descriptors.items():
            os.dup2(fd, above + number, inheritable=False)
        for number in descriptors:
            os.dup2(above + number, number)
            os.set_inheritable(number, True)  # dup2(2) of a descriptor to itself changes nothing
        self.sigprocmask(set())
        os.execv(_program(argv[0]), list(argv))

    def sealed_program(self, data: bytes, directory: str, mode: int = 0o111) -> int:
        return sealed.program(data, directory, mode)

    def sealed_directory(self, path: str) -> int:
        lower = self.open(path, os.O_PATH | os.O_DIRECTORY)
        empty = _detached("tmpfs", "")  # an overlay without an upper layer wants two lower ones
        try:
            layers = f"/proc/self/fd/{lower}:/proc/self/fd/{empty}"
            return _detached("overlay", layers)
        finally:
            os.close(lower)
            os.close(empty)

    def wait_signal(self) -> int:
        return int(_signal.sigwait(_signal.valid_signals()))

    def default_signals(self, signals: set[int]) -> None:
        for number in signals:
            _signal.signal(number, _signal.SIG_DFL)

    def close_all_but(self, keep: set[int]) -> None:
        # int syscall(SYS_close_range, unsigned first, unsigned last, unsigned flags): 5.9
        first = 0
        for kept in (*sorted(keep), 1 << 32):
            if first < kept:
                last = ctypes.c_uint(kept - 1)
                call("close_range(2)", libc.syscall, SYS_CLOSE_RANGE, first, last, 0)
            first = kept + 1


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
