"""Look at processes from outside a cell, through a procfs that was opened before learner code ran.

Numbers are the cell's own, outermost first: what a process of the cell would see, if nothing
in it could lie. Manual: proc(5), pid_namespaces(7).
"""

from __future__ import annotations

import os

from minidocker.proc import lean


class Gone(LookupError):
    """The process has ended."""


NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
              "time_for_children", "user", "uts")  # fmt: skip


class Proc:
    """A procfs behind a directory descriptor."""

    def __init__(self, descriptor: int, uid: int = 0, gid: int = 0) -> None:
        self.descriptor = descriptor
        self.first = {"Uid": uid, "uid_map": uid, "Gid": gid, "gid_map": gid, "Groups": gid}
        # the cell's user namespace: its 0 is these ids out here

    def read(self, pid: int | str, name: str) -> str:
        """Return the text of /proc/PID/NAME; Gone when there is no such process."""
        try:
            fd = os.open(f"{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
            try:
                # One read of a long table (mountinfo) ends after a page: read to the end.
                data = b"".join(iter(lambda: os.read(fd, 1 << 16), b""))
                text = data.decode(errors="replace")
                return self._own_ids(text, name) if name in ("uid_map", "gid_map") else text
            finally:
                os.close(fd)
        except (FileNotFoundError, ProcessLookupError):
            raise Gone(f"process {pid} has ended") from None

    def field(self, pid: int | str, name: str) -> str:
        """Return a line of /proc/PID/status, without its name."""
        for line in self.read(pid, "status").splitlines():
            if line.startswith(name + ":"):
                value = line.partition(":")[2].strip()
                if name in self.first:
                    return "\t".join(str(self.own_id(int(word), name)) for word in value.split())
                return value
        return ""

    def own_id(self, number: int, name: str = "Uid") -> int:
        """Turn a user or group id out here into what the cell's root would call it."""
        first = self.first[name]
        return number - first if first and 0 <= number - first < 65536 else number

    def _own_ids(self, text: str, name: str) -> str:
        """Return the lines of a map with the cell's own numbers in the second column."""
        rows = [[int(word) for word in line.split()] for line in text.splitlines()]
        return "".join(f"{a:>10} {self.own_id(b, name):>10} {n:>10}\n" for a, b, n in rows)

    def numbers(self, pid: int | str) -> list[int]:
        """Return NSpid: the pids of a process, one a level, the cell's own first."""
        return [int(word) for word in self.field(pid, "NSpid").split()]

    def state(self, pid: int | str) -> str:
        """Return the state letter: R runs or wants to, S sleeps, Z is a zombie."""
        return self.read(pid, "stat").rpartition(")")[2].split()[0]

    def began(self, pid: int | str) -> int:
        """Return when a process began, in clock ticks: no later one of its number has the same."""
        return int(self.read(pid, "stat").rpartition(")")[2].split()[19])

    def ticks(self, pid: int | str) -> int:
        """Return the processor time used, user and system, in clock ticks."""
        words = self.read(pid, "stat").rpartition(")")[2].split()
        return int(words[11]) + int(words[12])

    def namespace(self, pid: int | str, name: str) -> int:
        """Return the inode number of /proc/PID/ns/NAME; Gone for a zombie or a missing process."""
        try:
            return os.stat(f"{pid}/ns/{name}", dir_fd=self.descriptor).st_ino
        except (FileNotFoundError, ProcessLookupError):
            raise Gone(f"process {pid} has ended") from None

    def namespaces(self, pid: int | str) -> dict[str, int]:
        """Return name → inode number for every entry of /proc/PID/ns.

        By name, since an ordinary user may not list the directory of another id.
        """
        self.read(pid, "stat")  # Gone, where there is none
        found = {}
        for name in NAMESPACES:
            try:
                found[name] = os.stat(f"{pid}/ns/{name}", dir_fd=self.descriptor).st_ino
            except (FileNotFoundError, ProcessLookupError):
                continue  # `pid_for_children` leads nowhere before a first child
        return found

    def root(self, pid: int | str) -> tuple[int, int]:
        """Return device and inode number of a process's root directory."""
        try:
            found = os.stat(f"{pid}/root", dir_fd=self.descriptor)
        except (FileNotFoundError, ProcessLookupError):
            raise Gone(f"process {pid} has ended") from None
        return found.st_dev, found.st_ino

    def pids(self) -> list[int]:
        """Return the pids of all processes, zombies included."""
        try:
            return sorted(int(name) for name in os.listdir(self.descriptor) if name.isdigit())
        except OSError:
            return []

    def children(self, parent: int) -> dict[int, str]:
        """Return pid → state letter of the processes whose parent this is."""
        found = {}
        for pid in self.pids():
            try:
                words = self.read(pid, "stat").rpartition(")")[2].split()
            except Gone:
                continue
            if int(words[1]) == parent:
                found[pid] = words[0]
        return found

    def table(self) -> list[tuple[int, str, str, int]]:
        """Return (pid, state letter, name, ticks used) of every process but process 1.

        One that is ending counts as D, not as asleep: process 1 of a namespace waits for the last
        of it, which may be seen no more, and wait itself for a processor.
        """
        found = []
        for pid in self.pids()[1:]:
            try:
                name, _, rest = self.read(pid, "stat").partition(" (")[2].rpartition(")")
            except Gone:
                continue
            words = rest.split()
            ending = int(words[6]) & lean.EXITING and words[0] == "S"
            state = "D" if ending else words[0]
            found.append((pid, state, name, int(words[11]) + int(words[12])))
        return found

    def load(self) -> tuple[bool, int]:
        """Return whether any process wants the processor or the disk, and the ticks used by all.

        Process 1 is left out: it is the grader's own.
        """
        table = self.table()
        return any(state in "RD" for _, state, _, _ in table), sum(row[3] for row in table)


class Nobodys(Proc):
    """The processes of one user, who has no pid namespace of their own (chamber/bare.py)."""

    def __init__(self, descriptor: int, uid: int) -> None:
        super().__init__(descriptor)
        self.uid = uid

    def pids(self) -> list[int]:
        """Return the pids of that user's processes, zombies included."""
        found = []
        for pid in super().pids():
            try:
                if int(self.field(pid, "Uid").split()[0]) == self.uid:
                    found.append(pid)
            except (Gone, IndexError, OSError):
                continue
        return found
