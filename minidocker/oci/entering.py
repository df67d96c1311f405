"""Entering: one more process in a container that lives, with its walls around it. setns(2)

The child's parent enters every namespace of PID 1, and the child is born there. It has our own
rights until the last stages; so the container must not be able to look into it.
"""

from __future__ import annotations

from minidocker.errors import Conflict
from minidocker.kernel.flags import PR_SET_DUMPABLE
from minidocker.kernel.named import os
from minidocker.oci import affinity, groups, hooks, host_mounts, tracers
from minidocker.oci.creation import Creation
from minidocker.oci.doors import of_process
from minidocker.oci.mine import furnished
from minidocker.oci.seccomp_of import with_filter
from minidocker.oci.wall import Wall
from minidocker.oci.walls import ENTERING
from minidocker.proc.lean import namespace
from minidocker.runtime.child import seal
from minidocker.runtime.signals import Signals
from minidocker.spec.lean_json import to_json
from minidocker.stages.pid import Pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.kinds import Bundle
    from minidocker.spec.spec import Run


class Enter(Wall):
    """The living container's cgroups and namespaces."""

    name = "enter"
    pid = 0

    def before(self, kernel: Kernel, run: Run) -> None:
        """Open the namespaces while the process is known to be the container's."""
        if cpus := self.bundle.affinity.get("initial"):
            os.sched_setaffinity(0, cpus)
        self.doors = of_process(self.pid)

    def parent(self, kernel: Kernel, run: Run) -> None:
        """Become unreadable, load nothing any more, and enter."""
        # Others see the child in their /proc from its first moment: neither the caller's variables
        # nor the host's interpreter, by /proc/PID/exe, shall be there for them.
        kernel.forget_environment()
        kernel.prctl(PR_SET_DUMPABLE, 0)
        seal()
        for door in self.doors:
            kernel.setns(door.fd, door.flag)
        if "tree" in run.facts:  # its root is a directory of these mounts, and not their root
            host_mounts.enter(kernel, run.directory)

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Put the child into the cgroups of version 1; it was born in that of version 2."""
        groups.enter(kernel, run.facts, pid)
        if cpus := self.bundle.affinity.get("final"):
            os.sched_setaffinity(pid, cpus)
        elif not self.bundle.affinity:
            affinity.spread(pid)


def enter(
    kernel: Kernel, container: Container, bundle: Bundle, record: dict[str, Any], console: str,
    kept: set[int],
) -> Creation:  # fmt: skip
    """Make the process, at a closed gate; `bundle` says what and as whom."""
    birth = ready(kernel, container, bundle, record)
    birth.console, birth.kept = console, kept
    born(birth, container, record)
    return birth


def ready(
    kernel: Kernel, container: Container, bundle: Bundle, record: dict[str, Any]
) -> Creation:  # fmt: skip
    """Say how the process is to be made; nothing is made yet."""
    refuse_tracer(bundle)
    tracers.refuse(namespace(record["pid"], "pid"))
    run = container.run(bundle.spec, record["facts"])
    run.root = ""  # no root is changed, and /dev/console stays PID 1's
    bundle.namespaces = {}
    with_filter(bundle, container.directory)
    asked = {"seccomp": bundle.seccomp, "manner": bundle.manner}
    kinds = [kind for kind in ENTERING if asked.get(kind.name, True)]
    stages = furnished([Enter, Pid, *kinds], bundle)
    enter_stage = next(stage for stage in stages if isinstance(stage, Enter))
    enter_stage.pid = record["pid"]
    run.spec.stages = [stage.name for stage in stages]
    birth = Creation(run, stages, kernel, Signals(kernel), bundle)
    birth.state = container.state(record)
    return birth


def born(birth: Creation, container: Container, record: dict[str, Any]) -> None:
    """Make it; on a failure nothing is left."""
    try:
        birth.make()
        if not container.pid(record):
            raise Conflict(f"container not running: {container.id}", "")
    except BaseException:
        birth.end()
        raise


def refuse_tracer(bundle: Bundle) -> None:
    """Refuse to be seen by who may trace any process, and has not all the rights anyway."""
    kept = bundle.sets.bounding
    if kept & tracers.TRACES and not kept & tracers.ADMINISTERS and "user" not in bundle.namespaces:
        raise Conflict(
            "exec: the container has CAP_SYS_PTRACE, and could take over a process of ours that "
            "starts in it", "a container without that capability, or with a user namespace",
        )  # fmt: skip


def hooks_inside(kernel: Kernel, container: Container, record: dict[str, Any]) -> None:
    """Run the hooks startContainer: in the container, before its command.

    Each is a program of the image, so it gets what the command gets: user, capabilities, filter.
    """
    told = to_json({**container.state(record, "created"), "pid": 1})
    for place, hook in enumerate(container.bundle(record).hooks["startContainer"]):
        bundle = container.bundle(record)
        process = bundle.spec.process
        process.args, process.terminal, bundle.affinity = hook.args, False, {}
        process.env = process.env if hook.env is None else hook.env
        birth = ready(kernel, container, bundle, record)
        birth.program, mask = hook.path, birth.signals.mask
        birth.signals.mask = set()  # the hook's; ours may have been blocked by `run`
        given = hooks.paper(told)
        birth.streams = (given, 2, 2)
        try:
            born(birth, container, record)
            birth.open_gate()
            birth.until_it_waits()
            pid, birth.pid = birth.pid, 0
            hooks.await_end(pid, hook, f"startContainer hook #{place}")
        finally:
            birth.end()
            os.close(given)
            birth.signals.mask = mask
            birth.signals.restore()
