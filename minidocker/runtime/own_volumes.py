"""A container's own volumes: those without a name, which go with it."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence


def drop(directory: str, names: Sequence[str]) -> None:
    """Remove the anonymous volumes of a container that goes, unless another one uses them too."""
    if not names:
        return
    from minidocker.kernel.linux import Linux
    from minidocker.volumes.store import Volumes

    volumes = Volumes(Linux(), os.path.dirname(os.path.dirname(directory)))

    def work() -> int:
        volumes.remove_own(names, os.path.basename(directory))
        return 0

    from minidocker.runtime import rootless

    if rootless.wanted():  # files of subordinate ids: root inside may
        rootless.as_root(work)
    else:
        work()
