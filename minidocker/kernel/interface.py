"""Kernel: the calls that a stage, and a learner's function, may make.

Each method is one system call (or the few that belong together), named as its man page
is. `linux.Linux` does them; `trace.Traced` also writes each one down; `trace.Pretend`
does nothing and says that all went well (`--dry-run`, unit tests). Every method
raises `KernelError` (an OSError with the call's name and the path) when the kernel refuses.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


class Kernel:
    """The calls, with nothing behind them."""

    # --- processes ---------------------------------------------------------------
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

    def wait_signal(self) -> int:
        """Sleep until a blocked signal is pending; take it and return its number. sigwait(3)"""
        raise NotImplementedError

    def set_signal_mask(self, signals: set[int]) -> set[int]:
        """Block these signals and no others; return those that were blocked. sigprocmask(2)"""
        raise NotImplementedError

    def signal_fd(self, signals: set[int]) -> int:
        """Open a descriptor from which blocked signals can be read. signalfd(2)"""
        raise NotImplementedError

    def default_signals(self, signals: set[int]) -> None:
        """Give these signals their default action back (Python ignores two). sigaction(2)"""
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

    def sealed_directory(self, path: str) -> int:
        """Return a descriptor of a directory as a mount that is nowhere and can never be written.

        It is an overlay with lower layers only. fsopen(2), fsmount(2), Linux 5.2
        """
        raise NotImplementedError

    def sealed_program(self, data: bytes, directory: str, mode: int = 0o111) -> int:
        """Return a descriptor of a program that nobody can change: in memory, or without a name.

        `directory` is where the file is made on a machine that executes nothing in memory.
        memfd_create(2), F_SEAL_WRITE
        """
        raise NotImplementedError

    def exit(self, status: int) -> NoReturn:
        """End this process at once, with no clean-up of Python's. _exit(2)"""
        raise NotImplementedError

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        """Run a host command (ip, nft) and return its output; a failure raises. fork + execve"""
        raise NotImplementedError

    def start(self, argv: Sequence[str], directory: str, ready: int) -> int:
        """Start a host program that works beside us until we end; return its pid once it is ready.

        It is ready when it has written a byte to its descriptor `ready`. It runs in `directory`,
        where its words go to PROGRAM.log; the last ones are in the error, when it ends before.
        fork(2), prctl(2) PR_SET_PDEATHSIG, execve(2)
        """
        raise NotImplementedError

    def talk(self, path: str, text: str) -> str:
        """Send a text to the program that listens at a unix socket; return its answer. unix(7)"""
        raise NotImplementedError

    def filter_tap(self, pid: int, program: bytes) -> None:
        """Filter what comes out of the tap device that process `pid` serves.

        `program` is classic BPF over Ethernet frames: those for which it gives 0 are dropped.
        pidfd_getfd(2), ioctl(2) TUNATTACHFILTER
        """
        raise NotImplementedError

    def prctl(self, option: int, value: int = 0) -> None:
        """Change a property of this process, such as PR_SET_PDEATHSIG. prctl(2)"""
        raise NotImplementedError

    def join_session_keyring(self) -> None:
        """Join a new, empty session keyring: the caller's keys stay the caller's.

        KEYCTL_JOIN_SESSION_KEYRING(2const), session-keyring(7)
        """
        raise NotImplementedError

    def close_range(self, first: int) -> None:
        """Mark every descriptor from `first` up to be closed by execve. close_range(2)"""
        raise NotImplementedError

    def close_all_but(self, keep: set[int]) -> None:
        """Close every descriptor that is not in `keep`, now. close_range(2)"""
        raise NotImplementedError

    def capget(self) -> tuple[int, int, int]:
        """Return the masks (effective, permitted, inheritable): bit n is capability n. capget(2)"""
        raise NotImplementedError

    def capset(self, effective: int, permitted: int, inheritable: int) -> None:
        """Set the three sets of this process; the bounding set stays. capset(2)"""
        raise NotImplementedError

    def ambient(self) -> int:
        """Return the ambient set as a mask: what an exec leaves to a user who is not root.

        PR_CAP_AMBIENT(2const)
        """
        raise NotImplementedError

    def raise_ambient(self, capabilities: int) -> None:
        """Add to the ambient set; each must be permitted and inheritable. PR_CAP_AMBIENT(2const)"""
        raise NotImplementedError

    def seccomp(self, program: bytes) -> None:
        """Install a filter: instructions of 8 bytes, struct sock_filter. seccomp(2)

        EACCES without CAP_SYS_ADMIN, unless no_new_privs is set.
        """
        raise NotImplementedError

    def keep_capabilities(self, keep: int) -> None:
        """Give up every capability whose bit is not in `keep`, bounding set included. capset(2)"""
        raise NotImplementedError

    # --- mounts and the root -----------------------------------------------------
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

    def tree_of(self, namespace: int, path: str) -> int:
        """Take a copy of the tree that is at `path` in another mount namespace: a descriptor.

        `namespace` is an open /proc/PID/ns/mnt. The copy is mounted nowhere until `move_mount`.
        setns(2), open_tree(2) with OPEN_TREE_CLONE, Linux 5.2
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

    def target(self, root: str, path: str, kind: str = "dir") -> str:
        """Make the mount point `path` of a container, and return a safe name for it.

        Symbolic links are followed *as if `root` were "/"*, so an image cannot lead the
        mount outside. `kind` is "dir" or "file": what is missing is made so. The returned
        /proc/self/fd/N stays valid until exec. openat2(2), RESOLVE_IN_ROOT.
        """
        raise NotImplementedError

    # --- files -------------------------------------------------------------------
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

    def shift_owners(self, path: str, uid: int, gid: int) -> None:
        """Add `uid` and `gid` to the ids of all that is in a tree, modes kept. lchown(2)"""
        raise NotImplementedError

    def unlink(self, path: str) -> None:
        """Remove a file. unlink(2)"""
        raise NotImplementedError

    def rmdir(self, path: str) -> None:
        """Remove an empty directory, or a cgroup without processes. rmdir(2)"""
        raise NotImplementedError

    def remove_tree(self, path: str, last: str = "") -> None:
        """Remove a directory with all that is in it, the file `last` at the end.

        Crosses no mount; what is gone already is fine.
        """
        raise NotImplementedError

    def open(self, path: str, flags: int) -> int:
        """Open a file and return its descriptor, closed on exec. open(2)"""
        raise NotImplementedError

    def write(self, path: str, text: str) -> None:
        """Write the text with one write(2): how /proc and cgroup files want it.

        A file that does not exist is made. open(2), write(2)
        """
        raise NotImplementedError

    def rewrite(self, path: str, text: str) -> None:
        """Put another text into a file that others have bound or open: it is never seen empty.

        open(2), write(2), ftruncate(2)
        """
        raise NotImplementedError

    def lock(self, path: str) -> int:
        """Wait for the lock on a file, which is made if need be, and take it.

        Returns the descriptor: os.close lets go, and so does the end of the process. flock(2)
        """
        raise NotImplementedError

    def is_locked(self, path: str) -> bool:
        """Say whether somebody holds the lock on a file; no file is no lock. flock(2)"""
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        """Say whether the path leads to something; what cannot be told raises. stat(2)"""
        raise NotImplementedError

    def kind(self, path: str) -> str:
        """Say what the path leads to: "dir", "file" (all that is none), or "" for nothing. stat(2)

        What cannot be told raises: it may be there.
        """
        raise NotImplementedError

    def device(self, path: str) -> tuple[int, int]:
        """Return (major, minor) of a character device; (0, 0) for what is none. stat(2)

        A link is not followed, but for /proc/self/fd/N.
        """
        raise NotImplementedError

    def filesystem(self, path: str) -> str:
        """Name the kind of file system that a path lies on, a link not followed: "proc", "sysfs"…

        statfs(2). A kind that we do not know by name is a number, such as "0xef53".
        """
        raise NotImplementedError

    def superblock(self, path: str) -> int:
        """Return the number of the file system: two mounts with one number show the same. stat(2)

        0 for a path that is not there.
        """
        raise NotImplementedError

    def read_bytes(self, path: str) -> bytes:
        """Return a file as it is. read(2)"""
        raise NotImplementedError

    def read(self, path: str) -> str:
        """Return the whole text of a file. read(2)"""
        raise NotImplementedError

    # --- names, network, identity ------------------------------------------------
    def sethostname(self, name: str) -> None:
        """Set the host name of this uts namespace. sethostname(2)"""
        raise NotImplementedError

    def setdomainname(self, name: str) -> None:
        """Set the NIS domain name of this uts namespace. setdomainname(2)"""
        raise NotImplementedError

    def link_up(self, interface: str) -> None:
        """Switch a network interface on. ioctl(2) SIOCSIFFLAGS, netdevice(7)"""
        raise NotImplementedError

    def route_add(self, destination: str, gateway: str) -> None:
        """Send what is for `destination` ("default" or "10.1.2.0/24") to a neighbour, `gateway`.

        The neighbour's address must be reachable: ENETUNREACH. ioctl(2) SIOCADDRT, route(8)
        """
        raise NotImplementedError

    def reserve(self, protocol: str, address: str, port: int) -> int:
        """Take a port of this network namespace ("tcp" or "udp") by a socket that nobody uses.

        Returns its descriptor: the port is taken until that is closed. EADDRINUSE. bind(2)
        """
        raise NotImplementedError

    def getuid(self) -> int:
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
