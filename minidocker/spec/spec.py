"""Spec: what the user asked for, in sections named as in the OCI runtime specification.

    spec.process    args, env, cwd, user, terminal, interactive
    spec.root       path (--rootfs), layers (bottom first), readonly
    spec.mounts     volumes and tmpfs, in the order given
    spec.resources  memory, swap, cpus, shares, pids
    spec.linux      devices, seccomp, unmasked, privileged
    spec.sharing    namespaces that are not private: "ipc" → "host" or "container:NAME"
    spec.net        the network to plug into: name, address, aliases, ports; None for none
    spec.names      more for /etc/hosts and /etc/resolv.conf; None for nothing
    spec.hostname   domainname, boottime (seconds), shm_size (bytes)
    spec.sysctl     kernel settings of its own namespaces; labels and annotations: notes
                    and the few names that are ours: id, name, image, remove, init, detached, stop_…

Each section is a Record. How a text becomes a field stands in words.py.
"""

from __future__ import annotations

from minidocker.spec.record import Record

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Process(Record):
    """The command: `args` and `env` ("NAME=value"), `cwd`, `user` as typed, and its terminal.

    The first `entrypoint` words of args are the entrypoint's.
    `capabilities` are the names it keeps (None: Docker's default); `rlimits` (number, soft, hard);
    `groups` more groups, as typed; `oom_score` from -1000 to 1000; `umask` None is 022.
    """

    __slots__ = (
        "args", "capabilities", "cwd", "entrypoint", "env", "groups", "interactive",
        "no_new_privs", "oom_score", "rlimits", "terminal", "umask", "user",
    )  # fmt: skip
    capabilities: list[str] | None
    entrypoint: int | None
    groups: list[str]
    oom_score: int | None
    umask: int | None
    no_new_privs: bool
    rlimits: list[list[int]]
    args: list[str]
    env: list[str]
    cwd: str
    user: str
    terminal: bool
    interactive: bool


class Root(Record):
    """Where "/" comes from: a directory as it is, or layers (bottom first) under a new upper."""

    __slots__ = ("layers", "path", "readonly")
    path: str
    layers: list[str]
    readonly: bool


class Mount(Record):
    """A volume (`source` is a host path) or a tmpfs (`type` "tmpfs", `options` its data).

    `volume` names a directory of the store, "" for a path that the user gave; `anonymous`: it got
    its name from us. `fill`: while it is empty, it takes what the image has there. `flat`: what is
    mounted below the source stays out; `shallow`: or stays writable when `readonly`. `flags` of a
    tmpfs are MS_… `missing`: the source of a -v was not there, and is made as a directory.
    """

    __slots__ = (
        "anonymous", "destination", "fill", "flags", "flat", "labels", "missing", "options",
        "readonly", "shallow", "source", "type", "volume",
    )  # fmt: skip
    destination: str
    source: str
    type: str
    options: str
    readonly: bool
    volume: str | None
    anonymous: bool
    fill: bool
    flags: int | None
    flat: bool
    missing: bool
    shallow: bool
    labels: dict[str, str] | None


class Resources(Record):
    """Limits; None is "no limit asked for". memory, reservation and swap in bytes, cpus in CPUs.

    `quota` and `period` in microseconds; `cpuset` and `mems` are lists such as "0-2,4".
    """

    __slots__ = (
        "cpus", "cpuset", "memory", "mems", "period", "pids", "quota", "reservation", "shares",
        "swap",
    )  # fmt: skip
    memory: int | None
    reservation: int | None
    swap: int | None
    cpus: float | None
    quota: int | None
    period: int | None
    cpuset: str | None
    mems: str | None
    shares: int | None
    pids: int | None

    def asked(self) -> bool:
        """Say whether any limit was asked for."""
        return any(getattr(self, name) is not None for name in self.__slots__)


class Ids(Record):
    """A user namespace. Root inside is `uid`, ids from 1 on are `subuid` ([first, count]) outside.

    `uid_map` and `gid_map`, lines as the kernel wants them, say it otherwise where they are given.
    `setgroups` "allow" or "deny"; `helper`: newuidmap(1) writes the maps; `shift`: the layers
    belong to the host's ids, and the container gets a copy that is its own.
    """

    __slots__ = (
        "gid", "gid_map", "helper", "setgroups", "shift", "subgid", "subuid", "uid", "uid_map",
    )  # fmt: skip
    uid: int
    gid: int
    subuid: list[int] | None
    subgid: list[int] | None
    uid_map: str
    gid_map: str
    setgroups: str
    helper: bool
    shift: bool


class Hardening(Record):
    """What hardens: `devices` (host node, path inside), `seccomp` the filter's file ("" is none).
    refused: number of a call → errno, where the profile says no more than such a list.

    `unmasked`: no masked paths; `privileged`: none of all this; `ids`: of the user namespace.
    """

    __slots__ = ("devices", "ids", "privileged", "refused", "seccomp", "unmasked")
    ids: Ids | None
    devices: list[list[str]]
    refused: dict[str, int]
    seccomp: str
    unmasked: bool
    privileged: bool


class Port(Record):
    """One published port: `host` out here is `container` in there.

    `protocol` "tcp" or "udp"; `address` of the host, "" for all of them; `match` is the part of an
    nft rule that packets to it fit. Until one is chosen, `host` may be 0, for any port, or the
    first that may be taken, with `last`.
    """

    __slots__ = ("address", "container", "host", "last", "match", "protocol")
    address: str
    last: int | None
    container: int
    host: int
    match: str
    protocol: str


class Net(Record):
    """A network to plug into: `name`, `address` ("": the next free one), `aliases`, `ports`.

    `mac` is the Ethernet address, "" for one that follows from `address`. `by_default`:
    nobody asked for a network; where none can be had, the container goes without. `more`: other
    networks to plug into from its first start on (net/more.py).
    """

    __slots__ = ("address", "aliases", "by_default", "mac", "more", "name", "ports")
    address: str
    aliases: list[str]
    mac: str
    more: list[Net] | None
    name: str
    ports: list[Port]
    by_default: bool | None


class Names(Record):
    """What is looked up where: `hosts` (name, address or "host-gateway") for /etc/hosts.

    `servers`, `search` and `options` for /etc/resolv.conf; an empty list: as the host has it.
    """

    __slots__ = ("hosts", "options", "search", "servers")
    hosts: list[list[str]]
    servers: list[str]
    search: list[str]
    options: list[str]


class Spec(Record):
    """One container, as asked for."""

    __slots__ = (
        "annotations", "boottime", "detached", "domainname", "health", "hostname", "id", "image",
        "init", "labels", "linux", "log", "mounts", "name", "names", "net", "process", "remove",
        "resources", "restart", "root", "sharing", "shm_size", "stages", "stop_signal",
        "stop_timeout", "sysctl",
    )  # fmt: skip
    id: str
    name: str
    image: str
    remove: bool
    detached: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    log: dict[str, int] | None
    restart: dict[str, object] | None
    health: dict[str, object] | None
    stop_signal: int | None
    stop_timeout: int | None
    sysctl: dict[str, str]
    names: Names | None
    init: bool
    hostname: str
    domainname: str
    boottime: int | None
    sharing: dict[str, str]
    shm_size: int | None
    process: Process
    root: Root
    mounts: list[Mount]
    resources: Resources
    linux: Hardening
    net: Net | None
    stages: list[str]

    @property
    def ids(self) -> Ids | None:
        """The ids of the user namespace; None for a container that has none of its own."""
        return self.linux.ids if self.linux else None


class Run(Record):
    """One run of a Spec: what the stages save for one another, and for `after`.

    `directory` is the state directory; `root` is where the new "/" is put together ("" while
    the host's own is used); `facts` (texts and numbers by name) go into record.json, so that a
    crash's clean-up knows as much as an ordinary exit. `own` has a learner's functions that serve
    the run beside the stages' parts, by name; None where there are none.
    """

    __slots__ = ("directory", "facts", "id", "own", "root", "spec")
    id: str
    directory: str
    root: str
    spec: Spec
    facts: dict[str, object]
    own: Mapping[str, object] | None


def blank() -> Spec:
    """Return a Spec that asks for nothing yet: each section is there, each list empty."""
    process = Process(args=[], env=[], cwd="/", user="", groups=[], rlimits=[],
                      no_new_privs=False, terminal=False, interactive=False)  # fmt: skip
    return Spec(
        id="", name="", image="", remove=False, detached=False, init=False, hostname="",
        domainname="", sharing={}, process=process, mounts=[],
        root=Root(path="", layers=[], readonly=False),
        resources=Resources(), stages=[], labels={}, annotations={}, sysctl={},
        linux=Hardening(devices=[], refused={}, seccomp="", unmasked=False, privileged=False),
    )  # fmt: skip
