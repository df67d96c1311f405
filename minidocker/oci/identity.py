"""Identity: who the command is, where it stands, and which of its streams are its own."""

from __future__ import annotations

from errno import EINVAL, EPERM, EROFS
from stat import S_IFIFO, S_IFREG, S_IFSOCK

from minidocker.errors import KernelError
from minidocker.kernel.linux_targets import open_in_root
from minidocker.kernel.named import fcntl, os
from minidocker.oci.wall import Wall
from minidocker.stages.identity import Identity as PlainIdentity
from minidocker.stages.identity import change_user_keeping_capabilities, lines, lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


# of crun; `podman run --group-add keep-groups` sets it
KEEP_GROUPS = "run.oci.keep_original_groups"


class Identity(Wall, PlainIdentity):
    """Numbers, not names: nothing of the image decides who the command is."""

    denied = False  # groups may not be changed where we are, and nobody could help it

    def before(self, kernel: Kernel, run: Run) -> None:
        """See whether we are root of a user namespace that gave setgroups(2) up: Podman's, say."""
        if self.bundle.groups and os.geteuid() == 0:
            self.denied = kernel.read("/proc/self/setgroups").strip() == "deny"

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Give up the old groups, then the ids. HOME comes from the image, where nobody said it."""
        uid, gid = self.bundle.uid, self.bundle.gid
        env = run.spec.process.env
        said = [item for item in env if item.startswith("HOME=")]
        if said[-1:] in ([], ["HOME="]):  # of several, the last counts
            *_, home = lookup(str(uid), lines(kernel, "/etc/passwd", 6, 2), [])
            env.append(f"HOME={home}")
        self.story.stands = stand_in(run.spec.process.cwd)
        for fd in (0,) if run.spec.process.terminal else (0, 1, 2):
            if run.spec.process.terminal or is_stream(fd, uid):
                hand_over(kernel, fd, uid)
        if KEEP_GROUPS not in self.bundle.annotations:
            self.change_groups(kernel)
        kernel.setresgid(gid, gid, gid)
        change_user_keeping_capabilities(kernel, uid)

    def change_groups(self, kernel: Kernel) -> None:
        """Take the bundle's groups in place of the caller's."""
        try:
            kernel.setgroups(self.bundle.groups)
        except KernelError as problem:
            if problem.errno != EPERM or (self.bundle.groups and not self.denied):
                raise  # else: a user namespace whose maps a user wrote; groups stay what they are


def stand_in(cwd: str) -> bool:
    """Go to the working directory while we may go anywhere; say whether that was possible.

    Nothing leads out of the root, as /proc/self/fd/N of the host's would. openat2(2)
    """
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = open_in_root(root, cwd, os.O_PATH | os.O_DIRECTORY)
        os.fchdir(fd)
        os.close(fd)
    except KernelError:
        return False
    finally:
        os.close(root)
    return True


def is_stream(fd: int, uid: int) -> bool:
    """Say whether a user must own this to open it once more, by /dev/stdout and the like.

    Pipes and sockets, and files that are open for writing: none that the caller lets us only read.
    """
    try:
        found, flags = os.fstat(fd), fcntl.fcntl(fd, fcntl.F_GETFL)
    except OSError:
        return False
    kind = found.st_mode & 0o170000
    writes = kind == S_IFREG and flags & os.O_ACCMODE != os.O_RDONLY
    return found.st_uid != uid and (kind in (S_IFIFO, S_IFSOCK) or writes)


def hand_over(kernel: Kernel, fd: int, uid: int) -> None:
    """Give a standard stream to the command's user; one that the kernel keeps stays as it is."""
    try:
        kernel.fchown(fd, uid, -1)
    except KernelError as problem:
        if problem.errno not in (EPERM, EINVAL, EROFS):
            raise
