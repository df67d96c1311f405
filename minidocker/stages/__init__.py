"""The walls, in the order in which a child passes them, and why each stands where it does."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.stages.base import Stage
from minidocker.stages.capabilities import Capabilities
from minidocker.stages.cgroup import Cgroup
from minidocker.stages.devices import Devices
from minidocker.stages.etc import Etc
from minidocker.stages.identity import Identity
from minidocker.stages.ipc import Ipc
from minidocker.stages.layers import Layers
from minidocker.stages.masks import Masks
from minidocker.stages.mounts import Mounts
from minidocker.stages.network import Network
from minidocker.stages.no_new_privs import NoNewPrivs
from minidocker.stages.pid import Pid
from minidocker.stages.propagation import Propagation
from minidocker.stages.rlimits import Rlimits
from minidocker.stages.rootfs import Rootfs
from minidocker.stages.seccomp import Seccomp
from minidocker.stages.time import Time
from minidocker.stages.user import User
from minidocker.stages.uts import Uts

__all__ = ["CHAPTERS", "STAGES", "Stage", "by_name", "choose"]

# The order inside the child.
STAGES: tuple[type[Stage], ...] = (
    User,  # first: it gives the rights for all the rest
    Pid,  # its work is the clone itself: nothing is left to do inside
    Propagation,  # before any mount, or the host would get them too
    Layers,  # the new root must stand before anything is mounted on it
    Mounts,  # before the pivot: without privileges, /proc cannot be mounted after it
    Etc,  # after the layers that hold its mount points, before the host's files are out of reach
    Devices,  # while the host's /dev is in reach
    Rootfs,  # from here on the host cannot be seen
    Masks,  # last of the mounts: it covers what the others have mounted
    Uts,  # anywhere: it touches no file
    Ipc,  # anywhere: made by the clone
    Time,  # anywhere: its work is done by the child's parent, before the clone
    Network,  # anywhere after the clone; before the capabilities go
    Cgroup,  # its work is done outside, before the child exists
    Identity,  # it gives up the rights that all the others needed; capabilities stay a moment more
    Rlimits,  # late, or they would limit us; before the right to raise them goes
    NoNewPrivs,  # after the change of user, before the filter, which may then need no capability
    Capabilities,  # nothing after this needs one, but for the filter
    Seccomp,  # last: it forbids calls that every other stage needs
)

# The order in which the course teaches them: `--stages ..mounts` is "up to that lesson".
CHAPTERS: tuple[str, ...] = (
    "pid", "propagation", "mounts", "rootfs", "layers", "etc", "cgroup", "uts", "ipc", "time",
    "user", "network", "identity", "devices", "masks", "rlimits", "no_new_privs", "capabilities",
    "seccomp",
)  # fmt: skip

_BY_NAME = {stage.name: stage for stage in STAGES}


def by_name(name: str) -> type[Stage]:
    """Find a stage by its name; an unknown one raises UsageError with the list."""
    if name not in _BY_NAME:
        raise UsageError(f"no stage {name!r}", f"the stages are {', '.join(CHAPTERS)}")
    return _BY_NAME[name]


def choose(text: str = "") -> list[type[Stage]]:
    """Read --stages: "" is all, "pid,mounts" those, "..mounts" all up to that lesson.

    Returns them in the order of STAGES. A stage that is always wanted (propagation where
    there are mounts, identity) comes by itself; any other one that is needed and not chosen
    raises UsageError.
    """
    chosen: set[str] = set()
    for word in text.split(",") if text else [f"..{CHAPTERS[-1]}"]:
        name = by_name(word.strip().removeprefix("..")).name
        if word.strip().startswith(".."):
            chosen.update(CHAPTERS[: CHAPTERS.index(name) + 1])
        else:
            chosen.add(name)
    chosen.add(Identity.name)
    for name in sorted(chosen):
        for need in by_name(name).needs:
            if by_name(need).always:
                chosen.add(need)
            elif need not in chosen:
                later = max(name, need, key=CHAPTERS.index)
                raise UsageError(
                    f"the stage {name} needs the stage {need}",
                    f"--stages {text},{need}   or   --stages ..{later}",
                )
    return [stage for stage in STAGES if stage.name in chosen]
