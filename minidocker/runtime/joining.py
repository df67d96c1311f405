"""Joining: enter namespaces of another container that runs, instead of making new ones.

The host opens the files /proc/PID/ns/NAME; the launcher enters them, and the child is born there.
An open file keeps its namespace alive, so nothing can change in between.
"""

from __future__ import annotations

from minidocker.errors import Blocked, Conflict, KernelError, StageError
from minidocker.kernel.flags import CLONE_NEWPID, NAMESPACES
from minidocker.kernel.named import os
from minidocker.proc.lean import namespace
from minidocker.runtime import reading, state
from minidocker.runtime.failure import failure
from minidocker.stages.base import Stage
from minidocker.stages.etc import FILES

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.runtime.moments import Story
    from minidocker.spec.spec import Spec


class Door:
    """An open namespace of another container: its name, its flag, whose, and which stage asks."""

    __slots__ = ("fd", "flag", "pid", "stage")

    def __init__(self, stage: Stage, pid: int, fd: int) -> None:
        self.stage, self.pid, self.fd = stage, pid, fd
        self.flag = NAMESPACES[stage.shares]


def clone_flags_and_doors(story: Story, sharing: dict[str, str]) -> tuple[int, list[Door]]:
    """Return the flags of the clone, and an open door for each namespace of another container."""
    flags = 0
    doors: list[Door] = []
    if "pid" in sharing and not story.run.facts.get("cgroup"):
        story.run.facts["strays"] = True  # nothing ends them with the command: see strays.py
    for stage in story.stages:
        story.stage = stage
        mode = sharing.get(stage.shares, "private")
        record = running(story, mode.partition(":")[2]) if ":" in mode else None
        if record:
            if stage.shares == "pid":
                refuse_tracer(record)
                refuse_tracers(os.path.dirname(os.path.dirname(story.run.directory)), record["pid"])
            if stage.shares == "net" and not story.run.spec.linux.ids:
                link_names(record["directory"], story.run.directory)
            mode = f"container:{record['pid']}"
        added, path = ask(stage, mode)
        flags |= added
        if record:
            doors.append(Door(stage, record["pid"], open_door(stage, record, path)))
    story.stage = None
    return flags, doors


def link_names(theirs: str, ours: str) -> None:
    """Let the files that say names be the other container's, which follows its neighbours'.

    As in Docker. A hard link: in the child, no other container's directory is in reach. link(2)
    """
    for name in FILES:
        if os.path.exists(f"{theirs}/{name}") and os.path.exists(f"{ours}/{name}"):
            os.unlink(f"{ours}/{name}")
            os.link(f"{theirs}/{name}", f"{ours}/{name}")


def running(story: Story, name: str) -> dict[str, Any]:
    """Return the record of a container that runs; Conflict when it does not, Blocked for users."""
    if os.geteuid():  # setns(2) asks for CAP_SYS_ADMIN in our own user namespace, too
        raise Blocked(
            "an ordinary user's container cannot join another one: each has a user namespace",
            "sudo minidocker run …   for both",
        )
    record = reading.find(os.path.dirname(os.path.dirname(story.run.directory)), name)
    if not record["alive"] or record.get("status") != "running":
        raise not_running(name)
    return record


def refuse_tracer(record: dict[str, Any]) -> None:
    """Refuse to be seen by a container that may trace any process: ours has all rights at first.

    A privileged one is not refused: it is root on the host, and needs no such detour.
    """
    spec = record["spec"]
    linux, kept = spec.get("linux") or {}, spec["process"].get("capabilities") or ()
    if "CAP_SYS_PTRACE" in kept and not linux.get("privileged") and not linux.get("ids"):
        raise Conflict(
            f"container {record['name'] or record['id']} has CAP_SYS_PTRACE: "
            "it could take over a process of ours that starts in its pid namespace",
            "give the capability to the new container, and start the other one without it",
        )


def refuse_tracers(root: str, pid: int) -> None:
    """The same for all that have joined a process's pid namespace: they see who enters it, too."""
    here = namespace(pid, "pid")
    if here == namespace("self", "pid"):
        return  # the host's own: they see us in any case
    for record in reading.records(root, word="CAP_SYS_PTRACE"):
        if record["alive"] and record.get("pid") and namespace(record["pid"], "pid") == here:
            refuse_tracer(record)


def refuse_tracer_of(spec: Spec, name: str) -> None:
    """The same for a Spec: what is to enter is our program for a moment."""
    linux = spec.linux.as_dict() if spec.linux else {}
    kept = {"capabilities": spec.process.capabilities}
    refuse_tracer({"name": name, "spec": {"linux": linux, "process": kept}})


def not_running(name: str) -> Conflict:
    """Say that a container cannot be joined."""
    return Conflict(
        f"container {name} is not running, so there is no namespace of it to join",
        "minidocker ps   (lists those that run)",
    )


def ask(stage: Stage, mode: str) -> tuple[int, str]:
    """Ask a stage for its entry; a learner's answer must mean what the reference's means."""
    try:
        found = stage.entry(mode)
    except Exception as problem:
        raise failure(problem, stage, "entry") from None
    wanted = Stage.entry(stage, mode)
    if found != wanted and not same(found, wanted):
        part = next(iter(stage.origin), "")
        raise StageError(
            f"stage {stage.name}, part {part} of {stage.origin.get(part, '')}: for the mode {mode} "
            f"it returned {found!r}",
            stage.name,
            f"the answer is {wanted!r}",
        )
    return found


def same(found: Any, wanted: tuple[int, str]) -> bool:
    """Say whether another text names the same file, with the same flags."""
    try:
        flags, path = found
        return bool(flags == wanted[0] and os.path.samefile(path, wanted[1]))
    except (TypeError, ValueError, OSError):
        return False


def open_door(stage: Stage, record: dict[str, Any], path: str) -> int:
    """Open a namespace, and look afterwards whether it is still the container's."""
    name = record["name"] or record["id"]
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        ours = os.path.samefile(f"/proc/self/fd/{fd}", f"/proc/self/ns/{stage.shares}")
    except OSError:
        raise not_running(name) from None
    spec = record["spec"]
    private = stage.name in spec["stages"] and stage.shares not in (spec.get("sharing") or {})
    if not state.is_alive(record["directory"]) or (ours and private):  # its number has a new owner
        os.close(fd)
        raise not_running(name)
    return fd


def join(story: Story, doors: list[Door]) -> None:
    """In the launcher: enter every namespace; of CLONE_NEWPID, only the child will be inside."""
    story.moment = "parent"
    for door in doors:
        story.stage = door.stage
        if door.stage.shares == "ipc" and story.run.root:
            take_shm(story, door)
    if story.run.own and "join" in story.run.own:
        join_by_theirs(story, doors, story.run.own["join"])
        return
    for door in sorted(doors, key=lambda door: door.flag == CLONE_NEWPID):
        story.stage = door.stage
        story.kernel.setns(door.fd, door.flag)


def join_by_theirs(story: Story, doors: list[Door], own: Any) -> None:
    """Let a learner's `join` enter them; each namespace is compared afterwards.

    Theirs goes by the pid, and that may be another's by now: the open doors tell.
    """
    from minidocker.runtime import used

    used.note(own.name, own.file)
    story.stage = None
    kinds_here = [kind for kind in NAMESPACES if os.path.exists(f"/proc/self/ns/{kind}")]
    before = {kind: os.stat(f"/proc/self/ns/{after_setns(kind)}") for kind in kinds_here}
    where = f"join, part join of {own.file}"
    for pid in sorted({door.pid for door in doors}):
        kinds = [door.stage.shares for door in doors if door.pid == pid]
        try:
            own.function()(story.kernel, pid, kinds)
        except Exception as problem:
            what = f"{type(problem).__name__}: {problem}"
            raise StageError(f"{where}: {what}", "join", "minidocker grade join") from None
    wanted = before | {door.stage.shares: os.fstat(door.fd) for door in doors}
    for kind, status in wanted.items():
        if not os.path.samestat(status, os.stat(f"/proc/self/ns/{after_setns(kind)}")):
            joined = any(door.stage.shares == kind for door in doors)
            what = "is not entered" if joined else "is another one now, unasked"
            what = f"{where}: the {kind} namespace {what}"
            raise StageError(what, "join", "minidocker grade join")


def after_setns(kind: str) -> str:
    """Return under which name /proc/PID/ns shows what children will be in."""
    return f"{kind}_for_children" if kind in ("pid", "time") else kind


def take_shm(story: Story, door: Door) -> None:
    """Take the other container's /dev/shm along: the ipc namespace alone does not hold it.

    The mounts are found by a number, which may have a new owner: it must still be in the ipc
    namespace that is open, after its mounts are, too.
    """
    try:
        mounts = os.open(f"/proc/{door.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        same = os.path.samefile(f"/proc/self/fd/{door.fd}", f"/proc/{door.pid}/ns/ipc")
    except OSError:
        raise gone() from None
    try:
        if not same:
            raise gone()
        story.run.facts["shm"] = story.kernel.tree_of(mounts, "/dev/shm")
    except KernelError as problem:
        raise failure(problem, story.stage, "parent") from None
    finally:
        os.close(mounts)


def gone() -> Conflict:
    """Say that the other container has ended on our way to it."""
    return Conflict("the container that --ipc names has just ended", "minidocker ps -a")
