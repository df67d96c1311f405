"""Spec: what the user asked for, in sections named as in the OCI runtime specification.

    spec.process    args, env, cwd, user, terminal, interactive
    spec.root       path (--rootfs), layers (bottom first), readonly
    spec.mounts     volumes and tmpfs, in the order given
    spec.resources  memory, swap, cpus, shares, pids
    spec.linux      devices, seccomp, unmasked, privileged
    spec.sharing    namespaces that are not private: "ipc" → "host" or "container:NAME"
    spec.net        the network to plug into: name, address, aliases, ports; None for none
    spec.hostname   domainname, boottime (seconds), shm_size (bytes)
                    and the few names that are ours: id, name, image, remove, init

Plain classes with __slots__: a dozen dataclasses would cost each start 30 ms.
"""

from __future__ import annotations

import os

from minidocker.errors import UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.net.ports import Port

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Record:
    """A plain record: keyword arguments become attributes; `as_dict` goes back."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **values: object) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    def as_dict(self) -> dict[str, object]:
        """Return the record as plain dictionaries and lists, ready for JSON."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.as_dict()})"


class Process(Record):
    """The command: `args` and `env` ("NAME=value"), `cwd`, `user` as typed, and its terminal.

    `capabilities` are the names it keeps (None: Docker's default); `rlimits` (number, soft, hard).
    """

    __slots__ = (
        "args", "capabilities", "cwd", "env", "interactive", "no_new_privs", "rlimits",
        "terminal", "user",
    )  # fmt: skip
    capabilities: list[str] | None
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
    """A volume (`source` is a host path) or a tmpfs (`type` "tmpfs", `options` its data)."""

    __slots__ = ("destination", "options", "readonly", "source", "type")
    destination: str
    source: str
    type: str
    options: str
    readonly: bool


class Resources(Record):
    """Limits; None is "no limit asked for". memory and swap in bytes, cpus in CPUs."""

    __slots__ = ("cpus", "memory", "pids", "shares", "swap")
    memory: int | None
    swap: int | None
    cpus: float | None
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


class Linux(Record):
    """What hardens: `devices` (host node, path inside), `seccomp` the filter's file ("" is none).

    `unmasked`: no masked paths; `privileged`: none of all this; `ids`: of the user namespace.
    """

    __slots__ = ("devices", "ids", "privileged", "seccomp", "unmasked")
    ids: Ids | None
    devices: list[list[str]]
    seccomp: str
    unmasked: bool
    privileged: bool


class Net(Record):
    """A network to plug into: `name`, `address` ("": the next free one), `aliases`, `ports`."""

    __slots__ = ("address", "aliases", "name", "ports")
    address: str
    aliases: list[str]
    name: str
    ports: list[Port]


class Spec(Record):
    """One container, as asked for."""

    __slots__ = (
        "boottime", "domainname", "hostname", "id", "image", "init", "linux", "mounts", "name",
        "net", "process", "remove", "resources", "root", "sharing", "shm_size", "stages",
    )  # fmt: skip
    id: str
    name: str
    image: str
    remove: bool
    init: bool
    hostname: str
    domainname: str
    boottime: int | None
    sharing: dict[str, str] | None
    shm_size: int | None
    process: Process
    root: Root
    mounts: list[Mount]
    resources: Resources
    linux: Linux
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
    crash's clean-up knows as much as an ordinary exit.
    """

    __slots__ = ("directory", "facts", "id", "root", "spec")
    id: str
    directory: str
    root: str
    spec: Spec
    facts: dict[str, object]


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str, option: str) -> int:
    """Read "64m" as 67108864 bytes: a number and one of b, k, m, g, t (powers of 1024).

    "64mb" and "0.5g" are fine too, as in Docker. Anything else raises UsageError.
    """
    word = text.strip().lower()
    if len(word) > 2 and word[-1] == "b" and word[-2] in UNITS:
        word = word[:-1]
    number, unit = (word[:-1], word[-1]) if word and not word[-1].isdigit() else (word, "")
    try:
        size = int(float(number) * UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        size = -1
    if size < 0:
        raise UsageError(
            f"{option} {text!r} is not a size", f"a number with b, k, m or g, such as {option} 64m"
        )
    return size


def parse_number(text: str, option: str, least: int = 0) -> int:
    """Read a whole number, at least `least`."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise UsageError(
            f"{option} {text!r} is not a whole number from {least}",
            f"such as {option} {max(least, 100)}",
        )
    return number


def parse_cpus(text: str) -> float:
    """Read --cpus: a number of CPUs such as 0.5 or 2; the kernel's smallest quota is 0.01."""
    try:
        cpus = float(text)
    except ValueError:
        cpus = -1.0
    if not 0.01 <= cpus <= 8192:
        raise UsageError(f"--cpus {text!r} is not a number of CPUs", "such as --cpus 0.5")
    return cpus


def parse_volume(text: str) -> Mount:
    """Read -v SRC:DST[:ro]; both paths absolute."""
    source, _, rest = text.partition(":")
    destination, _, mode = rest.partition(":")
    if (
        not source.startswith("/")
        or not destination.startswith("/")
        or is_root(destination)
        or mode not in ("", "ro", "rw")
    ):
        raise UsageError(
            f"-v {text!r} is not SRC:DST or SRC:DST:ro with absolute paths",
            'such as -v "$PWD/data:/data:ro"',
        )
    return Mount(source=source, destination=destination, type="bind", readonly=mode == "ro")


def is_root(path: str) -> bool:
    """Say whether an absolute path is "/" by another name, such as "//" or "/x/.."."""
    return not os.path.normpath(path).strip("/")


def parse_tmpfs(text: str) -> Mount:
    """Read --tmpfs DST[:OPTIONS], options as in mount(8), such as size=64m,mode=1777."""
    destination, _, options = text.partition(":")
    if not destination.startswith("/") or is_root(destination):
        raise UsageError(
            f"--tmpfs {text!r} needs an absolute path", "such as --tmpfs /run:size=64m"
        )
    return Mount(source="tmpfs", destination=destination, type="tmpfs", options=options)
