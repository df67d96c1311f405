"""What a container uses: one sample of it, and the use between two samples.

A sample comes from the container's cgroup, version 2, where it has one. On a machine without it
(hybrid, or version 1) it is added up from /proc over the processes of its pid namespace: less is
known then, and `source` says so. Manual: cgroups(7), proc_pid_stat(5), proc_pressure(5).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from minidocker.proc import cgroups, processes

FROM_CGROUP, FROM_PROC = "cgroup", "proc"
NO_CGROUP = "from /proc: no cgroup v2 here"
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # of the times in /proc/PID/stat


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Times in seconds, memory in bytes; None is "cannot be known", or "no limit".

    `at` is a monotonic clock. `cpu` is processor time since the start, of all processes. `memory`
    from /proc is the sum of the resident sizes: pages that processes share count more than once.
    `pids` counts threads, as pids.current does. `periods`, `throttled` and `oom_kills` only grow.
    """

    at: float
    source: str
    cpu: float
    memory: int
    memory_limit: int | None = None
    pids: int = 0
    pids_limit: int | None = None
    cpu_limit: float | None = None
    periods: int | None = None
    throttled: int | None = None
    throttled_time: float | None = None
    oom_kills: int | None = None
    pressure: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """The use between two samples: `cpu` in percent of one processor; `throttled` as (m, n).

    m of the n periods that passed between the two were cut short by cpu.max; None without one.
    """

    now: Sample
    cpu: float
    throttled: tuple[int, int] | None
    oom_kills: int

    @property
    def throttled_percent(self) -> float | None:
        """Return which part of the periods was cut short; None where no limit was in force.

        An idle container has no periods, and none of them was cut short: 0 %.
        """
        if self.throttled is None:
            return None
        return 100 * self.throttled[0] / max(1, self.throttled[1])

    @property
    def memory_percent(self) -> float | None:
        """Return the memory against its limit; None where there is no limit."""
        limit = self.now.memory_limit
        return 100 * self.now.memory / limit if limit else None


def between(before: Sample, now: Sample) -> Use:
    """Return the use between two samples of one container; a clock that stood still gives 0 %."""
    passed = now.at - before.at
    # From /proc the sum can fall: a process that ended took its time along.
    used = max(0.0, now.cpu - before.cpu)
    throttled = None
    if now.periods and now.throttled is not None:  # 0 periods: cpu.max never set a limit
        throttled = (
            max(0, now.throttled - (before.throttled or 0)),
            max(0, now.periods - (before.periods or 0)),
        )
    killed = max(0, (now.oom_kills or 0) - (before.oom_kills or 0))
    return Use(now, 100 * used / passed if passed > 0 else 0.0, throttled, killed)


def from_cgroup(directory: str) -> Sample:
    """Sample a cgroup; FileNotFoundError when it is gone, or when it shows no use.

    Limits are those that hold: the lowest on the way up.
    """
    group = cgroups.group(directory)
    if group.memory is None or "usage_usec" not in group.cpu:
        raise FileNotFoundError(2, "no memory and cpu controller here", directory)
    memory = cgroups.lowest(directory, "memory.max")
    pids = cgroups.lowest(directory, "pids.max")
    share = cgroups.narrowest_cpu(directory)
    throttled = group.cpu.get("throttled_usec")
    return Sample(
        at=time.monotonic(),
        source=FROM_CGROUP,
        cpu=group.cpu["usage_usec"] / 1e6,
        memory=group.memory,
        memory_limit=memory[0] if memory else None,
        pids=group.pids or 0,
        pids_limit=pids[0] if pids else None,
        cpu_limit=share[0] if share else None,
        periods=group.cpu.get("nr_periods"),
        throttled=group.cpu.get("nr_throttled"),
        throttled_time=throttled / 1e6 if throttled is not None else None,
        oom_kills=group.events.get("oom_kill"),
        pressure=group.pressure,
    )


def from_proc(pids: Iterable[int], root: processes.Root = "/proc") -> dict[int, Sample]:
    """Sample from /proc the containers that these processes are in, by pid; none for the dead.

    A container is a pid namespace, with those further down. A process in my own namespace stands
    for itself and the processes below it. One walk over /proc for all of them.
    """
    mine = processes.namespace("self", "pid", root)
    spaces: dict[int, list[int]] = {}  # the inode of a pid namespace, or minus a pid: who asks
    for pid in pids:
        try:
            inode = processes.namespace(pid, "pid", root)
        except (LookupError, PermissionError):
            continue
        spaces.setdefault(-pid if inode == mine else inode, []).append(pid)
    totals = {key: [0, 0, 0] for key in spaces}
    for pid, key in _homes(spaces, root).items():
        try:
            found = _of_process(pid, root)
        except (LookupError, PermissionError, ValueError, IndexError):
            continue  # it has ended meanwhile
        totals[key] = [total + more for total, more in zip(totals[key], found, strict=True)]
    now = time.monotonic()
    return {
        pid: Sample(now, FROM_PROC, ticks / TICK, memory, pids=threads)
        for key, (ticks, memory, threads) in totals.items()
        for pid in spaces[key]
        if threads
    }


def sample(pid: int, directory: str = "", root: processes.Root = "/proc") -> Sample:
    """Sample a container by its cgroup's directory, or else by the pid namespace of a process.

    NoProcess (a LookupError): the container has ended.
    """
    if directory:
        try:
            return from_cgroup(directory)
        except FileNotFoundError:
            pass
    found = from_proc([pid], root)
    if pid not in found:
        raise processes.NoProcess(pid)
    return found[pid]


def _homes(spaces: dict[int, list[int]], root: processes.Root) -> dict[int, int]:
    """Return for each process that belongs to one of these, to which."""
    everyone = processes.processes(root)
    home: dict[int, int] = {-key: key for key in spaces if key < 0}
    for pid in everyone:
        try:
            inode = processes.namespace(pid, "pid", root)
        except (LookupError, PermissionError):
            continue
        if inode in spaces:
            home[pid] = inode
    for pid in everyone:
        above, steps = pid, 0
        while above in everyone and above not in home and steps < len(everyone):
            above, steps = everyone[above].ppid, steps + 1
        if above in home:
            home[pid] = home[above]
    return home


def _of_process(pid: int, root: processes.Root) -> tuple[int, int, int]:
    """Return (ticks, bytes, threads) of a process; its own ticks and its dead children's."""
    fields = processes.stat(pid, root)
    status = processes.status(pid, root)
    memory = int(status.get("VmRSS", "0 kB").split()[0]) * 1024
    ticks = sum(int(field) for field in fields[11:15])  # utime stime cutime cstime
    return ticks, memory, int(status.get("Threads", "1"))


def bytes_text(number: int | None) -> str:
    """Return a size as "12.3 MiB"; "?" for None."""
    if number is None:
        return "?"
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.3g} {unit}"
