"""A run's volumes: those that are new are made, and each is held until it has been filled."""

from __future__ import annotations

import os
import sys

from minidocker.errors import KernelError, UsageError
from minidocker.kernel import copying  # noqa: F401  (the child can load nothing any more)
from minidocker.volumes.store import Volumes

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


def hold(kernel: Kernel, run: Run) -> dict[str, int]:
    """Make the volumes that are new; return volume → its lock, for those that take files."""
    make_missing(kernel, run)
    wanted = {mount.volume: mount for mount in run.spec.mounts if mount.volume}
    if not wanted:
        return {}
    volumes = Volumes(kernel, os.path.dirname(os.path.dirname(run.directory)))
    lock = volumes.lock()
    try:
        for name, mount in wanted.items():
            if volumes.make(name, mount.labels, bool(mount.anonymous)):
                give_to_root_inside(kernel, run, volumes.data(name))
            else:
                look_at_owner(kernel, run, name, volumes.data(name))
    finally:
        if lock >= 0:  # in a rehearsal there is none
            os.close(lock)
    # in one order, so that no two wait for each other
    filled = [name for name in sorted(wanted) if wanted[name].fill]
    return {name: kernel.lock(f"{volumes.root}/{name}/lock") for name in filled}


def make_missing(kernel: Kernel, run: Run) -> None:
    """Make the directories of the host that -v named and that were not there, as Docker does.

    They are the caller's: root's, where root runs it.
    """
    for mount in run.spec.mounts:
        if mount.missing:
            try:
                kernel.target("/", mount.source)
            except KernelError as problem:
                raise UsageError(
                    f"-v {mount.source}: it does not exist, and could not be made: {problem}",
                    f"mkdir -p {mount.source}",
                    docker=f"error while creating mount source path '{mount.source}': mkdir",
                ) from None


def give_to_root_inside(kernel: Kernel, run: Run, path: str) -> None:
    """Give a new volume to the container's root, where that is another user out here."""
    ids = run.spec.ids
    if ids and ids.shift:
        from minidocker.spec.ids import outer_root

        kernel.shift_owners(path, outer_root(ids.uid_map), outer_root(ids.gid_map))


def look_at_owner(kernel: Kernel, run: Run, name: str, path: str) -> None:
    """Give an empty volume of root's to the container's root; say it when one is nobody inside.

    It was filled without a user namespace, or with other ids, as before 2027.
    """
    ids = run.spec.ids
    try:
        owner, empty = os.stat(path).st_uid, not os.listdir(path)
    except OSError:
        return  # a rehearsal, or the way to it is closed to us
    if not ids or any(
        int(first) <= owner < int(first) + int(count)
        for _, first, count in map(str.split, ids.uid_map.splitlines())
    ):
        return
    if empty and not owner:
        return give_to_root_inside(kernel, run, path)
    remedy = f"--uidmap 0:{owner}:65536" if owner else "leave --userns private out"
    sys.stderr.write(
        f"minidocker: warning: the volume {name} belongs to user {owner} of the host, who is not "
        "in this user namespace: inside its files are nobody's, and nobody may change them\n"
        f"  try: {remedy}   or another volume\n"
    )
