"""Leaving: who stays with a container goes out of the unit that its caller is in.

systemd ends a unit, a login or a service that called `run -d`, by killing all in its cgroup. The
root of the tree belongs to no unit. To an ordinary user it does not belong: there they stay.
"""

from __future__ import annotations

import os

UNITS = (".scope", ".service", ".slice")
ROOT = "/sys/fs/cgroup"


def leave(own: str = "/proc/self/cgroup", root: str = ROOT) -> None:
    """Go to the root of the trees by which systemd knows its units; stay where that is refused.

    Only out of a unit's own cgroup: another one is somebody's who wants to end all in it.
    """
    with open(own, encoding="utf-8", errors="surrogateescape") as stream:
        lines = [line.rstrip("\n").split(":", 2) for line in stream]
    for _, names, path in lines:
        if names not in ("", "name=systemd") or not path.endswith(UNITS):
            continue
        tree = next(place for place in places(names, root) if os.path.isdir(place))
        try:
            fd = os.open(f"{tree}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, b"0")
            finally:
                os.close(fd)
        except OSError:
            pass  # not root, or not the root of the tree, which others limit


def places(names: str, root: str) -> list[str]:
    """Say where a tree may be mounted: version 2 alone, or beside version 1."""
    return [f"{root}/systemd", root] if names else [f"{root}/unified", root]
