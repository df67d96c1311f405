"""Beside the calls: what takes more than one of them, or is shorter to say. The names are ours."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Beside:
    """The conveniences, with nothing behind them."""

    def wait_signal(self) -> int:
        """Sleep until a blocked signal is pending; take it and return its number. sigwait(3)"""
        raise NotImplementedError

    def default_signals(self, signals: set[int]) -> None:
        """Give these signals their default action back (Python ignores two). sigaction(2)"""
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

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        """Run a host command (ip, nft) and return its output; a failure raises. fork + execve"""
        raise NotImplementedError

    def start(
        self, argv: Sequence[str], directory: str, ready: int, more: dict[int, int] | None = None
    ) -> int:
        """Start a host program that works beside us until we end; return its pid once it is ready.

        With `more` descriptors of ours, by its numbers for them, it outlives us: one of
        them tells it when to end.

        It is ready when it has written a byte to its descriptor `ready`. It runs in `directory`,
        where its words go to PROGRAM.log; the last ones are in the error, when it ends before.
        fork(2), prctl(2) PR_SET_PDEATHSIG, execve(2)
        """
        raise NotImplementedError

    def talk(self, path: str, text: str) -> str:
        """Send a text to the program that listens at a unix socket; return its answer. unix(7)"""
        raise NotImplementedError

    def netlink(
        self, protocol: int, messages: Sequence[bytes], shell: str, pid: int = 0
    ) -> None:
        """Say messages to the kernel's tables, in the network namespace of process `pid` (0: ours).

        `shell` is what ip(8) or nft(8) would be told. What the kernel refuses raises, in its
        words. netlink(7), rtnetlink(7)
        """
        raise NotImplementedError

    def index_of(self, device: str, pid: int = 0) -> int:
        """Return the number of a network device, there where `pid` is. netdevice(7)"""
        raise NotImplementedError

    def plug(
        self, pid: int, device: str, configure: Callable[[int], None], directory: str, name: str,
        address: bytes, alive: int,
    ) -> list[int]:  # fmt: skip
        """Give process `pid` a tap device, and pass its frames to and from sockets in `directory`.

        `configure` is called beside the device, with its number; `name` is our own socket's, the
        twelve digits of its Ethernet address, `address` its IPv4 one: it may send under no others.
        Returns the pids of those who pass frames on: they end with us, or at the end of the pipe
        `alive`, if it is one. setns(2), ioctl(2) TUNSETIFF
        """
        raise NotImplementedError

    def filter_tap(self, pid: int, program: bytes) -> None:
        """Filter what comes out of the tap device that process `pid` serves.

        `program` is classic BPF over Ethernet frames: those for which it gives 0 are dropped.
        pidfd_getfd(2), ioctl(2) TUNATTACHFILTER
        """
        raise NotImplementedError

    def join_session_keyring(self) -> None:
        """Join a new, empty session keyring: the caller's keys stay the caller's.

        KEYCTL_JOIN_SESSION_KEYRING(2const), session-keyring(7)
        """
        raise NotImplementedError

    def close_all_but(self, keep: set[int]) -> None:
        """Close every descriptor that is not in `keep`, now. close_range(2)"""
        raise NotImplementedError

    def ambient(self) -> int:
        """Return the ambient set as a mask: what an exec leaves to a user who is not root.

        PR_CAP_AMBIENT(2const)
        """
        raise NotImplementedError

    def raise_ambient(self, capabilities: int) -> None:
        """Add to the ambient set; each must be permitted and inheritable. PR_CAP_AMBIENT(2const)"""
        raise NotImplementedError

    def keep_capabilities(self, keep: int) -> None:
        """Give up every capability whose bit is not in `keep`, bounding set included. capset(2)"""
        raise NotImplementedError

    def forget_environment(self) -> None:
        """Empty this process's environment, also where /proc/PID/environ shows it. proc(5)

        Must be called while /proc is the host's. EPERM when the place cannot be told.
        """
        raise NotImplementedError

    def tree_of(self, namespace: int, path: str) -> int:
        """Take a copy of the tree that is at `path` in another mount namespace: a descriptor.

        `namespace` is an open /proc/PID/ns/mnt. The copy is mounted nowhere until `move_mount`.
        setns(2), open_tree(2) with OPEN_TREE_CLONE, Linux 5.2
        """
        raise NotImplementedError

    def bind_tree(self, source: str, target: str, attributes: int) -> None:
        """Show the tree `source` at `target`, with attributes (MOUNT_ATTR_…) on all its mounts.

        They are set on a copy that is mounted nowhere yet, and that then moves to the descriptor
        of `target`: no name is looked up a second time, so nobody can put another mount in its
        place meanwhile. open_tree(2), mount_setattr(2), move_mount(2), Linux 5.12
        """
        raise NotImplementedError

    def target(self, root: str, path: str, kind: str = "dir") -> str:
        """Make the mount point `path` of a container, and return a safe name for it.

        Symbolic links are followed *as if `root` were "/"*, so an image cannot lead the
        mount outside. `kind` is "dir" or "file": what is missing is made so. The returned
        /proc/self/fd/N stays valid until exec. openat2(2), RESOLVE_IN_ROOT.
        """
        raise NotImplementedError

    def shift_owners(self, path: str, uid: int, gid: int) -> None:
        """Add `uid` and `gid` to the ids of all that is in a tree, modes kept. lchown(2)"""
        raise NotImplementedError

    def let_pass(self, path: str, gid: int) -> None:
        """Let a group walk through a directory, and neither list nor change it. chown(2), chmod(2)

        It stays its owner's: who may rename what is in it may lead our next path elsewhere.
        """
        raise NotImplementedError

    def fill_directory(self, source: str, target: str) -> bool:
        """Copy what is in `source` into `target`, owners and all, if that is empty; say if it was.

        It follows no link and crosses no mount. openat(2), fchown(2)
        """
        raise NotImplementedError

    def remove_tree(self, path: str, last: str = "") -> None:
        """Remove a directory with all that is in it, the file `last` at the end.

        Crosses no mount; what is gone already is fine.
        """
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

    def usable(self, path: str) -> bool:
        """Say whether we may read and write what the path leads to. access(2)"""
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

    def port_of(self, socket: int) -> int:
        """Return the port that a socket has, such as one that was bound to 0. getsockname(2)"""
        raise NotImplementedError

    def source_address(self, destination: str) -> str:
        """Return the address of ours that a packet to `destination` would come from; "" for none.

        connect(2) on a datagram socket asks the routes, and sends nothing. udp(7)
        """
        raise NotImplementedError
