"""Host's mounts: a container without a mount namespace, which root may have. config-linux.md

Its tree is mounted once more beside its record, and all else on top of that. Nothing of it reaches
other mounts, since those are private; `delete` takes one mount away, and all that lies on it.
The command's root is changed by chroot(2), which is no wall for who has CAP_SYS_CHROOT.
"""

from __future__ import annotations

import os
from errno import EINVAL

from minidocker.errors import Blocked, KernelError, UsageError
from minidocker.kernel.flags import MNT_DETACH, MS_BIND, MS_PRIVATE, MS_REC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Bundle
    from minidocker.spec.spec import Run

REMEDY = '{"type": "mount"} in linux.namespaces'
PLACE = "root"  # beside the record


def are_used(bundle: Bundle) -> bool:
    """Say whether a container has the mounts of who makes it."""
    return "mnt" not in bundle.namespaces


def check(bundle: Bundle, served: bool) -> None:
    """Refuse what would change the host's own mounts; `served`: a learner's parts are at work."""
    if bundle.masked or bundle.read_only:
        raise UsageError(
            "config.json: unable to restrict sys entries without a private MNT namespace", REMEDY
        )
    if os.geteuid() or "user" in bundle.namespaces:
        raise Blocked("without a mount namespace only the host's root may mount", REMEDY)
    if bundle.no_pivot:
        raise UsageError("--no-pivot would move the host's own root", REMEDY)
    if served:
        raise UsageError("parts of yours serve in a mount namespace alone", REMEDY)


def go_beside(bundle: Bundle, run: Run) -> None:
    """Let the root be the place beside the record, also where the bundle's mounts name it."""
    tree, run.root = run.root, f"{run.directory}/{PLACE}"
    run.facts["tree"] = tree
    for attach in bundle.mounts:
        if os.path.normpath(attach.source).startswith(f"{tree}/"):
            attach.source = run.root + os.path.normpath(attach.source).removeprefix(tree)
    bundle.spec.root.path = run.root


def put(kernel: Kernel, run: Run) -> None:
    """Mount the tree there; what is mounted on it stays on it."""
    kernel.mkdir(run.root)
    kernel.mount(str(run.facts["tree"]), run.root, "", MS_BIND | MS_REC)
    kernel.mount("", run.root, "", MS_PRIVATE | MS_REC)


def enter(kernel: Kernel, directory: str) -> None:
    """Go into the tree, for good."""
    kernel.chroot(f"{directory}/{PLACE}")
    kernel.chdir("/")


def take_away(kernel: Kernel, directory: str) -> None:
    """Unmount it: private first, or what it shows of the host would be unmounted there, too."""
    place = f"{directory}/{PLACE}"
    while os.path.isdir(place):
        try:
            kernel.mount("", place, "", MS_PRIVATE | MS_REC)
        except KernelError as problem:
            if problem.errno != EINVAL:
                raise
            return  # it is no mount point any more
        kernel.umount2(place, MNT_DETACH)
