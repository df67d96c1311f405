"""Launcher: a short-lived process that may do to itself what it likes, and then makes the child.

A learner's `spawn` runs in it. It also joins namespaces of other containers, and calls the
stages' `parent`: the child is born with what it has become.
"""

from __future__ import annotations

import os
import time

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import SIGKILL, WNOHANG
from minidocker.runtime.failure import failure

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.runtime.child import Child
    from minidocker.runtime.host import Host
    from minidocker.runtime.joining import Door
    from minidocker.stages.pid import Pid


def launch(host: Host, stage: Pid, flags: int, child: Child, cgroup: str, doors: list[Door]) -> int:
    """Run stage.spawn in a launcher; return the pid that it gave, once that is a child of ours.

    What spawn raised is raised here; processes that it left behind are killed.
    """
    assert host.channel
    answer, tell = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        os.close(answer)
        _be_launcher(host, stage, flags, child, cgroup, tell, doors)
    os.close(tell)
    try:
        host.give_up_on(answer)
        text = os.read(answer, 64).decode()
        os.waitpid(launcher, 0)
        launcher = 0
        problem = host.last_words()
        host.channel.host.setblocking(True)
        if problem:
            raise problem
        return _own_child(host, stage, text)
    except BaseException:
        if launcher:
            os.kill(launcher, SIGKILL)
            os.waitpid(launcher, 0)
        _kill_all_children()
        raise
    finally:
        os.close(answer)


def _be_launcher(
    host: Host, stage: Pid, flags: int, child: Child, cgroup: str, tell: int, doors: list[Door]
) -> None:
    """Prepare, join, call spawn; leave only by _exit, also in a child that went astray."""
    strays: list[int] = []
    os.register_at_fork(after_in_child=lambda: strays.append(1))
    channel = child.channel
    if host.teller:
        host.teller.send_to(host, channel, None)
    try:
        # The mask that the command will have, and Ctrl-C's default action: a spawn that hangs ends.
        host.kernel.set_signal_mask(child.mask)
        host.kernel.default_signals({2})
        if cgroup:
            host.kernel.write(f"{cgroup}/cgroup.procs", str(os.getpid()))
        prepare(host, doors)
        host.stage, host.moment = stage, "spawn"
        pid = stage.spawn(host.kernel, flags, child)
        if strays:
            raise StageError("spawn returned in the child: call child(), which never returns", "")
        os.write(tell, repr(pid).encode()[:64])
    except BaseException as problem:
        told = failure(problem, host.stage, host.moment)
        channel.say(
            "failed", message=told.message, remedy=told.remedy, status=told.status,
            trace=getattr(told, "trace", ""),
        )  # fmt: skip
    os._exit(125)


def prepare(host: Host, doors: list[Door]) -> None:
    """Become what the child's parent must be: every `parent`, then the namespaces to join."""
    host.moment = "parent"
    for stage in host.stages:
        host.stage = stage
        stage.parent(host.kernel, host.run_record)
    if doors:
        from minidocker.runtime.joining import join

        join(host, doors)


def _own_child(host: Host, stage: Pid, text: str) -> int:
    """Check that what spawn returned is a process of ours that lives."""
    where = f"stage pid, spawn, part spawn of {stage.origin.get('spawn', 'the runtime')}"
    if not text.isdigit() or int(text) < 2:
        raise StageError(
            f"{where}: it returned {text or 'nothing'}, not the child's pid",
            where,
            "return what clone or fork returned in the parent",
        )
    pid = int(text)
    try:
        ended, _ = host.kernel.waitpid(pid, WNOHANG)
    except KernelError:
        raise StageError(
            f"{where}: it returned {pid}, which is no child of this run",
            where,
            "return what clone or fork returned in the parent",
        ) from None
    if ended:
        raise MinidockerError(
            f"{where}: the child ended before it was let go", "call child() in the new process"
        )
    return pid


def last_words_of(host: Host, pid: int) -> MinidockerError | None:
    """Give a child that looks wrong a moment to end: what it says at its end explains it.

    A child that waits at the gate says nothing, and the answer is None.
    """
    for _ in range(30):
        try:
            ended, _ = host.kernel.waitpid(pid, WNOHANG)
        except KernelError:
            return None
        if ended:
            return host.last_words()
        time.sleep(0.01)
    return None


def _kill_all_children() -> None:
    """Kill and reap what a failed spawn left: as subreaper, all of it is a child of ours."""
    me = os.getpid()
    for _ in range(1000):
        with open(f"/proc/self/task/{me}/children", encoding="ascii") as stream:
            children = stream.read().split()
        if not children:
            return
        for pid in map(int, children):
            os.kill(pid, SIGKILL)
            os.waitpid(pid, 0)
