"""A run's volumes: those that are new are made, and each is held until it has been filled."""

from __future__ import annotations

import os

from minidocker.kernel import copying  # noqa: F401  (the child can load nothing any more)
from minidocker.volumes.store import Volumes

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


def hold(kernel: Kernel, run: Run) -> dict[str, int]:
    """Make the volumes that are new; return volume → its lock, for those that take files."""
    wanted = {mount.volume: mount for mount in run.spec.mounts if mount.volume}
    volumes = Volumes(kernel, os.path.dirname(os.path.dirname(run.directory)))
    lock = volumes.lock()
    try:
        for name, mount in wanted.items():
            if volumes.make(name, mount.labels, bool(mount.anonymous)):
                give_to_root_inside(kernel, run, volumes.data(name))
    finally:
        if lock >= 0:  # in a rehearsal there is none
            os.close(lock)
    # in one order, so that no two wait for each other
    filled = [name for name in sorted(wanted) if wanted[name].fill]
    return {name: kernel.lock(f"{volumes.root}/{name}/lock") for name in filled}


def give_to_root_inside(kernel: Kernel, run: Run, path: str) -> None:
    """Give a new volume to the container's root, where that is another user out here."""
    ids = run.spec.ids
    if ids and ids.shift:
        from minidocker.spec.ids import outer_root

        kernel.shift_owners(path, outer_root(ids.uid_map), outer_root(ids.gid_map))
