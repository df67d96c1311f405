"""Read what /proc tells about processes; nothing here writes, and nothing needs privilege.

Every function takes `root`: the path of a procfs, or a descriptor of one that was opened earlier
(so that a procfs of another pid namespace can be read). "host" always means: as seen from `root`.

    LookupError      there is no such process: it has ended, or never was (class NoProcess)
    PermissionError  the process is there, and the kernel refuses to show this to us

Manual: proc(5), namespaces(7), pid_namespaces(7), capabilities(7), cgroups(7).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from minidocker.kernel.flags import CAPABILITIES
from minidocker.proc import lean

Root = str | int
Pid = int | str  # a number, or "self"

NAMESPACES = ("pid", "mnt", "net", "uts", "ipc", "cgroup", "user", "time")

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a device",
    "T": "stopped",
    "t": "traced",
    "Z": "zombie",
    "X": "dead",
    "I": "idle",
}

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)  # Windows imports this file too
PF_KTHREAD = 0x00200000  # <linux/sched.h>; the flag in field 9 of /proc/PID/stat


class NoProcess(LookupError):
    """No process has this pid in the procfs that was read."""

    def __init__(self, pid: Pid) -> None:
        super().__init__(f"no process {pid}: it has ended, or never was")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Process:
    """One process: `nspid` holds its number on each level, the procfs's own level first."""

    pid: int
    ppid: int
    name: str
    state: str
    nspid: tuple[int, ...]
    uid: int
    kernel_thread: bool
    command: tuple[str, ...]

    @property
    def inner_pid(self) -> int:
        """Its number in its own, innermost pid namespace."""
        return self.nspid[-1]

    @property
    def zombie(self) -> bool:
        """Whether it has ended and waits for its parent to ask how."""
        return self.state == "Z"

    @property
    def label(self) -> str:
        """Its command line in one line, or as ps does, its name in brackets where it has none."""
        line = " ".join(" ".join(self.command).split())
        return line or (f"{self.name} (zombie)" if self.zombie else f"[{self.name}]")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A line of /proc/PID/cgroup; version 2 has id 0 and no controllers there."""

    id: int
    controllers: tuple[str, ...]
    path: str

    @property
    def version(self) -> int:
        """2 for the unified tree, 1 for the others."""
        return 1 if self.id else 2


def process(pid: Pid, root: Root = "/proc") -> Process:
    """Return one process as a Process; LookupError when there is none."""
    fields = status(pid, root)
    number = int(fields["Pid"])
    levels = tuple(int(level) for level in fields.get("NSpid", str(number)).split())
    # A process outside this procfs's pid namespace has no number here at all.
    command = tuple(read(pid, "cmdline", root).rstrip("\0").split("\0"))
    return Process(
        pid=number,
        ppid=int(fields["PPid"]),
        name=fields["Name"],
        state=fields["State"][:1],
        nspid=levels or (number,),
        uid=int(fields["Uid"].split()[0]),
        kernel_thread=_is_kernel_thread(pid, fields, root),
        command=() if command == ("",) else command,
    )


def processes(root: Root = "/proc") -> dict[int, Process]:
    """Return every process that can be read, by pid; those that end meanwhile are left out."""
    found = {}
    for name in sorted(_listdir("", root), key=lambda name: (len(name), name)):
        if name.isdigit():
            try:
                found[int(name)] = process(int(name), root)
            except (LookupError, PermissionError):
                continue
    return found


def status(pid: Pid, root: Root = "/proc") -> dict[str, str]:
    """Return the fields of /proc/PID/status as text, by name; see proc(5)."""
    # Not splitlines(): a name may hold carriage returns and the like.
    pairs = (line.partition(":") for line in read(pid, "status", root).split("\n"))
    fields = {name: value.removeprefix("\t") for name, _, value in pairs if name}
    # The kernel writes a newline in a name as \n and a backslash as \\; nothing else is escaped.
    fields["Name"] = re.sub(r"\\([n\\])", lambda m: "\n" if m[1] == "n" else "\\", fields["Name"])
    return fields


def sizes(pid: Pid, root: Root = "/proc") -> dict[str, int]:
    """Return the sizes in /proc/PID/status, in KiB: {"VmRSS": 1204, "VmHWM": 1300, …}."""
    fields = status(pid, root).items()
    return {name: int(text.split()[0]) for name, text in fields if text.endswith(" kB")}


def proportional(pid: Pid, root: Root = "/proc") -> int:
    """Return a process's memory with shared pages counted in part, in KiB: Pss, proc(5)."""
    rows = read(pid, "smaps_rollup", root).split("\n")
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


def descendants(pids: Iterable[int]) -> list[int]:
    """Return these processes and all below them; what ends meanwhile is left out."""
    found, queue = [], list(pids)
    while queue:
        found.append(queue.pop())
        queue += lean.children(found[-1])
    return found


def nspid(pid: Pid, root: Root = "/proc") -> tuple[int, ...]:
    """Return the process's number on each level of pid namespaces, outermost first."""
    return process(pid, root).nspid


def namespaces(pid: Pid = "self", root: Root = "/proc") -> dict[str, int]:
    """Return {"pid": inode, "mnt": inode, …}; two processes share one when the numbers are equal.

    A name is left out where this kernel does not know it or, for a zombie, where the process has
    given it up already. PermissionError when the kernel shows none (ptrace(2), access checks).
    """
    found = {}
    for name in NAMESPACES:
        try:
            found[name] = namespace(pid, name, root)
        except LookupError:
            status(pid, root)  # says it, if the whole process has gone
    return found


def namespace(pid: Pid, name: str, root: Root = "/proc") -> int:
    """Return the inode of one namespace; `name` as in /proc/PID/ns, "pid_for_children" too."""
    target = _readlink(pid, f"ns/{name}", root)
    return int(target.partition("[")[2].rstrip("]"))


def children(root: Root = "/proc") -> dict[int, list[Process]]:
    """Return the processes by their parent's pid; 0 is a parent that is not visible here."""
    found: dict[int, list[Process]] = {}
    for item in processes(root).values():
        found.setdefault(item.ppid, []).append(item)
    return found


def tree(pid: int, root: Root = "/proc") -> Iterator[tuple[int, Process]]:
    """Yield (depth, process) for a process and all below it, parents first, by pid."""
    by_parent = children(root)
    waiting = [(0, process(pid, root))]
    while waiting:
        depth, item = waiting.pop()
        yield depth, item
        below = by_parent.get(item.pid, [])
        waiting.extend((depth + 1, child) for child in reversed(below) if child.pid != pid)


def members(inode: int, root: Root = "/proc", name: str = "pid") -> list[Process]:
    """Return the readable processes whose namespace `name` has this inode, by pid."""
    found = []
    for item in processes(root).values():
        try:
            if namespace(item.pid, name, root) == inode:
                found.append(item)
        except (LookupError, PermissionError):
            continue
    return found


def cgroups(pid: Pid = "self", root: Root = "/proc") -> list[Cgroup]:
    """Return the lines of /proc/PID/cgroup; paths are relative to the *reader's* cgroup root."""
    found = []
    for line in filter(None, read(pid, "cgroup", root).split("\n")):
        number, controllers, path = line.split(":", 2)
        found.append(Cgroup(int(number), tuple(filter(None, controllers.split(","))), path))
    return found


def capabilities(pid: Pid = "self", root: Root = "/proc") -> dict[str, tuple[str, ...]]:
    """Return {"effective": ("CAP_CHOWN", …), …} for the five sets; see capabilities(7)."""
    fields = status(pid, root)
    sets = {"Inh": "inheritable", "Prm": "permitted", "Eff": "effective", "Bnd": "bounding"}
    sets["Amb"] = "ambient"
    return {
        word: decode_capabilities(int(fields[f"Cap{short}"], 16))
        for short, word in sets.items()
        if f"Cap{short}" in fields
    }


def decode_capabilities(mask: int) -> tuple[str, ...]:
    """Return the names of the bits; one that this list does not know is called CAP_<number>."""
    known = dict(enumerate(CAPABILITIES))
    bits = (bit for bit in range(mask.bit_length()) if mask >> bit & 1)
    return tuple(known.get(bit, f"CAP_{bit}") for bit in bits)


def link(pid: Pid, name: str, root: Root = "/proc") -> str | None:
    """Return where "root", "exe" or "cwd" points; None where there is none (kernel thread, zombie).

    The kernel adds " (deleted)" when the file has no name any more.
    """
    try:
        return _readlink(pid, name, root)
    except NoProcess:
        status(pid, root)
        return None


def root_identity(pid: Pid = "self", root: Root = "/proc") -> tuple[int, int]:
    """Return (device, inode) of the process's "/"; equal for two processes with the same root."""
    try:
        if isinstance(root, int):
            found = os.stat(f"{pid}/root/.", dir_fd=root)
        else:
            found = os.stat(f"{root}/{pid}/root/.")
    except OSError as error:
        raise _told(error, pid) from None
    return found.st_dev, found.st_ino


def read(pid: Pid, name: str, root: Root = "/proc") -> str:
    """Return the text of /proc/PID/NAME; what is no UTF-8 stays as surrogates (os.fsdecode)."""
    path = f"{pid}/{name}"
    try:
        if isinstance(root, int):
            fd = os.open(path, _READ, dir_fd=root)
        else:
            fd = os.open(f"{root}/{path}", _READ)
        with os.fdopen(fd, "rb", buffering=0) as file:
            return os.fsdecode(file.readall())
    except OSError as error:
        raise _told(error, pid) from None


def stat(pid: Pid, root: Root = "/proc") -> list[str]:
    """Return /proc/PID/stat from the third field on, as `lean.fields` does. proc_pid_stat(5)"""
    return read(pid, "stat", root).rpartition(")")[2].split()


def _is_kernel_thread(pid: Pid, fields: dict[str, str], root: Root) -> bool:
    if "Kthread" in fields:  # since Linux 6.8
        return fields["Kthread"] == "1"
    return bool(int(stat(pid, root)[6]) & PF_KTHREAD)


def _readlink(pid: Pid, name: str, root: Root) -> str:
    try:
        if isinstance(root, int):
            return os.readlink(f"{pid}/{name}", dir_fd=root)
        return os.readlink(f"{root}/{pid}/{name}")
    except OSError as error:
        raise _told(error, pid) from None


def _listdir(path: str, root: Root) -> list[str]:
    return os.listdir(root if isinstance(root, int) else os.path.join(root, path))


def _told(error: OSError, pid: Pid) -> Exception:
    if error.errno in (errno.ENOENT, errno.ESRCH, errno.ENOTDIR):
        return NoProcess(pid)
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermissionError(error.errno, f"process {pid} may not be read by this user")
    return error
