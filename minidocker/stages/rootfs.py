"""The root: a process sees only the tree that it is given."""

from __future__ import annotations

import os

from minidocker.errors import NotFound, UsageError
from minidocker.kernel.flags import MNT_DETACH, MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT
from minidocker.spec.words import FLAG, VALUE, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


class Rootfs(Stage):
    """Give the process its own "/", and let go of the host's."""

    name = "rootfs"
    needs = ("propagation", "mounts")
    mounts = True
    options = (
        Option("--read-only", FLAG, "", "as in Docker", "make the root read-only",
               field="root.readonly"),
        Option("--rootfs", VALUE, "DIR", "our own",
               "use this directory as the root, as it is; no IMAGE"),
    )  # fmt: skip
    parts = ("pivot", "read_only_root")

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Take the directory that was named as the root, as it is."""
        super().plan(spec, asked)
        if "rootfs" in asked:
            if "layer" in asked:
                raise UsageError(
                    "--rootfs and --layer are two ways to say the same", "leave one out"
                )
            spec.root.path = directory(asked["rootfs"], asked.touch)

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


def directory(path: str, touch: bool) -> str:
    """Check --rootfs: an absolute directory, whose mount points are directories."""
    if not path.startswith("/"):
        raise UsageError(
            f"--rootfs {path} is not an absolute path", f"--rootfs {os.path.abspath(path)}"
        )
    path = "/" + os.path.normpath(path).strip("/")
    if path == "/":
        raise UsageError(
            "--rootfs / is the host's own root", "--stages ..mounts   keeps the host's root"
        )
    if touch and not os.path.isdir(path):
        raise NotFound(f"--rootfs {path}: there is no such directory", "unpack an image there")
    for name in ("proc", "dev", "sys"):  # a mount on a link would land where the link leads
        if touch and os.path.islink(f"{path}/{name}"):
            raise UsageError(
                f"--rootfs {path}: its {name} is a symbolic link", "make it an empty directory"
            )
    return path
