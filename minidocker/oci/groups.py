"""Groups: a container's cgroup in each tree of the machine, made, limited, frozen, removed."""

from __future__ import annotations

import os
from errno import EACCES, EEXIST, EINVAL, ENOENT, EPERM, EROFS

from minidocker.errors import Blocked, Conflict, KernelError, UsageError
from minidocker.kernel.cgroup_trees import remove_directories
from minidocker.kernel.named import open
from minidocker.oci.looks import freezers, is_frozen, wait_for
from minidocker.proc.lean import in_user_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.device_rules import Rule
    from minidocker.stages.cgroup import Cgroup

ROOT = "/sys/fs/cgroup"
PARENT = "/minidocker"  # of a container whose bundle names no place
# Each must fit what stands beside it: a period and a burst the quota, and the quota both of them.
FITTING = (
    "cpu.rt_period_us", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us", "cpu.max",
    "cpu.max.burst",
)  # fmt: skip
REFUSED = (EACCES, EPERM, EROFS)


class Trees:
    """Where cgroups are on this machine: `unified` "" for none; controller → directory of v1."""

    def __init__(self) -> None:
        self.unified = ""
        self.old: dict[str, str] = {}
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                before, _, after = line.partition(" - ")
                place, kind = before.split()[4], after.split()[0]
                if kind == "cgroup2" and not self.unified:
                    self.unified = place
                elif kind == "cgroup":
                    self.old.setdefault(os.path.basename(place), place)

    @property
    def hybrid(self) -> bool:
        """Say whether the controllers are on version 1."""
        return self.unified != ROOT and bool(self.old)


def path_of(text: str, id: str) -> str:
    """Read cgroupsPath: absolute in each tree, or relative to a place of ours."""
    path = text or f"{PARENT}/{id}"
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or (":" in path and "/" not in path):
        raise UsageError(
            f"config.json: linux.cgroupsPath {text!r} is no path of a cgroup",
            "such as /machine/ID; for systemd's form: --systemd-cgroup, which is refused here",
        )
    return "/" + "/".join(parts) if path.startswith("/") else f"{PARENT}/" + "/".join(parts)


def places(text: str, id: str) -> dict[str, object]:
    """Say where the container's cgroups will be, for the record: before one of them exists.

    Somebody else's are refused here: who removes this container kills all that is in them.
    """
    trees, path = Trees(), path_of(text, id)
    facts: dict[str, object] = {"cgroups": [f"{tree}{path}" for tree in trees.old.values()]}
    if trees.unified:
        facts["cgroup"] = f"{trees.unified}{path}"
    if members(facts):
        if not text and not any(os.access(one, os.W_OK) for one in (
            *old_of(facts), str(facts.get("cgroup", "")))):  # fmt: skip
            return {}  # it is root's, whose container has the same ID; a user has none then
        raise Conflict(
            f"container's cgroup is not empty: the cgroup {path} has processes already",
            "another linux.cgroupsPath in config.json",
        )
    must_move(facts)
    return facts


def must_move(facts: dict[str, object]) -> None:
    """Refuse a frozen cgroup: what is born in there would stand still, and we would wait for it."""
    if is_frozen(facts):
        raise Conflict(
            "container's cgroup unexpectedly frozen",
            "thaw it (cgroup.freeze, or freezer.state of version 1), or name another cgroupsPath",
        )


def make(
    kernel: Kernel, stage: Cgroup, path: str, resources: dict[str, Any], facts: dict[str, object]
) -> None:
    """Make the cgroups that `facts` names, and set the container's limits.

    Where cgroups cannot be had, as for an ordinary user, only a bundle that limits nothing passes.
    """
    from minidocker.oci import device_rules, limits  # which a delete does not need

    trees = Trees()
    files = limits.version_1(resources) if trees.hybrid else limits.version_2(resources)
    rules = device_rules.read(resources)
    old = old_of(facts)
    if not trees.unified and not old:
        refuse(files, "no cgroups are mounted here")
        return
    try:
        for directory in old:
            descend(kernel, directory)
        if trees.unified and not trees.hybrid:
            stage.make_cgroup(kernel, f"{trees.unified}{path}")
            pass_on(kernel, path, {name.split(".")[0] for name in files})
        elif trees.unified:
            descend(kernel, f"{trees.unified}{path}")
    except KernelError as problem:
        facts.pop("cgroup", None)
        facts["cgroups"] = []
        if problem.errno not in REFUSED:
            raise
        refuse(files, str(problem))
        return
    must_move(facts)  # one above it may be frozen
    write(kernel, facts, files)
    if rules is not None:
        guard(facts, rules, trees)


def refuse_limits(resources: dict[str, Any]) -> None:
    """Refuse limits for a container that shall have no cgroup; device rules need one, too."""
    from minidocker.oci import limits

    why = "--cgroup-manager is disabled, or another user's container has this ID"
    refuse(limits.version_2(resources), why)


def refuse(files: dict[str, str], why: str) -> None:
    """Refuse limits that cannot be had. (Device rules of a user: mknod(2) is refused already.)"""
    if files:
        raise Blocked(
            "rootless needs no limits + no cgrouppath when no permission is granted for cgroups: "
            f"config.json asks for limits ({', '.join(files)}), and {why}",
            "sudo, or a cgroup that is yours: systemd-run --user --scope -p Delegate=yes …",
        )


def descend(kernel: Kernel, directory: str) -> None:
    """Make a cgroup and those above it; one of cpuset gets its parent's CPUs. cpuset(7)"""
    missing, above = [], directory
    while not kernel.exists(above):
        missing.append(above)
        above = os.path.dirname(above)
    for name in reversed(missing):
        try:
            kernel.mkdir(name)
        except KernelError as problem:
            if problem.errno == ENOENT:  # the last one of others has just taken our parent away
                return descend(kernel, directory)
            if problem.errno != EEXIST:
                raise
    fill_cpuset(kernel, directory)


def fill_cpuset(kernel: Kernel, directory: str) -> None:
    """Give a cgroup of cpuset its parent's CPUs where it has none: nobody could enter. cpuset(7)

    Those above, too: who makes a cgroup for a pod leaves it empty.
    """
    if not kernel.exists(f"{directory}/cpuset.cpus"):
        return
    missing = [file for file in ("cpuset.cpus", "cpuset.mems")
               if not kernel.read(f"{directory}/{file}").strip()]  # fmt: skip
    if missing:
        above = os.path.dirname(directory)
        fill_cpuset(kernel, above)
        for file in missing:
            kernel.write(f"{directory}/{file}", kernel.read(f"{above}/{file}"))


def write(kernel: Kernel, facts: dict[str, object], files: dict[str, str]) -> None:
    """Write limits into the cgroups that `facts` names."""
    old = {os.path.relpath(one, ROOT).split("/")[0]: one for one in old_of(facts)}
    wanted = order(kernel, files, old)
    late: set[str] = set()
    for name, text in wanted:
        controller = name.split(".")[0]
        directory = old.get(controller) or str(facts.get("cgroup", ""))
        if name.startswith("blkio.weight") and not kernel.exists(f"{directory}/{name}"):
            name = name.replace("blkio.", "blkio.bfq.")  # what schedules the disks has the weights
        try:
            for line in text.split("\n"):
                kernel.write(f"{directory}/{name}", line)
        except KernelError as problem:
            if problem.errno == EINVAL and name in FITTING and name not in late:
                late.add(name)  # it may not fit what is there now: the others first
                wanted.append((name, text))
                continue
            if problem.errno == ENOENT or problem.errno in REFUSED:
                raise Blocked(
                    f"the limit {name} cannot be set: {problem}",
                    "leave it out; minidocker doctor says which controllers there are",
                ) from None
            raise


def order(kernel: Kernel, files: dict[str, str], old: dict[str, str]) -> list[tuple[str, str]]:
    """Return the files in an order that the kernel takes: memory may never be above memory+swap."""
    found = list(files.items())
    both = "memory.memsw.limit_in_bytes"
    if both in files and "memory" in old:
        now = int(kernel.read(f"{old['memory']}/{both}"))
        wanted = int(files[both])
        if wanted < 0 or wanted > now:  # it grows: first the larger of both
            found.sort(key=lambda pair: pair[0] != both)
    return found


def guard(facts: dict[str, object], rules: list[Rule], trees: Trees) -> None:
    """Let only the nodes of the rules work, by a program at the cgroup of version 2."""
    from minidocker.kernel.device_filter import attach
    from minidocker.oci import device_rules

    if not trees.unified:
        raise Blocked(
            "config.json has device rules, and no tree of cgroup version 2 is mounted here",
            "mount -t cgroup2 none /sys/fs/cgroup/unified",
        )
    directory = os.open(str(facts["cgroup"]), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        attach(directory, device_rules.program(rules))
    except KernelError as problem:
        if problem.errno not in REFUSED or not in_user_namespace():
            raise  # else: no node can be made in there, and none of the host's opened
    finally:
        os.close(directory)


def pass_on(kernel: Kernel, path: str, wanted: set[str]) -> None:
    """Have each cgroup above pass on the controllers that the limits need. cgroups(7)"""
    above = ROOT
    for part in path.strip("/").split("/"):
        offered = kernel.read(f"{above}/cgroup.controllers").split()
        enabled = kernel.read(f"{above}/cgroup.subtree_control").split()
        if missing := sorted((wanted & set(offered)) - set(enabled)):
            text = " ".join(f"+{name}" for name in missing)
            kernel.write(f"{above}/cgroup.subtree_control", text)
        above = f"{above}/{part}"


def has_any(facts: dict[str, object]) -> bool:
    """Say whether the container has a cgroup, of either version."""
    return bool(facts.get("cgroup") or facts.get("cgroups"))


def old_of(facts: dict[str, object]) -> list[str]:
    """Return the directories of version 1."""
    found = facts.get("cgroups")
    return [str(one) for one in found] if isinstance(found, list) else []


def enter(kernel: Kernel, facts: dict[str, object], pid: int, unified: bool = False) -> None:
    """Put a process into the container's cgroups; that of version 2 only where it is asked for."""
    own = [str(facts["cgroup"])] if unified and facts.get("cgroup") else []
    for directory in (*old_of(facts), *own):
        kernel.write(f"{directory}/cgroup.procs", str(pid))


def remove(kernel: Kernel, facts: dict[str, object], stage: Cgroup | None = None) -> None:
    """Kill what is left in them, and remove them all; harmless when done twice."""
    if own := str(facts.get("cgroup", "")):
        if stage:
            stage.remove(kernel, own)
        elif kernel.exists(own):
            kernel.write(f"{own}/cgroup.kill", "1")
            remove_directories(kernel, own)
    for directory in old_of(facts):
        remove_directories(kernel, directory)
    # On version 2 alone the parent stays: `run` makes its cgroups there, and does not look twice.
    for directory in (own, *old_of(facts)) if old_of(facts) else ():
        if os.path.basename(os.path.dirname(directory)) == PARENT[1:]:
            try:
                kernel.rmdir(os.path.dirname(directory))
            except KernelError:
                pass  # other containers of ours are there


def members(facts: dict[str, object]) -> list[int]:
    """List every process of the container, those of cgroups below its own, too."""
    directory = str(facts.get("cgroup", "")) or next(iter(old_of(facts)), "")
    found: list[int] = []
    for folder, _, _ in os.walk(directory) if directory else ():
        try:
            with open(f"{folder}/cgroup.procs", encoding="ascii") as stream:
                found += map(int, stream.read().split())
        except OSError:
            pass  # it has just been removed
    return found


def freeze(kernel: Kernel, facts: dict[str, object], still: bool) -> None:
    """Stop every process of the container, or let them go on; wait until it is so. cgroups(7)"""
    directory, old = str(facts.get("cgroup", "")), freezers(facts)
    if not directory and not old:
        raise Blocked("this container has no cgroup, so it cannot be paused", "sudo")
    if directory:
        kernel.write(f"{directory}/cgroup.freeze", str(int(still)))
    for one in old if not (directory and still) else ():  # to thaw, both: others may use the old
        kernel.write(f"{one}/freezer.state", "FROZEN" if still else "THAWED")
    wait_for(lambda: is_frozen(facts) == still)


