"""The root: a process sees only the tree that it is given."""

from __future__ import annotations

from minidocker.kernel.flags import MNT_DETACH, MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Rootfs(Stage):
    """Give the process its own "/", and let go of the host's."""

    name = "rootfs"
    needs = ("propagation", "mounts")
    mounts = True
    parts = ("pivot", "read_only_root")

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Change the root; from here on no file of the host can be reached."""
        self.pivot(kernel, run.root)
        if run.spec.root.readonly:
            self.read_only_root(kernel)

    @staticmethod
    def pivot(kernel: Kernel, new_root: str) -> None:
        """Make `new_root` the root of this mount namespace, and detach the old one.

        The new root must be a mount, hence the bind onto itself; MS_REC takes along what is
        mounted below. With "." twice, the old root is stacked on the new one and needs no
        directory of its own. pivot_root(2), NOTES
        """
        kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
        kernel.chdir(new_root)
        kernel.pivot_root(".", ".")
        kernel.umount2(".", MNT_DETACH)
        kernel.chdir("/")

    @staticmethod
    def read_only_root(kernel: Kernel) -> None:
        """Make this mount of "/" read-only; what is mounted below keeps its own flags.

        MS_BIND limits the change to the mount: the file system stays writable for others.
        """
        kernel.mount("", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY)
