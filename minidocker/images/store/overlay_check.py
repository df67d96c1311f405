"""Can overlay work on this file system? The store refuses to fill one where it cannot.

Overlay keeps its marks in extended attributes and whiteouts in the upper directory, and looks
names up in ways that network and FAT file systems do not allow: see "Upper and Lower layers" in
the kernel's Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

from minidocker.errors import Blocked, KernelError
from minidocker.images.store import files
from minidocker.images.store.hold import not_allowed
from minidocker.kernel import flags
from minidocker.proc import mounts

if TYPE_CHECKING:
    from minidocker.images.store.store import Store
    from minidocker.kernel.interface import Kernel

ELSEWHERE = "set MINIDOCKER_ROOT to a directory on ext4, xfs or btrfs"

# As /proc/self/mountinfo names them. Others are tried, not judged by their name.
UNFIT = {
    "overlay": "is itself an overlay",
    "aufs": "is itself a union of directories",
    "nfs": "is on the network", "nfs4": "is on the network", "cifs": "is on the network",
    "smb3": "is on the network", "ceph": "is on the network", "9p": "belongs to another machine",
    "vfat": "knows no owners and links", "msdos": "knows no owners and links",
    "exfat": "knows no owners and links", "ntfs3": "knows no owners and links",
    "squashfs": "is read-only", "iso9660": "is read-only", "erofs": "is read-only",
    "ramfs": "keeps no extended attributes", "proc": "holds no files", "sysfs": "holds no files",
}  # fmt: skip


def check(store: Store) -> None:
    """Make the root directory if need be; refuse, as Blocked, one that overlay cannot use.

    Root tries a real mount; others are judged by the file system's type and an attribute.
    """
    from minidocker.images.store.partial import Partial

    _make(store.root)
    if not os.access(store.root, os.W_OK):
        why = "nothing can be written there"
    else:
        with Partial(store) as work:  # what a kill leaves of it, the next prune takes away
            why = probe_overlay(work.folder) if os.geteuid() == 0 else _judge(work.folder)
    if why:
        raise Blocked(
            f"overlay cannot work in {store.root}, which is on {type_of(store.root)}: {why}",
            ELSEWHERE,
        )


def _make(path: str) -> None:
    try:
        os.makedirs(path, 0o711, exist_ok=True)
    except PermissionError:
        raise not_allowed(path) from None
    except OSError as problem:
        raise Blocked(f"the store {path} cannot be made: {problem.strerror}", ELSEWHERE) from None


def unfit(kind: str) -> str:
    """Say why overlay cannot work on this type of file system; "" where nothing is known."""
    if kind.startswith("fuse"):
        return "it is served by a program (FUSE)"
    return "it " + UNFIT[kind] if kind in UNFIT else ""


def type_of(path: str) -> str:
    """Return the type of the file system that a path lies on, such as "ext4"; "?" if unknown."""
    try:
        return mounts.covering(mounts.mounts(), os.path.realpath(path)).fstype
    except LookupError:
        return "?"


def probe_overlay(directory: str, kernel: Kernel | None = None) -> str:
    """Try a real overlay with its directories under `directory`; "" if it works, else why not.

    Needs root. A child process with a mount namespace of its own does it, so that nothing stays
    mounted. What counts is done there: one file copied up, one hidden by a whiteout. Where no
    mount namespace can be had, the type of the file system decides.
    """
    if kernel is None:
        from minidocker.kernel.linux import Linux

        kernel = Linux()
    try:
        folder = tempfile.mkdtemp(prefix=".overlay-", dir=directory)
    except OSError as problem:
        return f"nothing can be written there ({os.strerror(problem.errno or 0)})"
    try:
        told = _in_child(kernel, folder)
    finally:
        files.remove_tree(folder)
    if told == CANNOT_TRY:
        return _judge(directory)
    return told and (unfit(type_of(directory)) or told)


CANNOT_TRY = "no mount namespace"
SECONDS = 30.0


def _in_child(kernel: Kernel, folder: str) -> str:
    """Return what the try in a forked child said: "" for success."""
    from minidocker.forked import answer_of  # a run whose store was tried before needs none of it

    def work() -> bytes:
        try:
            told = _try(kernel, folder)
        except Exception as problem:
            told = str(problem) or type(problem).__name__
        return b"+" + told.encode("utf-8", "replace")

    told = answer_of(work, SECONDS)
    return told[1:].decode("utf-8", "replace") if told else "the child that tried it was stopped"


def _try(kernel: Kernel, folder: str) -> str:
    try:
        kernel.unshare(flags.CLONE_NEWNS)
        kernel.mount("none", "/", "", flags.MS_REC | flags.MS_PRIVATE)
    except KernelError:
        return CANNOT_TRY
    os.chdir(folder)  # short names: overlay's options take ":" and "," of a path for their marks
    lower, upper, work, merged = "l", "u", "w", "m"
    for path in (lower, upper, work, merged):
        os.mkdir(path)
    for name in ("kept", "gone"):
        files.write(os.path.join(lower, name), b"lower")
    kernel.mount(
        "overlay", merged, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}"
        + ("" if files.is_real_root() else ",userxattr"),
    )
    files.write(os.path.join(merged, "kept"), b"upper")
    os.unlink(os.path.join(merged, "gone"))
    if os.listdir(merged) != ["kept"]:
        return "a file that was removed is still seen"
    return ""


def _judge(directory: str) -> str:
    """Say why overlay will not work, by the type of the file system and by one attribute."""
    if why := unfit(type_of(directory)):
        return why
    namespace = "trusted" if files.is_real_root() else "user"
    try:
        with tempfile.TemporaryDirectory(prefix=".overlay-", dir=directory) as folder:
            os.setxattr(folder, f"{namespace}.overlay.opaque", b"y")
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return "it keeps no extended attributes"
        if problem.errno not in (errno.EPERM, errno.EACCES):
            return os.strerror(problem.errno or 0)
    return ""
