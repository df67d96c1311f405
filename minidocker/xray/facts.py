"""What can be known about a process from outside: the facts of an x-ray, and no judgement.

`look(pid)` reads everything once. What the kernel refuses to show, or what ends meanwhile, is left
empty, and `unread` says why. "mine" is always what the process that asks has itself: PID 1 of the
machine may be unreadable, and is no better measure. Manual: proc(5), namespaces(7).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from minidocker.kernel.flags import DEFAULT_CAPABILITIES
from minidocker.proc import cgroups, mounts, processes
from minidocker.proc.machine import Host
from minidocker.proc.mount_kinds import Seen, read_mounts

DOCKER_CAPABILITIES = frozenset(DEFAULT_CAPABILITIES)
SECCOMP = {"0": "off", "1": "strict", "2": "filter"}
# Why ptrace(2)'s rules hide something: from a user, and from root.
HIDDEN = ("the kernel shows it to root only", "it holds capabilities that you lack")
SETTINGS = ("sys", "sysrq-trigger", "kcore")  # of /proc; not every kernel is built with all
RLIMITS = {  # the line of /proc/PID/limits: the name that setrlimit(2) and runtimes use
    "Max open files": "nofile",
    "Max processes": "nproc",
    "Max core file size": "core",
    "Max locked memory": "memlock",
    "Max address space": "as",
    "Max cpu time": "cpu",
}
# A path in /proc/PID/cgroup tells who made it: (pattern, engine).
ENGINES = (
    (r"minidocker/([0-9a-f]{12,64})", "minidocker"),
    (r"libpod[-_](?:conmon-)?([0-9a-f]{64})", "Podman"),
    (r"docker[-/]([0-9a-f]{64})", "Docker"),
    (r"cri-containerd[-:]([0-9a-f]{64})", "containerd"),
    (r"crio-([0-9a-f]{64})", "CRI-O"),
    (r"lxc\.payload\.([^/]+)", "LXC"),
)


@dataclass(slots=True)
class Facts:
    """Everything that was read; `unread` names what was not, and why.

    `namespaces` and `mine` hold inodes by name. `capabilities` are five sets of names. `rlimits`
    are (soft, hard) as text. Maps are lines (inside, outside, count).
    `settings` are the dangerous files of /proc that this kernel has at all. `kernel` tells what
    there is one of: release, boot_id, dmesg_restrict, modules (how many), modules_disabled.
    `my_peers` are the propagation tags of my mounts: a "shared:5" in both is one peer group.
    """

    process: processes.Process
    me: int
    namespaces: dict[str, int] = field(default_factory=dict)
    mine: dict[str, int] = field(default_factory=dict)
    together: int | None = None
    root: str = ""
    same_root: bool | None = None
    seen: list[Seen] = field(default_factory=list)
    my_peers: frozenset[str] = frozenset()
    my_mounts: frozenset[int] = frozenset()
    cgroup: cgroups.Place | None = None
    group: cgroups.Group | None = None
    same_cgroup: bool | None = None
    memory_limit: tuple[int, str] | None = None
    pids_limit: tuple[int, str] | None = None
    cpu_limit: tuple[float, str] | None = None
    capabilities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seccomp: str = ""
    filters: int | None = None
    no_new_privs: bool | None = None
    label: str | None = None
    label_of_mine: str | None = None
    rlimits: dict[str, tuple[str, str]] = field(default_factory=dict)
    uid_map: list[tuple[int, int, int]] = field(default_factory=list)
    gid_map: list[tuple[int, int, int]] = field(default_factory=list)
    leaks: list[tuple[str, str]] = field(default_factory=list)
    settings: frozenset[str] = frozenset()
    kernel: dict[str, str] = field(default_factory=dict)
    engine: tuple[str, str] | None = None
    unread: dict[str, str] = field(default_factory=dict)

    def shares(self, name: str) -> bool | None:
        """Whether a namespace is mine too; None where that cannot be known.

        Where the inodes are hidden, two can still be told: a process with one number only is in
        the pid namespace of the procfs, and a mount's number stands for one mount on the machine.
        """
        if not self.namespaces and name == "pid" and len(self.process.nspid) == 1:
            return True
        if not self.namespaces and name == "mnt" and self.seen:
            return bool({item.mount.id for item in self.seen} & self.my_mounts)
        if name not in self.namespaces or name not in self.mine:
            return None
        return self.namespaces[name] == self.mine[name]

    @property
    def own(self) -> list[str]:
        """The namespaces that are not mine, in the order of the course's tables."""
        return [name for name in processes.NAMESPACES if self.shares(name) is False]

    @property
    def uid(self) -> int:
        """Its user as I number it."""
        return self.process.uid

    @property
    def host_root(self) -> bool:
        """Whether its user is root to me, whatever it is called inside."""
        return self.process.uid == 0


def look(pid: processes.Pid, root: processes.Root = "/proc", host: Host | None = None) -> Facts:
    """Read all facts of a process. LookupError (processes.NoProcess): there is none."""
    facts = Facts(processes.process(pid, root), _number("self", root))
    reader = _Reader(facts, pid, root, host or Host())
    for part in ("namespaces", "root", "mounts", "cgroup", "rights", "label", "limits", "maps",
                 "leaks"):  # fmt: skip
        reader.read(part)
    facts.engine = engine_of(facts)
    if not isinstance(root, int):
        facts.settings = frozenset(name for name in SETTINGS if os.path.exists(f"{root}/{name}"))
        facts.kernel = _kernel(root)
    processes.status(pid, root)  # it may have ended half-way: then say that, and not half a truth
    return facts


def _kernel(root: str) -> dict[str, str]:
    """Read what belongs to the one kernel; what it does not have is left out."""
    found = {}
    for name in ("osrelease", "random/boot_id", "dmesg_restrict", "modules_disabled"):
        try:
            with open(f"{root}/sys/kernel/{name}", encoding="ascii") as stream:
                found[name.removeprefix("random/").removeprefix("os")] = stream.read().strip()
        except OSError:
            continue
    try:
        with open(f"{root}/modules", encoding="ascii") as stream:
            found["modules"] = str(sum(1 for _ in stream))
    except OSError:
        pass  # built without modules
    return found


def engine_of(facts: Facts) -> tuple[str, str] | None:
    """Guess which engine made the process, from names of cgroups and mounts: (engine, its id)."""
    texts = [facts.cgroup.path] if facts.cgroup else []
    texts += [path for item in facts.seen for path in (item.upper, item.host_path) if path]
    for text in texts:
        for pattern, name in ENGINES:
            if found := re.search(pattern, text):
                return name, found[1][:12]
    for text in texts:
        if found := re.search(r"-containers/([0-9a-f]{64})/userdata/", text):
            return "Podman", found[1][:12]
        if found := re.search(r"/containers/([0-9a-f]{12})/(?:upper|hosts|hostname)$", text):
            return "minidocker", found[1]
        if found := re.search(r"/docker/containers/([0-9a-f]{64})/", text):
            return "Docker", found[1][:12]
    return None


class _Reader:
    """Fills the facts part by part; a part that fails becomes a line in `unread`."""

    def __init__(self, facts: Facts, pid: processes.Pid, root: processes.Root, host: Host) -> None:
        self.facts, self.pid, self.root, self.host = facts, pid, root, host

    def read(self, part: str) -> None:
        """Call the method of this name."""
        method: Callable[[], None] = getattr(self, f"_{part}")
        try:
            method()
        except PermissionError:
            self.facts.unread[part] = HIDDEN[self.host.euid == 0]
        except (LookupError, OSError, ValueError):
            gone = "a zombie has given it up" if self.facts.process.zombie else "there is none"
            self.facts.unread[part] = gone

    def _namespaces(self) -> None:
        self.facts.mine = processes.namespaces("self", self.root)
        self.facts.namespaces = processes.namespaces(self.pid, self.root)
        if "pid" in self.facts.namespaces:
            inode = self.facts.namespaces["pid"]
            self.facts.together = len(processes.members(inode, self.root))

    def _root(self) -> None:
        self.facts.root = processes.link(self.pid, "root", self.root) or ""
        mine = processes.root_identity("self", self.root)
        self.facts.same_root = processes.root_identity(self.pid, self.root) == mine

    def _mounts(self) -> None:
        mine = mounts.mounts("self", self.root)
        self.facts.my_mounts = frozenset(item.id for item in mine)
        self.facts.my_peers = frozenset(tag for item in mine for tag in item.optional)
        self.facts.seen = read_mounts(self.pid, self.root)
        if not self.facts.seen:
            raise LookupError

    def _cgroup(self) -> None:
        facts = self.facts
        facts.cgroup = cgroups.place(self.pid, self.root, self.host)
        mine = {item.controllers: item.path for item in processes.cgroups("self", self.root)}
        facts.same_cgroup = all(
            _is_at_or_above(item.path, mine.get(item.controllers, ""))
            for item in processes.cgroups(self.pid, self.root)
            if not any(word.startswith("name=") for word in item.controllers)
        )
        if facts.cgroup.directory:
            facts.group = cgroups.group(facts.cgroup.directory)
            facts.memory_limit = cgroups.lowest(facts.cgroup.directory, "memory.max")
            facts.pids_limit = cgroups.lowest(facts.cgroup.directory, "pids.max")
            facts.cpu_limit = cgroups.narrowest_cpu(facts.cgroup.directory)

    def _rights(self) -> None:
        fields = processes.status(self.pid, self.root)
        self.facts.capabilities = processes.capabilities(self.pid, self.root)
        self.facts.seccomp = SECCOMP.get(fields.get("Seccomp", ""), "")
        self.facts.filters = _integer(fields.get("Seccomp_filters"))
        if "NoNewPrivs" in fields:
            self.facts.no_new_privs = fields["NoNewPrivs"].strip() == "1"

    def _label(self) -> None:
        self.facts.label_of_mine = self._label_of("self")
        self.facts.label = self._label_of(self.pid)

    def _label_of(self, pid: processes.Pid) -> str | None:
        """Return the label; None where the kernel has no security module that gives labels."""
        for name in ("attr/apparmor/current", "attr/current"):
            try:
                return processes.read(pid, name, self.root).strip("\0\n ") or None
            except OSError as problem:
                if isinstance(problem, PermissionError):
                    raise
            except LookupError:
                continue
        return None

    def _limits(self) -> None:
        for line in processes.read(self.pid, "limits", self.root).split("\n"):
            words = re.split(r"\s{2,}", line.strip())
            if words[0] in RLIMITS and len(words) >= 3:
                self.facts.rlimits[RLIMITS[words[0]]] = (words[1], words[2])

    def _maps(self) -> None:
        self.facts.uid_map = _map(processes.read(self.pid, "uid_map", self.root))
        self.facts.gid_map = _map(processes.read(self.pid, "gid_map", self.root))

    def _leaks(self) -> None:
        """Find directories held open that lie in no mount of its own: a way out of its root."""
        if not self.facts.seen or isinstance(self.root, int) or self.facts.shares("mnt"):
            return
        known = {item.mount.id for item in self.facts.seen}
        base = f"{self.root}/{self.pid}"
        for name in ["cwd", *(f"fd/{number}" for number in sorted(os.listdir(f"{base}/fd")))]:
            try:
                if stat.S_ISDIR(os.stat(f"{base}/{name}").st_mode):
                    mount = _mount_id(f"{base}/{name}", self.root)
                    if mount is not None and mount not in known:
                        self.facts.leaks.append((name, os.readlink(f"{base}/{name}")))
            except OSError:
                continue  # closed meanwhile, or a kind of file that has no directory


def _is_at_or_above(path: str, mine: str) -> bool:
    """Whether a cgroup is mine or one above it: then nothing holds it that does not hold me."""
    return path == mine or mine.startswith(path.rstrip("/") + "/")


def _mount_id(path: str, root: str) -> int | None:
    """Return the number of the mount that a directory is reached through. proc_pid_fdinfo(5)"""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open(f"{root}/self/fdinfo/{fd}", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return int(fields["mnt_id"])
    finally:
        os.close(fd)


def _number(pid: processes.Pid, root: processes.Root) -> int:
    return int(processes.status(pid, root)["Pid"])


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def _map(text: str) -> list[tuple[int, int, int]]:
    rows = [tuple(map(int, line.split())) for line in text.split("\n") if line.strip()]
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3]


def full_map(lines: list[tuple[int, int, int]]) -> bool:
    """Whether a map is that of the first user namespace: every number is itself."""
    return lines == [(0, 0, 4294967295)]


def reachable(facts: Facts) -> list[Seen]:
    """Return the mounts that no later mount hides."""
    return [item for item in facts.seen if covering(facts.seen, item.mount.point) is item]


def covering(seen: list[Seen], path: str) -> Seen | None:
    """Return the mount at a path, as mounts.covering does; None where the root has no mount."""
    try:
        found = mounts.covering([item.mount for item in seen], path)
    except LookupError:
        return None
    return next(item for item in seen if item.mount is found)
