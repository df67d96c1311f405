"""Rehearsal: the whole story told by one process, with a kernel that only pretends."""

from __future__ import annotations

from minidocker.kernel.flags import NAMESPACES
from minidocker.runtime.failure import failure
from minidocker.spec.spec import Run
from minidocker.stages.pid import Pid

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Spec
    from minidocker.stages.base import Stage


class Actor:
    """Who speaks: the stage and the moment, as the teller wants them."""

    def __init__(self) -> None:
        self.stage: Stage | None = None
        self.moment = ""


def rehearse(
    spec: Spec, stages: Sequence[Stage], kernel: Kernel, teller: Teller, root: str
) -> None:
    """Go through every moment in the order of a real run; `root` is the store's directory."""
    actor = teller.owner = Actor()
    directory = f"{root}/containers/{spec.id}"
    run = Run(id=spec.id, directory=directory, spec=spec, facts={}, root=new_root(spec, directory))
    each(actor, "before", stages, kernel, run)
    flags = enter(actor, stages, kernel, run)
    actor.moment = "spawn"
    actor.stage = next((s for s in stages if isinstance(s, Pid)), Pid())
    try:
        pid = actor.stage.spawn(kernel, flags, never)
    except Exception as problem:
        raise failure(problem, actor.stage, "spawn") from None
    each(actor, "outside", stages, kernel, run, pid)
    each(actor, "inside", stages, kernel, run)
    actor.moment = "exec"
    try:
        kernel.chdir(spec.process.cwd)
        kernel.execve(spec.process.args[0], spec.process.args, dict.fromkeys(spec.process.env, ""))
    except SystemExit:
        pass
    each(actor, "after", list(reversed(stages)), kernel, run)


def invented(asked: str) -> dict[str, str]:
    """Return files in which the user and the group stand: a rehearsal reads no image."""
    user, _, group = asked.partition(":")
    return {
        "/etc/passwd": f"{user}:x:1000:1000::/home/{user}:/bin/sh\n",
        "/etc/group": f"{group}:x:1000:\n",
    }


def enter(actor: Actor, stages: Sequence[Stage], kernel: Kernel, run: Run) -> int:
    """Do what the child's parent does; return the flags of the clone."""
    flags = 0
    each(actor, "parent", stages, kernel, run)
    for actor.stage in stages:
        mode = (run.spec.sharing or {}).get(actor.stage.shares, "private")
        if ":" not in mode:
            flags |= actor.stage.entry(mode)[0]
            continue
        if actor.stage.shares == "ipc" and run.root:
            run.facts["shm"] = kernel.tree_of(3, "/dev/shm")
        kernel.setns(3, NAMESPACES[actor.stage.shares])
    return flags


def each(
    actor: Actor, moment: str, stages: Sequence[Stage], kernel: Kernel, run: Run, *args: object
) -> None:
    """Call one moment of every stage."""
    actor.moment = moment
    for stage in stages:
        actor.stage = stage
        try:
            getattr(stage, moment)(kernel, run, *args)
        except Exception as problem:
            raise failure(problem, stage, moment) from None
    actor.stage = None


def new_root(spec: Spec, directory: str) -> str:
    """Say where the new "/" is put together; "" for the host's own."""
    if spec.root.layers:
        return f"{directory}/merged"
    return spec.root.path


def never() -> None:
    """Stand for the child, which in a rehearsal is this process itself."""
