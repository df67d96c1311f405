"""What can go wrong, and what to do about it.

Exception
├── MinidockerError      one sentence, a remedy, an exit status
│   ├── UsageError       the command line or a file is not what it should be
│   │   └── FlagError    an option that is none, or that has no such value
│   ├── NotFound         a name that nothing answers to
│   │   └── NoImage      an image that the store lacks, and a registry may have
│   ├── Conflict         a name or a directory that somebody uses
│   ├── Blocked          this machine cannot do it; the remedy says what would help
│   └── StageError       a stage failed: which stage, moment and part, and whose file
└── OSError
    └── KernelError      the kernel refused a call: the call, the errno, the path
"""

from __future__ import annotations

import errno as _errno
import os

# The remedy for what a machine cannot show: one Linux where root may break anything.
LAB_MACHINE = "use the lab machine: minidocker vm up   (or: vagrant up)"


class MinidockerError(Exception):
    """A problem told in one sentence, with a remedy; never shown as a traceback.

    `status` is the exit status of the command: 125 is "minidocker itself failed", as in Docker.
    `docker` is what Docker says there, where people search for its words.
    """

    def __init__(self, message: str, remedy: str = "", status: int = 125, docker: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.status = status
        self.docker = docker


class UsageError(MinidockerError):
    """The command line, or a file that it names, is not what it should be."""


class FlagError(UsageError):
    """An option is none of this word's, or has no such value: 125, as for each of Docker's."""


class NotFound(MinidockerError):
    """Nothing has this name."""


class NoImage(NotFound):
    """The store has no image of this `name`; a registry may have it."""

    def __init__(self, name: str, remedy: str) -> None:
        tagged = name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
        super().__init__(f"there is no image {name}", remedy, docker=f"No such image: {tagged}")
        self.name = name


class Conflict(MinidockerError):
    """Somebody uses this name or directory already."""


class Blocked(MinidockerError):
    """This machine cannot do it, whoever asks; the remedy says what would help."""


class StageError(MinidockerError):
    """A stage failed inside a moment; `where` is "stage.moment, part NAME of FILE"."""

    def __init__(self, message: str, where: str, remedy: str = "", trace: str = "") -> None:
        super().__init__(message, remedy)
        self.where = where
        self.trace = trace


class KernelError(OSError):
    """The kernel refused a call.

    `call` is the man page's name ("mount(2)"), `errno` and `filename` are those of OSError.
    """

    def __new__(cls, call: str, number: int, path: str = "", detail: str = "") -> KernelError:
        # As OSError does: ENOENT is a FileNotFoundError too, for who writes `except` of that.
        return super().__new__(_class_of(number), number, os.strerror(number), path or None)

    def __init__(self, call: str, number: int, path: str = "", detail: str = "") -> None:
        super().__init__()  # OSError has read its arguments in __new__
        self.call = call
        self.detail = detail

    def __str__(self) -> str:
        if not self.errno:  # a program of the host, in its own words
            return f"{self.call}: {self.detail}"
        name = _errno.errorcode.get(self.errno or 0, str(self.errno))
        about = f" on {self.filename}" if self.filename else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.call}{about}{detail}: {name}, {self.strerror}"

    @property
    def remedy(self) -> str:
        """What this errno usually means for this call, and what to do; "" when we do not know."""
        return explain(self.call, self.errno or 0)


_CLASSES: dict[int, type[KernelError]] = {}


def _class_of(number: int) -> type[KernelError]:
    """Return a KernelError that is the errno's own class of OSError as well.

    Made when it is first raised: all of them would cost each start 0.2 ms.
    """
    if number not in _CLASSES:
        kind = type(OSError(number, ""))
        names = {"__doc__": KernelError.__doc__, "__module__": __name__}
        _CLASSES[number] = (
            KernelError if kind is OSError else type("KernelError", (KernelError, kind), names)
        )
    return _CLASSES[number]


NO_SUCH_ID = (
    "this user namespace has no such id: an ordinary user's has more than root's with subordinate "
    "ids alone (sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME)"
)
# (call, errno) → what it usually means. A call of "*" stands for any call.
MEANINGS: dict[tuple[str, int], str] = {
    ("clone3(2)", _errno.EPERM): "new namespaces need CAP_SYS_ADMIN: run as root (sudo)",
    ("clone(2)", _errno.EPERM): "new namespaces need CAP_SYS_ADMIN: run as root (sudo)",
    ("unshare(2)", _errno.EPERM): "new namespaces need CAP_SYS_ADMIN: run as root (sudo)",
    (
        "unshare(2)",
        _errno.EINVAL,
    ): "a flag that this kernel does not know, or a process with threads",
    ("clone3(2)", _errno.ENOSPC): "too many nested namespaces: see /proc/sys/user/max_*_namespaces",
    ("write(2)", _errno.ERANGE): "a CPU that is not here; a clock that would be below zero "
    "(a smaller --boottime-offset)",
    ("fork(2)", _errno.ENOMEM): "PID 1 of this pid namespace has ended: no process can start in it",
    (
        "fork(2)",
        _errno.EAGAIN,
    ): "a limit on processes is reached: pids.max, RLIMIT_NPROC or pid_max",
    (
        "mount(2)",
        _errno.EPERM,
    ): "mounting needs CAP_SYS_ADMIN in the mount namespace's user namespace",
    (
        "mount(2)",
        _errno.EACCES,
    ): "AppArmor or another security module may forbid it: see minidocker doctor",
    (
        "mount(2)",
        _errno.EINVAL,
    ): "wrong flags or options, or the mount point is not what the flags ask for",
    (
        "mount(2)",
        _errno.ENODEV,
    ): "this kernel does not have that file system: see /proc/filesystems",
    ("mount(2)", _errno.ENOENT): "the source or the mount point does not exist",
    ("mount(2)", _errno.ENOTDIR): "a directory is mounted on a file, or a file on a directory",
    ("open_tree(2)", _errno.ENOENT): "the source does not exist",
    (
        "move_mount(2)",
        _errno.EINVAL,
    ): "a directory is mounted on a file, or a file on a directory   (Docker says: Are you trying "
    "to mount a directory onto a file (or vice-versa)?)",
    ("setresuid(2)", _errno.EINVAL): NO_SUCH_ID,
    ("setresgid(2)", _errno.EINVAL): NO_SUCH_ID,
    ("setgroups(2)", _errno.EINVAL): NO_SUCH_ID,
    (
        "open(2)",
        _errno.ENOTDIR,
    ): "what should be a directory is a file: a volume is a directory, too",
    ("chdir(2)", _errno.ENOTDIR): "it is a file: give a directory",
    ("umount2(2)", _errno.EBUSY): "something uses it: MNT_DETACH lets go now and cleans up later",
    ("umount2(2)", _errno.EINVAL): "it is not a mount point in this mount namespace",
    (
        "pivot_root(2)",
        _errno.EBUSY,
    ): "the new root must be a mount point: bind it onto itself first",
    ("pivot_root(2)", _errno.EINVAL): (
        "the new root is not a mount point (bind it onto itself first), a mount above it is "
        "shared, or the old root is an initramfs"
    ),
    ("mknod(2)", _errno.EPERM): "device nodes need CAP_MKNOD in the first user namespace",
    ("write(2)", _errno.EBUSY): "the cgroup has processes or children that forbid this change",
    (
        "execve(2)",
        _errno.ENOEXEC,
    ): "the file is not a program of this machine: a script needs a #! line",
    (
        "execve(2)",
        _errno.ENOENT,
    ): "the file, or the loader or interpreter that it names, is not in the container",
    (
        "ioctl(2) SIOCADDRT",
        _errno.ENETUNREACH,
    ): "the gateway must be a neighbour: an address in the subnet of a link that is up",
    ("ioctl(2) SIOCADDRT", _errno.EEXIST): "there is such a route already: see ip route",
    ("bind(2)", _errno.EADDRINUSE): "another socket has this port: see ss -lntup",
    ("*", _errno.EROFS): "the file system is mounted read-only",
    ("*", _errno.ENOSPC): "the disk, or a limit on objects of this kind, is full",
    ("*", _errno.EPERM): "the process lacks a capability for this call: see minidocker doctor",
    ("*", _errno.ENOSYS): "this kernel does not have the call",
}


def explain(call: str, number: int) -> str:
    """Say in one line what (call, errno) usually means, or "" when nothing is known."""
    return MEANINGS.get((call, number)) or MEANINGS.get(("*", number), "")
