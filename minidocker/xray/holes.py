"""What a process still shares with me: each hole with its reason, and the lesson of its wall.

A hole is no fault by itself: Docker leaves several open on purpose. `holes(facts)` lists those that
the facts prove; of what could not be read nothing is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minidocker.kernel.flags import CAPABILITIES
from minidocker.proc.mount_kinds import Seen
from minidocker.xray.facts import DOCKER_CAPABILITIES, Facts, covering, reachable
from minidocker.xray.shared import reads_log


@dataclass(frozen=True, slots=True)
class Hole:
    """One thing that is shared: a stable id, a few words, why it matters, the lesson ("02")."""

    id: str
    title: str
    why: str
    lesson: str


# What each namespace would hide: name → (few words, why it matters, lesson).
NAMESPACE_HOLES = {
    "pid": ("your processes", "It counts processes as you do, and can name yours to signal them.",
            "01"),
    "mnt": ("your mount table", "What it mounts or unmounts happens to you as well.", "02"),
    "uts": ("your hostname", "With CAP_SYS_ADMIN it can rename your machine.", "06"),
    "ipc": ("your System V and POSIX queues", "It can read the shared memory of programs here.",
            "06"),
    "time": ("your boot clock", "It sees how long your machine has been up. Docker shares it too.",
             "06"),
    "user": ("your user numbers", "User 0 in it is user 0 here: whoever gets out is root.", "07"),
    "net": ("your network", "It reaches your services on 127.0.0.1, and takes your ports.", "08"),
    "cgroup": ("your view of the cgroup tree", "It sees the names of other groups.",
               "05"),
}  # fmt: skip
SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock")
# One more capability than Docker gives, and what it opens; the others share one sentence.
STRONG = {
    "CAP_SYS_ADMIN": "it mounts, and enters other namespaces",
    "CAP_SYS_MODULE": "it loads code into the kernel",
    "CAP_SYS_PTRACE": "it reads the memory of every process that it sees",
    "CAP_SYS_RAWIO": "it writes to the machine's ports and memory",
    "CAP_DAC_READ_SEARCH": "it opens any file by its number, also outside its root",
    "CAP_NET_ADMIN": "it changes addresses, routes and packet rules",
    "CAP_BPF": "it loads programs into the kernel",
    "CAP_SYS_BOOT": "it restarts the machine",
    "CAP_SYS_TIME": "it sets the clock of the whole machine",
}


def holes(facts: Facts) -> list[Hole]:
    """Return what is shared, by lesson; the kernel itself is always the last.

    A thread of the kernel has none: it is the kernel.
    """
    if facts.process.kernel_thread:
        return []
    found = [*_namespaces(facts), *_files(facts), *_cgroup(facts), *_rights(facts)]
    if facts.seccomp == "off" and facts.kernel and reads_log(facts):
        why = "No namespace covers it. It tells of your devices, addresses and crashed programs."
        found.append(Hole("kernel_log", "your kernel's log", why, "10"))
    found.sort(key=lambda hole: hole.lesson)
    return [*found, KERNEL]


KERNEL = Hole(
    "kernel",
    "the kernel itself",
    "No wall covers it: one fault in it is enough. Only a virtual machine has its own.",
    "00",
)


def _namespaces(facts: Facts) -> Iterator[Hole]:
    for name, (title, why, lesson) in NAMESPACE_HOLES.items():
        if not facts.shares(name):
            continue
        if name == "user" and facts.uid:
            why = f"Its user {facts.uid} is user {facts.uid} here, with that user's files."
        yield Hole(f"ns_{name}", title, why, lesson)
    if facts.shares("user") is False and facts.host_root:
        why = "It has a user namespace, and yet its user is user 0 here: the map gives it root."
        yield Hole("maps_root", "your root user, by its map", why, "07")


def _files(facts: Facts) -> Iterator[Hole]:
    if facts.same_root:
        yield Hole("root", "your root directory", "Every file of yours has a name in it.", "03")
    elif facts.same_root is False and facts.shares("mnt"):
        why = "Only its root differs: a second chroot leads out (root can do that)."
        yield Hole("chroot", "your files, behind a chroot", why, "03")
    elif facts.seen and covering(facts.seen, "/") is None:
        why = "Its root is no mount: chroot was used, and the old root is still below it."
        yield Hole("chroot", "your files, behind a chroot", why, "03")
    for name, path in facts.leaks:
        what = "its working directory" if name == "cwd" else f"descriptor {name.partition('/')[2]}"
        why = f'By {what} it reaches {path}, and from there ".." leads on.'
        yield Hole("leak", f"a directory outside its root, by {what}", why, "03")
    yield from _travel(facts)
    if facts.same_root is False and not facts.shares("mnt"):
        yield from _mounts(facts)


def _travel(facts: Facts) -> Iterator[Hole]:
    """Look at what a half-built wall leaves open: mounts that travel, a /proc from outside."""
    peers = [item.mount.point for item in reachable(facts) if _travels(item, facts)]
    if peers and facts.shares("mnt") is False:
        why = f"It has a mount table of its own, and what is mounted below {peers[0]} appears here."
        yield Hole("propagation", "mounts that travel to you", why, "02")
    shown = covering(facts.seen, "/proc")
    if shown and shown.mount.fstype == "proc" and shown.host_path and facts.shares("pid") is False:
        why = "Its /proc was mounted in your pid namespace: it shows your processes."
        yield Hole("proc", "your /proc", why, "02")


def _mounts(facts: Facts) -> Iterator[Hole]:
    """Look at the mounts of a process that has a mount table and a root of its own."""
    root = covering(facts.seen, "/")
    nodes = []
    for item in reachable(facts):
        if item.kind == "host" and item is not root:
            yield _host_directory(item)
        elif item.kind == "kernel" and item.host_path and item.mount.fstype == "devtmpfs":
            nodes.append(item.mount.point)
    if nodes:
        more = f" and {len(nodes) - 2} more" if len(nodes) > 2 else ""
        why = f"{', '.join(nodes[:2])}{more}: by them it reaches the machine's devices."
        yield Hole("devices", "your device files", why, "03")
    yield from _settings(facts)


def _host_directory(item: Seen) -> Hole:
    point, path = item.mount.point, item.host_path
    if path.rpartition("/")[2] in SOCKETS:
        why = "Whoever talks to this engine can start a container with your root mounted in it."
        return Hole("engine_socket", f"the engine's socket {path}", why, "11")
    how = "read-only" if item.read_only else "to read and write"
    why = f"It stands at {point} {how}: files of the host, owned by host numbers."
    return Hole("host_directory", f"your {path}", why, "02")


def _settings(facts: Facts) -> Iterator[Hole]:
    """Settings of the one kernel; they are open to user 0 of the first user namespace."""
    if not facts.host_root:
        return
    for path, id, why in (
        ("/proc/sys", "proc_sys", "What it writes there changes the kernel for everybody."),
        ("/proc/sysrq-trigger", "sysrq", "One letter written there restarts the machine."),
        ("/proc/kcore", "kcore", "It is the kernel's memory as a file; CAP_SYS_RAWIO opens it."),
        ("/sys", "sys", "It shows the hardware, and some files there can be written."),
    ):
        if path.startswith("/proc/") and path.removeprefix("/proc/") not in facts.settings:
            continue  # engines do not mask what is not there
        seen = covering(facts.seen, path)
        if seen and seen.mount.fstype in ("proc", "sysfs") and not seen.read_only:
            # A masked file is covered by a mount of its own: then this is another mount.
            yield Hole(id, f"the kernel's {path}", why, "10")


def _travels(item: Seen, facts: Facts) -> bool:
    """Whether the mount is in a peer group that I am in too."""
    tags = {tag for tag in item.mount.optional if tag.startswith("shared:")}
    return bool(tags & facts.my_peers)


def _cgroup(facts: Facts) -> Iterator[Hole]:
    if facts.same_cgroup:
        why = "It has no limit of its own: what holds you is all that holds it."
        yield Hole("cgroup", "your limits", why, "05")
        return
    if facts.group is None or facts.cgroup is None or facts.cgroup.kind != "pure":
        return  # the limits of version 1 are not read here, so nothing is proved
    if facts.memory_limit is None:
        why = "No memory.max: it may take all memory, and the kernel may then kill your programs."
        yield Hole("memory", "all memory", why, "05")
    if facts.pids_limit is None:
        why = "No pids.max: a fork bomb in it fills your table of processes."
        yield Hole("pids", "all process numbers", why, "05")
    if facts.cpu_limit is None:
        why = "No cpu.max: with other work it gets its share, without it the whole processor."
        yield Hole("cpu", "all processor time", why, "05")


def _rights(facts: Facts) -> Iterator[Hole]:
    effective = set(facts.capabilities.get("effective", ()))
    order = [*STRONG, *(name for name in CAPABILITIES if name not in STRONG)]
    beyond = [name for name in order if name in effective - DOCKER_CAPABILITIES]
    # In a user namespace of its own they reach no further than that namespace.
    if beyond and facts.shares("user") is not False:
        strong = [STRONG[name] for name in beyond if name in STRONG]
        why = "; ".join(strong[:2]) + "." if strong else "Docker leaves them out."
        why = why[0].upper() + why[1:]
        names = ", ".join(name.removeprefix("CAP_") for name in beyond[:3])
        more = f" and {len(beyond) - 3} more" if len(beyond) > 3 else ""
        yield Hole("capabilities", f"capabilities beyond Docker's: {names}{more}", why, "10")
    if facts.seccomp == "off":
        why = "All system calls are open to it, also those that only attacks use."
        yield Hole("seccomp", "every system call", why, "11")
    if facts.no_new_privs is False:
        why = "A setuid program in it still gains the rights of its owner."
        yield Hole("new_privs", "setuid programs that gain rights", why, "10")
    if facts.label and facts.label.startswith("unconfined"):
        why = "The machine has a security module, and this process is not confined by it."
        yield Hole("lsm", "no security label", why, "11")
