"""Lifetime: create, start, kill, delete; a container between two commands is its own keeper."""

from __future__ import annotations

import os as plain_os
import select
from errno import ENXIO, ESRCH

from minidocker.errors import Blocked, Conflict, KernelError, MinidockerError, UsageError
from minidocker.kernel.flags import SIGKILL
from minidocker.kernel.named import os
from minidocker.oci import groups, hooks
from minidocker.oci.bundle import read
from minidocker.oci.container import Container
from minidocker.oci.creation import Creation
from minidocker.oci.mine import furnished
from minidocker.oci.seccomp_of import with_filter
from minidocker.oci.walls import Cgroup, chosen
from minidocker.runtime import state
from minidocker.runtime.channel import SAID, to_json
from minidocker.runtime.gate import refusal
from minidocker.runtime.signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Bundle, Hook
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

PATIENCE = 10_000  # milliseconds for the gate to answer


class Wish:
    """What the command line of `create` says beside the bundle."""

    __slots__ = ("console", "keep", "no_pivot", "pid_file", "waits_here")

    def __init__(self, console: str, keep: int, no_pivot: bool, pid_file: str) -> None:
        self.console, self.keep = console, keep
        self.no_pivot, self.pid_file = no_pivot, pid_file
        self.waits_here = False  # somebody stays, and can serve a terminal


def create(kernel: Kernel, container: Container, directory: str, wish: Wish) -> Creation:
    """Make a container whose command waits in the gate; on a failure nothing is left."""
    os.chdir(directory)
    bundle = read(os.getcwd(), container.id)
    bundle.no_pivot = wish.no_pivot
    check(bundle, wish)
    pass_listeners(bundle, wish)
    with_filter(bundle, container.directory)
    run = container.claim(bundle)
    signals = Signals(kernel)
    stages = furnished(chosen(bundle), bundle)
    run.spec.stages = [stage.name for stage in stages]
    birth = Creation(run, stages, kernel, signals, bundle)
    birth.container, birth.console, birth.keep = container, wish.console, wish.keep
    birth.state = container.state(
        {"bundle": bundle.directory, "made": "", "facts": {}, "root": run.root,
         "annotations": bundle.annotations, "oci": bundle.version}, "creating",
    )  # fmt: skip
    try:
        container.save(run, bundle, "creating", 0)  # what is made next, a kill leaves to `delete`
        pid = birth.make()
        container.save(run, bundle, "creating", pid)
        birth.open_gate()
        birth.until_it_waits()
        container.save(run, bundle, "created", pid)
        if wish.pid_file:
            write_pid(wish.pid_file, pid)
    except BaseException:
        birth.end()
        birth.close_pipes()
        undo(kernel, container, run, stages)
        raise
    birth.close_pipes()
    container.release()
    return birth


def check(bundle: Bundle, wish: Wish) -> None:
    """Refuse what contradicts itself before anything is made."""
    if not bundle.spec.process.args:
        raise UsageError("config.json has no process", "process.args, .cwd")
    if not os.path.isdir(bundle.spec.root.path):
        raise UsageError(
            f"config.json: root.path {bundle.spec.root.path} is no directory",
            "unpack an image there",
        )
    terminal = bundle.spec.process.terminal
    if terminal and not wish.console and not wish.waits_here:
        raise UsageError(
            "cannot allocate tty if minidocker will detach without setting console socket",
            "--console-socket SOCKET",
        )
    if wish.console and not terminal:
        raise UsageError("--console-socket is for a process with a terminal", "process.terminal")


def pass_listeners(bundle: Bundle, wish: Wish) -> None:
    """Hand on sockets that systemd gave us: the first descriptors from 3 on. sd_listen_fds(3)"""
    count = plain_os.environ.get("LISTEN_FDS", "")
    if count.isdecimal() and int(count):
        wish.keep += int(count)
        bundle.spec.process.env += [f"LISTEN_FDS={count}", "LISTEN_PID=1"]
    for fd in range(3, 3 + wish.keep):
        try:
            os.fstat(fd)
        except OSError:
            raise UsageError(
                f"--preserve-fds {wish.keep}: descriptor {fd} is not open", "a smaller number"
            ) from None


def write_pid(path: str, pid: int) -> None:
    """Write the pid file: whole or not at all, since somebody waits for it."""
    new = f"{os.path.dirname(path) or '.'}/.{os.path.basename(path)}"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    os.write(fd, str(pid).encode())
    os.close(fd)
    os.rename(new, path)


def undo(kernel: Kernel, container: Container, run: Run, stages: list[Stage]) -> None:
    """Remove all that was made; the directory goes last, since it says what there is."""
    failed = state.undo(run, stages, kernel)
    if failed:
        raise MinidockerError(f"container {container.id} is not all removed: {failed[0]}")
    kernel.remove_tree(container.directory, "lock")


def start(kernel: Kernel, container: Container) -> None:
    """Open the gate, and hear whether the command could be started."""
    container.hold()
    record = container.load()
    if (status := container.status(record)) != "created":
        raise Conflict(
            f"cannot start a container that has {status}"
            if status == "stopped" else f"cannot start an already {status} container",
            f"minidocker oci state {container.id}",
        )  # fmt: skip
    bundle = container.bundle(record)
    if bundle.hooks["startContainer"]:
        from minidocker.oci.entering import hooks_inside

        hooks_inside(kernel, container, record, bundle)
    said = os.open(container.path("said"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        go = os.open(container.path("go"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno != ENXIO:
            raise
        raise Conflict(f"container {container.id} has just ended", "") from None
    os.write(go, b"G")
    os.close(go)
    hear(said, bundle)
    os.close(said)
    told = to_json(container.state(record, "running"))
    try:
        hooks.run(kernel, bundle.hooks["poststart"], "poststart", told, set())
    except MinidockerError:
        end(kernel, container, record, SIGKILL)  # as runc does
        raise


def hear(said: int, bundle: Bundle) -> None:
    """Wait until the gate has become the command, or has said why not: eight bytes."""
    poll = select.poll()
    poll.register(said, select.POLLIN)
    if not poll.poll(PATIENCE):
        return  # it stands still, as a paused one does: it will go on later
    data = plain_os.read(said, SAID)
    if len(data) == SAID:
        step, number = (int.from_bytes(data[n : n + 4], "little", signed=True) for n in (0, 4))
        raise refusal(bundle.spec.process.args[0], step, number)


def end(kernel: Kernel, container: Container, record: dict[str, Any], number: int) -> None:
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
    record = container.load()
    if everybody:
        pids = groups.members(record["facts"])
        if not pids and not container.pid(record):
            raise Conflict(f"container not running: {container.id}", "")
        if not record["facts"].get("cgroup"):
            raise Blocked("this container has no cgroup, so its processes are not known", "")
        for pid in pids:
            try:
                kernel.kill(pid, number)
            except KernelError as problem:
                if problem.errno != ESRCH:
                    raise
        return
    container.must_be(record, "created", "running", "paused")
    end(kernel, container, record, number)


def delete(kernel: Kernel, container: Container, force: bool) -> None:
    """Remove a container that has ended; `force` kills it first, and finds nothing wrong twice."""
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
            end(kernel, container, record, SIGKILL)
        except Conflict:
            pass  # it has just ended
        if not groups.wait_for(lambda: not container.pid(record), 1000):
            raise MinidockerError(f"container {container.id} was killed, and does not end")
    after = last_hooks(record, container)
    undo(kernel, container, state_run(container, record), [Cgroup()])
    told = to_json({**container.state(record, "stopped"), "pid": 0})
    for hook in after:
        try:
            hooks.run(kernel, [hook], "poststop", told, set())
        except MinidockerError as problem:
            plain_os.write(2, f"minidocker: {problem}\n".encode())


def state_run(container: Container, record: dict[str, Any]) -> Run:
    """Return what the stages need for their `after`."""
    from minidocker.spec.spec import blank

    spec = blank()
    spec.id = container.id
    return container.run(spec, record["facts"])


def last_hooks(record: dict[str, Any], container: Container) -> list[Hook]:
    """Return the hooks for the end; none where `create` was cut off before it had its copy."""
    try:
        return container.bundle(record).hooks["poststop"]
    except (MinidockerError, OSError):
        return []
