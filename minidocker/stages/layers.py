"""Union layers: many read-only directories and one writable one, seen as a single tree."""

from __future__ import annotations

import os
from errno import EACCES, EEXIST, EINVAL, EPERM

from minidocker import places
from minidocker.errors import Blocked, KernelError, MinidockerError, NotFound
from minidocker.spec.words import LIST, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked
# Said explicitly, since a distribution may change them: with redirect_dir or metacopy the upper
# directory would hold names or attributes without data, and could not become a layer.
OPTIONS = "redirect_dir=off,metacopy=off,index=off"
# In a user namespace overlay may not write trusted.* attributes, and writes user.* ones. Then it
# takes no redirect_dir=off, which on many kernels means "follow"; it makes and follows none.
OPTIONS_IN_USER = "metacopy=off,index=off,userxattr"
ROOM = 3000  # bytes for the names of layers: a page, less the other options
MOST = 150  # layers, each as /proc/self/fd/NNN
# Empty mount points on top of the image: a bind mount needs something to be mounted on.
INIT_DIRECTORIES = ("dev", "etc", "proc", "sys")
INIT_FILES = ("etc/hosts", "etc/hostname", "etc/resolv.conf")


class Layers(Stage):
    """Put the image's layers together under a new, empty upper directory."""

    name = "layers"
    needs = ("propagation", "rootfs")
    mounts = True
    options = (
        Option("--layer", LIST, "DIR", "our own", "a read-only layer, bottom first; no IMAGE"),
    )  # fmt: skip
    parts = ("overlay_options",)
    in_room = False

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Take the directories of --layer instead of an image's."""
        for path in asked.get("layer", ()):
            if asked.touch and not os.path.isdir(path):
                raise NotFound(f"--layer {path}: there is no such directory", "give a directory")
            spec.root.layers.append(os.path.abspath(path))

    def before(self, kernel: Kernel, run: Run) -> None:
        """Make the upper, work and merged directories, and the init layer."""
        # Asked here: a child that others can see has forgotten its variables (--init).
        self.in_room = places.ROOM in os.environ
        if not run.spec.root.layers:
            return
        make_directories(kernel, run)
        ids = run.spec.ids
        if ids and ids.shift and "copied" not in run.facts:
            run.facts["copied"] = copies(kernel, run.spec.root.layers, run.directory)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Mount the overlay, in this mount namespace only."""
        if not run.spec.root.layers:
            return
        layers = run.spec.root.layers
        if copied := run.facts.get("copied"):  # how many; see `copies`
            layers = [f"{run.directory}/lower{number}" for number in range(int(str(copied)))]
        lower = short([*once(layers), init_layer(run)], kernel)
        upper, work = (plain(f"{run.directory}/{name}", kernel) for name in ("upper", "work"))
        options = self.overlay_options(lower, upper, work)
        in_user = run.spec.ids or self.in_room  # a room is a user namespace
        options += f",{OPTIONS_IN_USER if in_user else OPTIONS}"
        try:
            self.told_as("overlay_options", mount, kernel, run, options)
        except KernelError as problem:
            if not run.spec.ids:
                raise
            if problem.errno == EACCES:
                raise Blocked(
                    f"the container's root is a user of this host that may not enter {run.root}",
                    "chmod o+x the directories above it, or another MINIDOCKER_ROOT",
                ) from None
            if problem.errno not in (EPERM, EINVAL):
                raise
            raise Blocked(
                "this kernel or file system has no overlay for user namespaces (Linux 5.11 has)",
                "--rootfs DIR with an unpacked image, or sudo minidocker run",
            ) from None

    @staticmethod
    def overlay_options(layers: Sequence[str], upper: str, work: str) -> str:
        """Write the option text of an overlay mount; `layers` are given bottom first.

        overlayfs wants the *top* layer first, ":" between them, and a backslash before
        ":" "," and "\\" in a name. Documentation/filesystems/overlayfs
        """

        def escape(path: str) -> str:
            return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

        lower = ":".join(escape(layer) for layer in reversed(layers))
        upper, work = upper.replace(",", "\\,"), work.replace(",", "\\,")
        return f"lowerdir={lower},upperdir={upper},workdir={work}"


def once(layers: Sequence[str]) -> list[str]:
    """Leave a layer out where it comes again further up: overlay takes no directory twice (ELOOP).

    The upper one covers all that the lower one shows, so nothing looks different.
    """
    return list(dict.fromkeys(reversed(layers)))[::-1]


def mount(kernel: Kernel, run: Run, options: str) -> None:
    """Mount the overlay; one that is removed at its end is `volatile`.

    When an overlay is unmounted, the kernel writes all that is unwritten on the disk of its upper
    directory, whosever it is, and the end of the command waits for that. What is removed next need
    not be on the disk. Podman does the same. Documentation/filesystems/overlayfs, Linux 5.10
    """
    if run.spec.remove:
        try:
            kernel.mount("overlay", run.root, "overlay", 0, f"{options},volatile")
            return
        except KernelError as problem:
            if problem.errno != EINVAL:
                raise
    kernel.mount("overlay", run.root, "overlay", 0, options)


def make_directories(kernel: Kernel, run: Run) -> None:
    """Make what an overlay needs: a container that starts again, or was copied to, has it."""
    for name in ("upper", "work", "merged"):
        try:
            kernel.mkdir(f"{run.directory}/{name}")
        except KernelError as problem:
            if problem.errno != EEXIST:
                raise
    make_init_layer(kernel, init_layer(run))


def init_layer(run: Run) -> str:
    """Return the directory of the init layer: one for all containers, for nobody writes to it.

    Where a container's layers get other owners, it has its own.
    """
    if run.spec.ids and run.spec.ids.shift:
        return f"{run.directory}/init"
    return f"{os.path.dirname(os.path.dirname(run.directory))}/init"


def make_init_layer(kernel: Kernel, path: str) -> None:
    """Make the init layer where it is not there, or not whole: its last file is made last."""
    if kernel.exists(f"{path}/{INIT_FILES[-1]}"):
        return
    for make, names in ((kernel.mkdir, ("", *INIT_DIRECTORIES)), (empty(kernel), INIT_FILES)):
        for name in names:
            try:
                make(f"{path}/{name}".rstrip("/"))
            except KernelError as problem:
                if problem.errno != EEXIST:  # another run makes it at this moment
                    raise


def empty(kernel: Kernel) -> Callable[[str], None]:
    """Return what makes an empty file."""
    return lambda path: kernel.mknod(path, 0o100644)


def has_mark(path: str) -> bool:
    """Say whether a path has a character that overlay's options take for a mark of theirs."""
    return any(mark in path for mark in ":,\\")


def plain(path: str, kernel: Kernel) -> str:
    """Return a name for a directory without such a character: kernels differ in how they escape."""
    return f"/proc/self/fd/{kernel.open(path, os.O_PATH)}" if has_mark(path) else path


def copies(kernel: Kernel, layers: Sequence[str], directory: str) -> int:
    """Copy the layers for one container: their files belong to ids that it does not have.

    They become lower0, lower1… in the directory; returns how many.

    Where the file system can share blocks (btrfs, xfs), nothing is really copied. cp(1)
    """
    for number, layer in enumerate(layers):
        kernel.run(["cp", "-a", "--reflink=auto", layer, f"{directory}/lower{number}"])
    return len(layers)


def short(layers: list[str], kernel: Kernel) -> list[str]:
    """Return names for the layers that fit into one page: mount(2) takes no more options.

    A descriptor's name is short, whatever it stands for. They are closed on exec; the mount stays.
    """
    if sum(map(len, layers)) < ROOM and not any(map(has_mark, layers)):
        return layers
    if len(layers) > MOST:
        raise MinidockerError(
            f"{len(layers)} layers are more than one mount can name; {MOST} are the most",
            "import the container's files as one layer: minidocker image import",
        )
    return [f"/proc/self/fd/{kernel.open(layer, os.O_PATH)}" for layer in layers]
