"""Within: go into the container's /proc and /sys, where a name could be changed on the way.

A directory of --rootfs may be another container's, too. Who renames its /proc, the mount with it,
and puts an own directory there, would get our masks, and we an open procfs. A working directory
has no name that could change.
"""

from __future__ import annotations

from minidocker.errors import MinidockerError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minidocker.kernel.interface import Kernel


def file_systems(kernel: Kernel) -> Iterator[str]:
    """Yield "/proc" and "/sys" while they are the working directory; MinidockerError: not they."""
    for directory, kind in (("/proc", "proc"), ("/sys", "sysfs")):
        kernel.chdir(directory)
        found = kernel.filesystem(".")
        if found and found != kind:
            raise MinidockerError(
                f"{directory} of the container is {found} and no longer {kind}: "
                "somebody has renamed it in the directory of --rootfs",
                "a copy of that directory for this container alone",
            )
        yield directory
    kernel.chdir("/")


def below(directory: str, paths: Sequence[str]) -> list[str]:
    """Return those paths that lie in a directory, as seen from there."""
    return [path[len(directory) + 1 :] for path in paths if path.startswith(f"{directory}/")]
