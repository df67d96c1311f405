"""Manner: how the kernel runs the command: scheduler, priority at the disks, execution domain.

config.md, "Scheduler" and "Io Priority"; config-linux.md, "Personality"
"""

from __future__ import annotations

from errno import EPERM

from minidocker.errors import KernelError, UsageError
from minidocker.oci.wall import Wall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.config import Part
    from minidocker.oci.kinds import Bundle
    from minidocker.spec.spec import Run

POLICIES = ("OTHER", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE")  # by number. sched(7)
FLAGS = {
    f"SCHED_FLAG_{name}": 1 << bit
    for bit, name in enumerate((
        "RESET_ON_FORK", "RECLAIM", "DL_OVERRUN", "KEEP_POLICY", "KEEP_PARAMS", "UTIL_CLAMP_MIN",
        "UTIL_CLAMP_MAX",
    ))
}  # fmt: skip
CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
DOMAINS = {"LINUX": 0, "LINUX32": 8}


class Manner(Wall):
    """What a bundle says of how its command is run; the stage is left out where it says nothing."""

    name = "manner"

    def before(self, kernel: Kernel, run: Run) -> None:
        """Load what the child will need when it can load nothing any more."""
        from minidocker.kernel import scheduling  # noqa: F401

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set it, while there are rights to do so."""
        from minidocker.kernel import scheduling

        manner = self.bundle.manner
        if "domain" in manner:
            scheduling.set_personality(manner["domain"])
        if "io" in manner:
            scheduling.set_io_priority(*manner["io"])
        if "scheduler" in manner:
            try:
                scheduling.set_scheduler(*manner["scheduler"])
            except KernelError as problem:
                cpus = (self.bundle.resources.get("cpu") or {}).get("cpus")
                if problem.errno == EPERM and cpus:
                    problem.detail = "process scheduler can't be used together with AllowedCPUs"
                raise


def read(part: Part, found: Bundle) -> None:
    """Read what `process` says, into the bundle."""
    found.manner = {name: value for name, value in found.manner.items() if name == "domain"}
    if part.has("scheduler"):
        found.manner["scheduler"] = scheduler(part.part("scheduler"))
    if part.has("ioPriority"):
        one = part.part("ioPriority")
        kind, level = one.text("class", "IOPRIO_CLASS_BE"), one.number("priority", 0) or 0
        if kind not in CLASSES or not 0 <= level <= 7:
            raise UsageError(f"config.json: {one.where} is a class of {', '.join(CLASSES)} and 0–7")
        found.manner["io"] = (CLASSES[kind], level)


def scheduler(part: Part) -> tuple[Any, ...]:
    """Read one scheduler as the arguments of the call."""
    policy = part.must("policy")
    if policy not in [f"SCHED_{name}" for name in POLICIES]:
        raise UsageError(f"config.json: {part.where}.policy {policy!r} is none", "sched(7)")
    flags = 0
    for flag in part.texts("flags"):
        if flag not in FLAGS:
            raise UsageError(f"config.json: {part.where}.flags: {flag!r} is none", ", ".join(FLAGS))
        flags |= FLAGS[flag]
    nice, priority = part.number("nice") or 0, part.natural("priority") or 0
    times = tuple(part.natural(key, 64) or 0 for key in ("runtime", "deadline", "period"))
    if not -20 <= nice <= 19:
        raise UsageError(f"config.json: invalid scheduler.nice: {nice}", "-20 to 19")
    if priority and policy not in ("SCHED_FIFO", "SCHED_RR"):
        words = "scheduler.priority can only be specified for SchedFIFO or SchedRR policy"
        raise UsageError(f"config.json: {words}", "nice")
    if any(times) and policy != "SCHED_DEADLINE":
        words = "scheduler runtime/deadline/period can only be specified for SchedDeadline policy"
        raise UsageError(f"config.json: {words}", "linux.resources.cpu")
    return POLICIES.index(policy.removeprefix("SCHED_")), flags, nice, priority, times


def domain(linux: Part) -> dict[str, Any]:
    """Read linux.personality: the execution domain, where one is asked for."""
    part = linux.part("personality")
    part.refuse("flags")
    word = part.text("domain")
    if not word:
        return {}
    if word not in DOMAINS:
        raise UsageError(f"config.json: {part.where}.domain {word!r} is not LINUX or LINUX32")
    return {"domain": DOMAINS[word]}
