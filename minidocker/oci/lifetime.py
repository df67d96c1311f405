"""Lifetime: start, kill, delete; a container between two commands is its own keeper.

What Podman waits for: `start` and `delete` load little, and most of it only where there is need.
"""

from __future__ import annotations

import os as plain_os
import select
from errno import ENXIO, ESRCH

from minidocker.errors import Blocked, Conflict, KernelError, MinidockerError
from minidocker.kernel.flags import SIGKILL
from minidocker.kernel.named import os
from minidocker.oci.asked import VARIABLE
from minidocker.oci.container import Container
from minidocker.oci.looks import wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Hook
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

ENDING = (1, 2, 3, 15)  # HUP, INT, QUIT, TERM: they end a program that says nothing of them
PATIENCE = 10_000  # milliseconds for the gate to answer
SAID = 8  # bytes that the gate says: the step that failed, and the errno


def undo(kernel: Kernel, container: Container, run: Run, stages: list[Stage]) -> None:
    """Remove all that was made; the directory goes last, since it says what there is."""
    from minidocker.runtime import state

    failed = state.undo(run, stages, kernel)
    if failed:
        raise MinidockerError(f"container {container.id} is not all removed: {failed[0]}")
    kernel.remove_tree(container.directory, "lock")


def start(container: Container) -> None:
    """Open the gate, and hear whether the command could be started."""
    container.hold()
    record = container.load()
    if (status := container.status(record)) != "created":
        raise Conflict(
            f"cannot start a container that has {status}"
            if status == "stopped" else f"cannot start an already {status} container",
            f"minidocker oci state {container.id}",
        )  # fmt: skip
    if not record["command"]:  # config.md: `process` is required when `start` is called
        end(container, record, SIGKILL)
        raise Conflict("config.json has no process to start", "process.args, .cwd")
    if "startContainer" in record["hooks"]:
        from minidocker.kernel.linux import Linux
        from minidocker.oci.entering import hooks_inside

        hooks_inside(Linux(), container, record)
    said = os.open(container.path("said"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not (plain_os.environ.get(VARIABLE) and let_go_by_theirs(container, record, said)):
        let_go(container)
    hear(said, record["command"])
    os.close(said)
    try:
        run_hooks(container, record, "poststart", "running")
    except MinidockerError:
        try:
            end(container, record, SIGKILL)  # as runc does
        except Conflict:
            pass  # it has ended already
        raise


def let_go(container: Container) -> None:
    """Write one byte into the pipe in which the gate waits."""
    try:
        go = os.open(container.path("go"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno != ENXIO:
            raise
        raise Conflict(f"container {container.id} has just ended", "") from None
    os.write(go, b"G")
    os.close(go)


def let_go_by_theirs(container: Container, record: dict[str, Any], said: int) -> bool:
    """Ask a learner's `start` to do that; False where there is none."""
    from minidocker.oci.mine import serving

    own = serving(container.id, "start")
    if own is None:
        return False
    own(container.directory, seconds=PATIENCE / 1000)
    poll = select.poll()
    poll.register(said, select.POLLIN)
    if not poll.poll(PATIENCE / 5) and container.status(record) == "created":
        what = f"your start in {own.file}: the container still waits at its pipe"
        raise MinidockerError(what, "minidocker grade start")
    return True


def run_hooks(container: Container, record: dict[str, Any], kind: str, status: str) -> None:
    """Run the hooks of a kind here, in the caller's namespaces, where the bundle has any."""
    if kind in record["hooks"]:
        from minidocker.kernel.linux import Linux
        from minidocker.oci import hooks
        from minidocker.spec.lean_json import to_json

        told = to_json({**container.state(record, status), "pid": record["pid"]})
        hooks.run(Linux(), container.bundle(record).hooks[kind], kind, told, set())


def hear(said: int, command: str) -> None:
    """Wait until the gate has become the command, or has said why not: eight bytes."""
    poll = select.poll()
    poll.register(said, select.POLLIN)
    if not poll.poll(PATIENCE):
        return  # it stands still, as a paused one does: it will go on later
    data = plain_os.read(said, SAID)
    if len(data) == SAID:
        step, number = (int.from_bytes(data[n : n + 4], "little", signed=True) for n in (0, 4))
        from minidocker.oci.words import not_executed

        raise not_executed(command, step, number)


def end(container: Container, record: dict[str, Any], number: int) -> None:
    """Send a signal to PID 1, by a descriptor: another process may get its number meanwhile."""
    from _signal import pidfd_send_signal  # type: ignore[import-not-found]

    pid = record.get("pid") or 0
    try:
        door = plain_os.pidfd_open(pid)
        try:
            if not container.pid(record):
                raise ProcessLookupError(ESRCH, "")
            pidfd_send_signal(door, number)
        finally:
            plain_os.close(door)
    except ProcessLookupError:
        raise Conflict(
            f"container not running: {container.id}", f"minidocker oci state {container.id}"
        ) from None


def kill(kernel: Kernel, container: Container, number: int, everybody: bool) -> None:
    """Send a signal to PID 1, or to all processes in the container's cgroup."""
    from minidocker.oci import groups

    record = container.load()
    # Without a pid namespace of its own, the others do not end with PID 1. pid_namespaces(7)
    # Without a cgroup nobody knows them, either: `create` has warned.
    shared = "pid" in record.get("shared", ()) and groups.has_any(record["facts"])
    everybody = everybody or (number == SIGKILL and shared)
    if everybody:
        pids = groups.members(record["facts"])
        if not pids and not container.pid(record):
            return  # all of none; as in runc
        if not record["facts"].get("cgroup") and not groups.old_of(record["facts"]):
            raise Blocked("this container has no cgroup, so its processes are not known", "")
        for pid in pids:
            try:
                kernel.kill(pid, number)
            except KernelError as problem:
                if problem.errno != ESRCH:
                    raise
        return
    status = container.must_be(record, "created", "running", "paused")
    if status == "created" and number in ENDING:
        container.hold()  # so that no `start` comes between
        if container.status(container.load()) == status:
            number = SIGKILL  # the gate has no handlers, and PID 1 gets nothing without: kill(2)
    end(container, record, number)


def delete(kernel: Kernel, container: Container, force: bool) -> None:
    """Remove a container that has ended; `force` kills it first, and finds nothing wrong twice."""
    from minidocker.oci import groups

    try:
        container.hold()
        record = container.load()
    except MinidockerError:
        if not force:
            raise
        kernel.remove_tree(container.directory)  # its making was cut off before its lock
        return
    status = container.status(record)
    if status != "stopped":
        if not force and status != "created":
            raise Conflict(
                f"cannot delete container {container.id} that is not stopped: {status}",
                "minidocker oci delete --force, or kill first",
            )
        if status == "paused":
            groups.freeze(kernel, record["facts"], False)
        try:
            end(container, record, SIGKILL)
        except Conflict:
            pass  # it has just ended
        if not wait_for(lambda: not container.pid(record), 100):
            bring_home(kernel, container, record)
        if not wait_for(lambda: not container.pid(record), 900):
            raise MinidockerError(f"container {container.id} was killed, and does not end")
    last = last_hooks(container, record)
    told = {**container.state(record, "stopped"), "pid": 0}
    groups.remove(kernel, record["facts"])
    if "tree" in record["facts"]:
        from minidocker.oci import host_mounts

        host_mounts.take_away(kernel, container.directory)
    kernel.remove_tree(container.directory, "lock")
    if last:
        run_last(kernel, last, told)


def bring_home(kernel: Kernel, container: Container, record: dict[str, Any]) -> None:
    """Put PID 1 back into the container's cgroups: somebody may have frozen it in another one."""
    from minidocker.oci import groups

    if pid := container.pid(record):
        try:
            groups.enter(kernel, record["facts"], pid, unified=True)
        except KernelError:
            pass  # it has just ended


def last_hooks(container: Container, record: dict[str, Any]) -> list[Hook]:
    """Return the hooks for the end; none where `create` was cut off before it had its copy."""
    if "poststop" not in record["hooks"]:
        return []
    try:
        return container.bundle(record).hooks["poststop"]
    except (MinidockerError, OSError):
        return []


def run_last(kernel: Kernel, last: list[Hook], told: dict[str, Any]) -> None:
    """Run each hook for the end; one that fails is told, and stops nothing. config.md, Poststop"""
    from minidocker.oci import hooks
    from minidocker.spec.lean_json import to_json

    for place, hook in enumerate(last):
        try:
            pid = hooks.start(kernel, hook, to_json(told), set())
            hooks.await_end(pid, hook, f"poststop hook #{place}")
        except MinidockerError as problem:
            plain_os.write(2, f"minidocker: {problem}\n".encode())
