"""The walls, in the order in which a child passes them, and why each stands where it does."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.stages.base import Stage
from minidocker.stages.cgroup import Cgroup
from minidocker.stages.etc import Etc
from minidocker.stages.identity import Identity
from minidocker.stages.ipc import Ipc
from minidocker.stages.layers import Layers
from minidocker.stages.mounts import Mounts
from minidocker.stages.network import Network
from minidocker.stages.pid import Pid
from minidocker.stages.propagation import Propagation
from minidocker.stages.rootfs import Rootfs
from minidocker.stages.uts import Uts

__all__ = ["CHAPTERS", "STAGES", "Stage", "by_name", "choose"]

# The order inside the child. (A user namespace will come first: it gives the rights for the rest.)
STAGES: tuple[type[Stage], ...] = (
    Pid,  # its work is the clone itself: nothing is left to do inside
    Propagation,  # before any mount, or the host would get them too
    Layers,  # the new root must stand before anything is mounted on it
    Mounts,  # before the pivot: without privileges, /proc cannot be mounted after it
    Etc,  # after the layers that hold its mount points, before the host's files are out of reach
    Rootfs,  # last of the mounts: from here on the host cannot be seen
    Uts,  # anywhere: it touches no file
    Ipc,  # anywhere: made by the clone
    Network,  # anywhere after the clone; before the capabilities go
    Cgroup,  # its work is done outside, before the child exists
    Identity,  # last: it gives up the rights that all the others needed
    # (capabilities, no_new_privs and seccomp will follow: each forbids what came before it)
)

# The order in which the course teaches them: `--stages ..mounts` is "up to that lesson".
CHAPTERS: tuple[str, ...] = (
    "pid", "propagation", "mounts", "rootfs", "layers", "etc", "cgroup", "uts", "ipc", "network",
    "identity",
)  # fmt: skip


def by_name(name: str) -> type[Stage]:
    """Find a stage by its name; an unknown one raises UsageError with the list."""
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise UsageError(f"no stage {name!r}", f"the stages are {', '.join(CHAPTERS)}")


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
