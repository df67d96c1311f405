"""Calls: what may be asked of Linux, each method one system call, named as its man page is."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


class Calls:
    """The system calls, with nothing behind them."""

    def fork(self) -> int:
        """Make a copy of this process: 0 in the child, the child's pid in the parent. fork(2)"""
        raise NotImplementedError

    def clone(self, flags: int, cgroup_fd: int | None = None) -> int:
        """Fork into new namespaces (CLONE_NEW…), and into the cgroup of a directory descriptor.

        Returns as `fork` does. clone3(2), CLONE_INTO_CGROUP.
        """
        raise NotImplementedError

    def unshare(self, flags: int) -> None:
        """Move this process into new namespaces; CLONE_NEWPID moves only its *children*.

        unshare(2)
        """
        raise NotImplementedError

    def setns(self, fd: int, flags: int = 0) -> None:
        """Join the namespace of an open /proc/PID/ns/… file or pidfd. setns(2)"""
        raise NotImplementedError

    def waitpid(self, pid: int, options: int = 0) -> tuple[int, int]:
        """Wait for a child (-1: any): (pid, raw wait status); (0, 0) for none under WNOHANG.

        ECHILD when there is no child at all. waitpid(2)
        """
        raise NotImplementedError

    def sigprocmask(self, signals: set[int]) -> set[int]:
        """Block these signals and no others; return those that were blocked. sigprocmask(2)"""
        raise NotImplementedError

    def signalfd(self, signals: set[int]) -> int:
        """Open a descriptor from which blocked signals can be read. signalfd(2)"""
        raise NotImplementedError

    def kill(self, pid: int, signal: int) -> None:
        """Send a signal. kill(2)"""
        raise NotImplementedError

    def getpid(self) -> int:
        """Return the pid of this process, as its own pid namespace numbers it. getpid(2)"""
        raise NotImplementedError

    def setsid(self) -> None:
        """Become the leader of a new session, without a terminal. setsid(2)"""
        raise NotImplementedError

    def execve(
        self, path: str, argv: Sequence[str], env: dict[str, str], gate: int = -1
    ) -> NoReturn:
        """Become another program. Returns never, or raises. execve(2)

        With the descriptor of a `gate`, become that, and it becomes `path`: see runtime/gate.py.
        """
        raise NotImplementedError

    def exit(self, status: int) -> NoReturn:
        """End this process at once, with no clean-up of Python's. _exit(2)"""
        raise NotImplementedError

    def prctl(self, option: int, value: int = 0) -> None:
        """Change a property of this process, such as PR_SET_PDEATHSIG. prctl(2)"""
        raise NotImplementedError

    def close_range(self, first: int) -> None:
        """Mark every descriptor from `first` up to be closed by execve. close_range(2)"""
        raise NotImplementedError

    def capget(self) -> tuple[int, int, int]:
        """Return the masks (effective, permitted, inheritable): bit n is capability n. capget(2)"""
        raise NotImplementedError

    def capset(self, effective: int, permitted: int, inheritable: int) -> None:
        """Set the three sets of this process; the bounding set stays. capset(2)"""
        raise NotImplementedError

    def seccomp(self, program: bytes, flags: int = 0) -> int:
        """Install a filter: instructions of 8 bytes, struct sock_filter. seccomp(2)

        EACCES without CAP_SYS_ADMIN, unless no_new_privs is set. Returns 0, or the descriptor of
        a listener that the flags ask for. seccomp_unotify(2)
        """
        raise NotImplementedError

    def mount(
        self, source: str, target: str, fstype: str = "", flags: int = 0, data: str = ""
    ) -> None:
        """Attach a file system, bind a tree, or change a mount's flags (MS_…). mount(2)"""
        raise NotImplementedError

    def mount_setattr(self, path: str, attributes: int, recursive: bool = False) -> None:
        """Add attributes (MOUNT_ATTR_…) to a mount, and with `recursive` to all below it.

        mount_setattr(2), Linux 5.12
        """
        raise NotImplementedError

    def move_mount(self, tree: int, target: str) -> None:
        """Mount what `tree_of` took at `target`. move_mount(2), Linux 5.2"""
        raise NotImplementedError

    def umount2(self, target: str, flags: int = 0) -> None:
        """Take a mount away; MNT_DETACH hides it now and frees it when unused. umount2(2)"""
        raise NotImplementedError

    def pivot_root(self, new_root: str, put_old: str) -> None:
        """Make the mount `new_root` the root, and move the old root to `put_old`. pivot_root(2)"""
        raise NotImplementedError

    def chroot(self, path: str) -> None:
        """Look up "/" from this directory; nothing else changes. chroot(2)"""
        raise NotImplementedError

    def chdir(self, path: str) -> None:
        """Change the working directory. chdir(2)"""
        raise NotImplementedError

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Make one directory; an existing one raises EEXIST. mkdir(2)"""
        raise NotImplementedError

    def mknod(self, path: str, mode: int, device: tuple[int, int] = (0, 0)) -> None:
        """Make a file or device node: mode is S_IF… | permissions, device is (major, minor).

        The umask takes bits away. mknod(2)
        """
        raise NotImplementedError

    def symlink(self, target: str, path: str) -> None:
        """Make `path` a symbolic link to `target`. symlink(2)"""
        raise NotImplementedError

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        """Change the owner of an open file; −1 leaves an id as it is. fchown(2)"""
        raise NotImplementedError

    def unlink(self, path: str) -> None:
        """Remove a file. unlink(2)"""
        raise NotImplementedError

    def rmdir(self, path: str) -> None:
        """Remove an empty directory, or a cgroup without processes. rmdir(2)"""
        raise NotImplementedError

    def open(self, path: str, flags: int) -> int:
        """Open a file and return its descriptor, closed on exec. open(2)"""
        raise NotImplementedError

    def sethostname(self, name: str) -> None:
        """Set the host name of this uts namespace. sethostname(2)"""
        raise NotImplementedError

    def setdomainname(self, name: str) -> None:
        """Set the NIS domain name of this uts namespace. setdomainname(2)"""
        raise NotImplementedError

    def geteuid(self) -> int:
        """Return the effective user id. geteuid(2)"""
        raise NotImplementedError

    def setgroups(self, groups: Sequence[int]) -> None:
        """Set the supplementary groups. setgroups(2)"""
        raise NotImplementedError

    def setresgid(self, real: int, effective: int, saved: int) -> None:
        """Set the three group ids. setresgid(2)"""
        raise NotImplementedError

    def setresuid(self, real: int, effective: int, saved: int) -> None:
        """Set the three user ids; from 0 to another this drops all capabilities. setresuid(2)"""
        raise NotImplementedError

    def umask(self, mask: int) -> int:
        """Set which permission bits new files lose; return the old mask. umask(2)"""
        raise NotImplementedError

    def setrlimit(self, resource: int, soft: int, hard: int) -> None:
        """Set a resource limit (RLIMIT_…). setrlimit(2)"""
        raise NotImplementedError
