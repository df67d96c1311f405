"""Rehearsal: the whole story told by one process, with a kernel that only pretends."""

from __future__ import annotations

from minidocker.kernel.flags import NAMESPACES
from minidocker.runtime.failure import failure
from minidocker.runtime.moments import Story
from minidocker.spec.spec import Run
from minidocker.stages.pid import Pid

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Spec
    from minidocker.stages.base import Stage


def rehearse(
    spec: Spec, stages: Sequence[Stage], kernel: Kernel, teller: Teller, root: str
) -> None:
    """Go through every moment in the order of a real run; `root` is the store's directory."""
    directory = f"{root}/containers/{spec.id}"
    run = Run(id=spec.id, directory=directory, spec=spec, facts={}, root=new_root(spec, directory))
    story = teller.owner = Story(run, stages, kernel, teller)
    story.each("before")
    flags = enter(story)
    story.moment = "spawn"
    story.stage = next((s for s in stages if isinstance(s, Pid)), Pid())
    try:
        pid = story.stage.spawn(kernel, flags, never)
    except Exception as problem:
        raise failure(problem, story.stage, "spawn") from None
    story.each("outside", pid)
    story.each("inside")
    story.moment = "exec"
    try:
        kernel.chdir(spec.process.cwd)
        kernel.execve(spec.process.args[0], spec.process.args, dict.fromkeys(spec.process.env, ""))
    except SystemExit:
        pass
    story.each("after", stages=reversed(stages))


def invented(asked: str) -> dict[str, str]:
    """Return files in which the user and the group stand: a rehearsal reads no image."""
    user, _, group = asked.partition(":")
    return {
        "/etc/passwd": f"{user}:x:1000:1000::/home/{user}:/bin/sh\n",
        "/etc/group": f"{group}:x:1000:\n",
    }


def enter(story: Story) -> int:
    """Do what the child's parent does; return the flags of the clone."""
    flags, kernel, run = 0, story.kernel, story.run
    story.each("parent")
    for stage in story.stages:
        story.stage = stage
        mode = (run.spec.sharing or {}).get(stage.shares, "private")
        if ":" not in mode:
            flags |= stage.entry(mode)[0]
            continue
        if stage.shares == "ipc" and run.root:
            run.facts["shm"] = kernel.tree_of(3, "/dev/shm")
        kernel.setns(3, NAMESPACES[stage.shares])
    return flags


def new_root(spec: Spec, directory: str) -> str:
    """Say where the new "/" is put together; "" for the host's own."""
    if spec.root.layers:
        return f"{directory}/merged"
    return spec.root.path


def never() -> None:
    """Stand for the child, which in a rehearsal is this process itself."""
