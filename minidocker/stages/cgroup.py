"""cgroup v2: how much the process may take, and a handle on all of its children."""

from __future__ import annotations

import os
from errno import EEXIST

from minidocker.errors import LAB_MACHINE, Blocked, KernelError, UsageError
from minidocker.kernel.cgroup_trees import remove_directories
from minidocker.kernel.flags import CLONE_NEWCGROUP
from minidocker.places import DELEGATED_ROOM, HOST_GROUP, ROOM
from minidocker.spec.words import VALUE, Option, parse_cpus, parse_number, parse_set, parse_size
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Resources, Run, Spec
    from minidocker.spec.words import Asked

ROOT = "/sys/fs/cgroup"
PARENT = f"{ROOT}/minidocker"
# Where nothing was said, a fork bomb would fill the machine, and a memory hog take all of it.
PIDS = 2048  # processes, as Podman does
SHARE = 2  # of the machine's memory, one part in so many
PERIOD = 100_000  # microseconds: the period of cpu.max
LIMITS = "limits (cgroup v2)"


class Cgroup(Stage):
    """Limit the process and its children, and hide where in the tree they are."""

    name = "cgroup"
    namespaces = CLONE_NEWCGROUP
    # As in Docker, 0 is "nothing said" for memory and swap, and "no limit" for processes.
    options = (
        Option("-m --memory", VALUE, "SIZE", LIMITS,
               "memory at most, such as 64m; half of the machine's if nothing is said",
               read=lambda text, name: parse_size(text, name) or None, field="resources.memory",
               typed=True),
        Option("--memory-swap", VALUE, "SIZE", LIMITS, "memory and swap together; -1 is no limit",
               read=lambda text, name: -1 if text == "-1" else parse_size(text, name) or None,
               field="resources.swap", typed=True),
        Option("--memory-reservation", VALUE, "SIZE", LIMITS,
               "memory that is taken from it last, when the machine runs short",
               read=lambda text, name: parse_size(text, name) or None,
               field="resources.reservation", typed=True),
        Option("--cpus", VALUE, "N", LIMITS, "CPU time at most, such as 0.5",
               read=parse_cpus, field="resources.cpus", typed=True),
        Option("--cpu-quota", VALUE, "MICROSECONDS", LIMITS,
               "CPU time at most in each period", field="resources.quota", typed=True,
               read=lambda text, name: parse_number(text, name, -1) or None),
        Option("--cpu-period", VALUE, "MICROSECONDS", LIMITS,
               "the period of --cpu-quota; 100000 if nothing is said", field="resources.period",
               read=lambda text, name: parse_number(text, name) or None, typed=True),
        Option("-c --cpu-shares", VALUE, "N", LIMITS, "share of a busy CPU; 1024 is ordinary",
               read=parse_number, field="resources.shares", typed=True),
        Option("--cpuset-cpus", VALUE, "LIST", LIMITS, "only these CPUs, such as 0-2,4",
               read=parse_set, field="resources.cpuset"),
        Option("--cpuset-mems", VALUE, "LIST", LIMITS, "memory of these NUMA nodes only",
               read=parse_set, field="resources.mems"),
        Option("--pids-limit", VALUE, "N", LIMITS,
               "processes at most, -1 is no limit; 2048 if nothing is said", typed=True,
               read=lambda text, name: parse_number(
                   "-1" if text[:1] == "-" and text[1:].isdecimal() else text, name, -1) or -1,
               field="resources.pids"),
    )  # fmt: skip
    parts = ("limits", "make_cgroup", "remove")

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Read the limits; --memory-swap says nothing without --memory, and no less than it."""
        super().plan(spec, asked)
        limits = spec.resources
        memory, swap = limits.memory, limits.swap
        if swap is not None and memory is None:
            raise UsageError(
                "--memory-swap needs --memory", "-m 64m --memory-swap 128m",
                docker="You should always set the Memory limit when using Memoryswap limit, "
                "see usage",
            )  # fmt: skip
        if swap is not None and memory is not None and 0 <= swap < memory:
            raise UsageError(
                "--memory-swap counts memory and swap together, so it is at least --memory",
                "-m 64m --memory-swap 64m   (no swap)",
                docker="Minimum memoryswap limit should be larger than memory limit, see usage",
            )
        if memory is not None and (limits.reservation or 0) > memory:
            raise UsageError(
                "--memory-reservation is more than --memory", "-m 64m --memory-reservation 32m",
                docker="Minimum memory limit can not be less than memory reservation limit, "
                "see usage",
            )  # fmt: skip
        check_times(limits)

    def before(self, kernel: Kernel, run: Run) -> None:
        """Make the cgroup and set its limits, so that the child is born inside them."""
        asked = run.spec.resources.asked()
        if not kernel.exists(f"{ROOT}/cgroup.controllers"):
            if asked:
                where = "room" if ROOM in os.environ else "machine"
                raise Blocked(
                    f"limits need cgroup v2 alone on /sys/fs/cgroup, and this {where} has not that",
                    f"{DELEGATED_ROOM}, or {LAB_MACHINE}" if where == "room" else LAB_MACHINE,
                )
            return
        limits = self.limits(run.spec.resources)
        own = delegated(kernel) if kernel.geteuid() else ""
        if kernel.geteuid() and not own:
            if asked:
                raise Blocked(
                    "limits need a cgroup that is yours, and this process is in none",
                    "systemd-run --user --scope -p Delegate=yes minidocker run …",
                )
            return
        path = f"{own or PARENT}/{run.id}"
        run.facts["cgroup"] = path  # before it exists: a crash in between leaves a trail
        try:
            if own:
                kernel.mkdir(path)
            else:
                self.make_cgroup(kernel, path)
        except KernelError:
            if asked:
                raise
            del run.facts["cgroup"]  # nothing was asked for, and nothing can be had
            return
        try:
            self.write_limits(kernel, run.spec.resources, path, own or ROOT, limits)
        except KernelError:
            refuse_missing(kernel, {**limits, **rarer(run.spec.resources)}, own or ROOT)
            raise

    def write_limits(
        self, kernel: Kernel, asked: Resources, path: str, first: str, limits: dict[str, str]
    ) -> None:
        """Write the limits that were asked for, and those that a container has in any case.

        `first` is the uppermost cgroup that we may change.
        """
        if asked.cpuset or asked.mems:
            pass_on_cpuset(kernel, path, first)
        for name, text in limits.items():
            self.told_as("limits", kernel.write, f"{path}/{name}", text)
        for name, text in rarer(asked).items():
            kernel.write(f"{path}/{name}", text)
        for name, text in unasked(asked).items():
            if kernel.exists(f"{path}/{name}"):
                kernel.write(f"{path}/{name}", text)

    def after(self, kernel: Kernel, run: Run) -> None:
        """Kill what is left in the cgroup, and remove it."""
        path = run.facts.get("cgroup")
        if path:
            self.remove(kernel, str(path))

    @staticmethod
    def limits(resources: Resources) -> dict[str, str]:
        """Turn the limits asked for into {file: text} of a cgroup.

        `--memory-swap` counts memory and swap together, as in Docker; without it, as much
        swap as memory is allowed. `--cpu-shares` becomes a weight by runc's formula since 1.3.2
        (1024 → 100). Documentation/admin-guide/cgroup-v2
        """
        files = {}
        if resources.memory is not None:
            files["memory.max"] = str(resources.memory)
            swap = resources.swap if resources.swap is not None else 2 * resources.memory
            files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
        if resources.cpus is not None:
            files["cpu.max"] = f"{round(resources.cpus * PERIOD)} {PERIOD}"
        if resources.shares is not None:
            files["cpu.weight"] = str(weight(resources.shares))
        if resources.pids is not None:
            files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
        return files

    @staticmethod
    def make_cgroup(kernel: Kernel, path: str) -> None:
        """Make the cgroup `path`, with the controllers enabled in each directory above it.

        A controller works in a cgroup only when its parent's subtree_control names it.
        """
        parts = path.removeprefix(ROOT).strip("/").split("/")
        above = ROOT
        for part in parts:
            enabled = kernel.read(f"{above}/cgroup.subtree_control").split()
            offered = kernel.read(f"{above}/cgroup.controllers").split()
            missing = [c for c in ("cpu", "memory", "pids") if c in offered and c not in enabled]
            if missing:
                kernel.write(
                    f"{above}/cgroup.subtree_control", " ".join(f"+{name}" for name in missing)
                )
            above = f"{above}/{part}"
            try:
                kernel.mkdir(above)
            except KernelError as problem:
                if problem.errno != EEXIST:
                    raise

    @staticmethod
    def remove(kernel: Kernel, path: str) -> None:
        """Kill every process in the cgroup and below, then remove the directories.

        cgroup.kill needs a 5.14 kernel. A killed process leaves its cgroup a little later,
        so rmdir(2) may be EBUSY for some milliseconds.
        """
        if not kernel.exists(path):
            return
        kernel.write(f"{path}/cgroup.kill", "1")
        remove_directories(kernel, path)


def check_times(limits: Resources) -> None:
    """Refuse CPU times that contradict each other, or that the kernel does not take."""
    if limits.cpus is not None and (limits.quota is not None or limits.period is not None):
        word = "Quota" if limits.quota is not None else "Period"
        raise UsageError(
            "--cpus is another way to say --cpu-quota and --cpu-period", "leave one out",
            docker=f"Conflicting options: Nano CPUs and CPU {word} cannot both be set.",
        )  # fmt: skip
    for key, value, least, most in (("quota", limits.quota, 1000, None),
                                    ("period", limits.period, 1000, 1_000_000)):  # fmt: skip
        if value is None or value == -1 or (value >= least and not (most and value > most)):
            continue
        raise UsageError(
            f"--cpu-{key} {value}: the kernel takes {least} microseconds at least"
            + (f", and {most} at most" if most else ""), f"such as --cpu-{key} 50000",
            docker=f"CPU cfs {key} can not be less than 1ms (i.e. 1000)"
            + (" or larger than 1s (i.e. 1000000)" if most else ""),
        )  # fmt: skip


def refuse_missing(kernel: Kernel, files: dict[str, str], first: str) -> None:
    """Raise Blocked if a limit could not be set since the machine hands down no such controller."""
    offered = kernel.read(f"{first}/cgroup.controllers").split()
    missing = sorted({name.partition(".")[0] for name in files} - set(offered))
    if missing:
        raise Blocked(
            f"limits need the controller {', '.join(missing)}, and {first} was not given it",
            LAB_MACHINE,
        )


def rarer(resources: Resources) -> dict[str, str]:
    """Return {file: text} of the limits that the lesson leaves out, whoever wrote `limits`.

    --memory-reservation is memory.low, as in runc. Documentation/admin-guide/cgroup-v2
    """
    files = {}
    if resources.reservation is not None:
        files["memory.low"] = str(resources.reservation)
    if resources.quota is not None or resources.period is not None:
        quota = "max" if (resources.quota or -1) < 0 else resources.quota
        files["cpu.max"] = f"{quota} {resources.period or PERIOD}"
    if resources.cpuset is not None:
        files["cpuset.cpus"] = resources.cpuset
    if resources.mems is not None:
        files["cpuset.mems"] = resources.mems
    return files


def pass_on_cpuset(kernel: Kernel, path: str, first: str) -> None:
    """Have the controller cpuset work in the cgroup `path`: each above, from `first`, passes it on.

    It is not for every container: a cgroup with it pays at each change of CPUs.
    """
    above = os.path.dirname(path)
    while True:
        if "cpuset" not in kernel.read(f"{first}/cgroup.subtree_control").split():
            offered = kernel.read(f"{first}/cgroup.controllers").split()
            if offered and "cpuset" not in offered:
                raise Blocked(
                    f"the cgroup {first} was not given the controller cpuset",
                    "leave --cpuset-cpus and --cpuset-mems out, or sudo minidocker run",
                )
            kernel.write(f"{first}/cgroup.subtree_control", "+cpuset")
        if first == above:
            return
        first += "/" + above.removeprefix(first).strip("/").split("/")[0]


def delegated(kernel: Kernel) -> str:
    """Return the cgroup that an ordinary user was given, made ready for children; "" for none.

    Who may write to a cgroup may divide it, when no process sits in it: so this one moves into a
    child of its own first. Where others sit too, a terminal with its shell, it was not given to us.
    systemd.resource-control(5), Delegate; cgroups(7)
    """
    lines = kernel.read("/proc/self/cgroup").split("\n")
    line = next((one for one in lines if one[:3] == "0::"), "")
    own = ROOT + line[3:].removesuffix(f"/{HOST_GROUP}")
    try:
        if set(kernel.read(f"{own}/cgroup.procs").split()) - {str(os.getpid())}:
            return ""
        if not kernel.exists(f"{own}/{HOST_GROUP}"):
            kernel.mkdir(f"{own}/{HOST_GROUP}")
        kernel.write(f"{own}/{HOST_GROUP}/cgroup.procs", "0")
        offered = kernel.read(f"{own}/cgroup.controllers").split()
        wanted = " ".join(f"+{name}" for name in ("cpu", "memory", "pids") if name in offered)
        kernel.write(f"{own}/cgroup.subtree_control", wanted)
    except KernelError:
        return ""
    return own


def unasked(resources: Resources) -> dict[str, str]:
    """Return {file: text} of the limits that a container has although nobody asked for them."""
    files = {}
    if resources.pids is None:
        files["pids.max"] = str(PIDS)
    if resources.memory is None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // SHARE
        files["memory.max"] = str(memory)
    return files


def weight(shares: int) -> int:
    """Turn --cpu-shares (2…262144) into cpu.weight (1…10000), so that 1024 is 100."""
    if shares == 0:
        return 100
    from math import ceil, log2

    power = log2(min(max(shares, 2), 262144))
    return ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34))
