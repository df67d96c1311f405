"""Kinds: what a bundle asks for beyond a Spec."""

from __future__ import annotations

from minidocker.kernel.flags import S_IFBLK, S_IFCHR, S_IFIFO
from minidocker.spec.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.oci.mount_options import Attach
    from minidocker.spec.spec import Spec


NODES = {"c": S_IFCHR, "u": S_IFCHR, "b": S_IFBLK, "p": S_IFIFO}  # type of a device → mode


class Sets(Record):
    """The five sets of capabilities, as masks. capabilities(7)"""

    __slots__ = ("ambient", "bounding", "effective", "inheritable", "permitted")
    ambient: int
    bounding: int
    effective: int
    inheritable: int
    permitted: int


class Device(Record):
    """A node to make: `type` c, u, b or p, its number, its mode and owner."""

    __slots__ = ("gid", "major", "minor", "mode", "path", "type", "uid")
    path: str
    type: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


class Hook(Record):
    """A program to run at one moment, and how many seconds it may take; None is any.

    `env` None: nothing is said of it, so it has the variables of who runs it.
    """

    __slots__ = ("args", "env", "path", "timeout")
    path: str
    args: list[str]
    env: list[str] | None
    timeout: int | None


class Bundle(Record):
    """What a config.json says: `spec` for the stages, the rest for their variants in walls.py.

    `namespaces`: name in /proc/PID/ns → "" (a new one) or the path of one to join; `uid`, `gid` and
    `groups` are numbers; `resources` is the object as it stands there; `seccomp` JSON or "";
    `listener` whom the filter asks, if anybody: (path of the socket, what is told with it);
    `idle`: there is no process to start; `manner` what manner.py reads; `offsets` lines for the
    clocks; `size` rows and columns of the terminal; `profile` of AppArmor; `affinity` CPUs for an
    exec.
    """

    __slots__ = (
        "affinity", "annotations", "cgroup", "devices", "directory", "gid", "groups", "hooks",
        "idle", "listener", "manner", "masked", "mounts", "namespaces", "no_pivot", "offsets",
        "profile", "propagation", "read_only", "resources", "seccomp", "seccomp_flags", "sets",
        "size", "spec", "text", "uid", "version",
    )  # fmt: skip
    directory: str
    text: str
    version: str
    affinity: dict[str, set[int]]
    annotations: dict[str, str]
    namespaces: dict[str, str]
    hooks: dict[str, list[Hook]]
    mounts: list[Attach]
    masked: list[str]
    read_only: list[str]
    propagation: int
    no_pivot: bool | None
    resources: dict[str, Any]
    devices: list[Device]
    cgroup: str
    idle: bool
    seccomp: str
    seccomp_flags: int
    listener: tuple[str, str] | None
    manner: dict[str, Any]
    offsets: str
    uid: int
    gid: int
    groups: list[int]
    sets: Sets
    size: list[int]
    profile: str
    spec: Spec
