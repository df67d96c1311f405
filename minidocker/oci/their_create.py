"""A learner's `create` makes the container: lesson 15 in the runtime, with MINIDOCKER_MINE.

    create ─ fork ─► launcher ─ fork ─► creator: create(kernel, ID/mine, walls, command)
                                          └ fork, spawn ► child: pipe, walls(), "ready", waits
                                                                     `start` ─► command()

`walls` is all that a child of ours does up to its exec, `command` is the exec of the gate, which
waits no more. The container's `go` is a link to the learner's, so `start` and `state` work as ever.
What waits is a whole Python of the host's, and no gate: so this is for a learner's own containers.
"""

from __future__ import annotations

import json
import select
import time
from signal import SIGKILL

from minidocker.errors import MinidockerError, StageError
from minidocker.kernel.named import os
from minidocker.oci.creation import Resident
from minidocker.proc.lean import state
from minidocker.runtime import used
from minidocker.runtime.adopt import load, own_frames
from minidocker.runtime.failure import failure
from minidocker.runtime.launcher import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.creation import Creation
    from minidocker.runtime.apart import Own
    from minidocker.runtime.child import Child
    from minidocker.runtime.joining import Door
    from minidocker.runtime.signals import Signals
    from minidocker.stages.pid import Pid

SECONDS = 10.0  # for create to return, once the walls stand
AGAIN = "minidocker grade create"


class Theirs:
    """A learner's `create`, and the directory that it works in."""

    def __init__(self, own: Own, container: Container) -> None:
        self.own = own
        self.container = container
        self.child = Waiting
        self.back = (-1, -1)  # what create returned comes through it
        self.creator = 0
        os.mkdir(container.path("mine"), 0o711)
        os.unlink(container.path("go"))
        os.symlink("mine/go", container.path("go"))

    def furnish(self, child: Resident) -> None:
        """Tell the child whose it is."""
        assert isinstance(child, Waiting)
        self.back = os.pipe()
        child.of = self

    def launcher(
        self, birth: Creation, child: Child, cgroup: str, doors: list[Door]
    ) -> Launcher:
        """Make what calls it."""
        launcher = Creator(birth, child, cgroup, doors, birth.signals, birth.last_words)
        launcher.theirs = self
        return launcher

    def wrong(self, what: object) -> StageError:
        """Make an error of the learner's."""
        where = f"part create of {self.own.file}"
        if not isinstance(what, BaseException):
            return StageError(f"{where}: {what}", where, AGAIN)
        trace = own_frames(what, [self.own.file])
        return StageError(f"{where}: {type(what).__name__}: {what}", where, AGAIN, trace)

    def wait(self, channel: int, signals: Signals) -> None:
        """Wait until the child says something; create may not return before the walls stand."""
        poll = select.epoll()
        for fd in (channel, self.back[0]):
            poll.register(fd, select.EPOLLIN)
        try:
            signals.wait_readable(poll.fileno())
            if channel not in [fd for fd, _ in poll.poll(0)]:
                raise self.wrong("it returned before the walls stood")
        finally:
            poll.close()

    def must_have_returned(self, birth: Creation) -> None:
        """Hear what create returned: the pid, with its record written, and somebody who waits."""
        os.close(self.back[1])
        if not select.select([self.back[0]], [], [], SECONDS)[0]:
            raise self.wrong("the walls stand, and it does not return")
        text = os.read(self.back[0], 64).decode()
        os.close(self.back[0])
        os.waitpid(self.creator, 0)
        self.creator = 0
        if failed := birth.last_words():
            raise failed
        if text != str(birth.pid):
            raise self.wrong(f"it returned {text or 'nothing'}, not the pid {birth.pid}")
        try:
            with open(self.container.path("mine/record.json"), encoding="utf-8") as file:
                record = json.load(file)
        except (OSError, ValueError):
            record = None
        if not isinstance(record, dict) or record.get("pid") != birth.pid:
            raise self.wrong("it wrote no record of the container")
        until = time.monotonic() + SECONDS
        while state(birth.pid) in ("R", "D") and time.monotonic() < until:
            time.sleep(0.001)  # it is on its way: to the pipe, or past it
        if not self.container.waits():
            raise self.wrong("it has returned, and nobody waits at the pipe")

    def end(self) -> None:
        """Kill the creator, if it is still there."""
        if self.creator:
            os.kill(self.creator, SIGKILL)
            os.waitpid(self.creator, 0)
            self.creator = 0


class Creator(Launcher):
    """A launcher whose child is made by a learner's `create`, in one more process.

    create waits until the walls stand, and a launcher ends as soon as there is a child.
    """

    theirs: Theirs

    def bear(self, stage: Pid, flags: int) -> object:
        """Start the creator; return the child's pid and its own, or why there is none."""
        hear, tell = os.pipe()
        creator = os.fork()
        if creator == 0:
            os.close(hear)
            self.be_creator(stage, flags, tell)
        os.close(tell)
        return os.read(hear, 64).decode(), creator

    def be_creator(self, stage: Pid, flags: int, tell: int) -> NoReturn:
        """Call create with the child's two halves, and with a spawn that makes this container."""
        child, own = self.child, self.theirs.own
        assert isinstance(child, Waiting)

        def spawn(kernel: Kernel, theirs: Callable[[], object]) -> int:
            child.theirs = theirs
            pid = self.spawn_apart(stage, flags)
            os.write(tell, str(pid).encode())
            os.close(tell)
            return pid

        try:
            names = load(own.file)
            names["spawn"] = spawn  # "Given: your lesson 01", and here it is
            child.known = descriptors()
            used.note(own.name, own.file)
            place = self.theirs.container.path("mine")
            pid = names[own.name](self.kernel, place, child.walls, child.command)
            os.write(self.theirs.back[1], repr(pid).encode()[:64])
        except BaseException as problem:
            child.fail(self.theirs.wrong(problem))
        os._exit(0)

    def spawn_apart(self, stage: Pid, flags: int) -> int:
        """Call spawn in one more process: unshare(2) in ours would move our root with the child's.

        That process ends, so the child is the host's at once: it is the nearest subreaper.
        """
        hear, tell = os.pipe()
        helper = os.fork()
        if helper == 0:
            me = os.getpid()
            try:
                pid = stage.spawn(self.kernel, flags, self.child)
                if os.getpid() != me:
                    raise StageError("spawn returned in the child: call child()", "")
                os.write(tell, repr(pid).encode()[:64])
            except BaseException as problem:
                self.child.fail(failure(problem, stage, "spawn"))
            os._exit(0)
        os.close(tell)
        text = os.read(hear, 64).decode()
        os.close(hear)
        os.waitpid(helper, 0)
        if not text.isdigit():
            raise self.theirs.wrong(f"spawn returned {text or 'nothing'}, not the child's pid")
        return int(text)

    def own_child(self, stage: Pid, text: str) -> int:
        """Read both numbers, and check the first."""
        pid, creator = (word.strip("'") for word in text[1:-1].split(", "))
        if not pid:
            raise self.theirs.wrong("it started no container")
        found = super().own_child(stage, pid)
        self.theirs.creator = int(creator)  # before, an error ends it with all our children
        return found


class Waiting(Resident):
    """A child whose story a learner's `create` tells: walls, a wait, the command."""

    of: Theirs
    theirs: Callable[[], object]
    known: set[int]  # descriptors that were there before create began
    gate_file = -1  # once the walls stand

    def __call__(self) -> NoReturn:
        """Do what the learner's child does."""
        try:
            self.theirs()
            raise self.of.wrong("its child has come to its end without command()")
        except BaseException as problem:
            self.fail(problem if isinstance(problem, MinidockerError) else self.of.wrong(problem))
        finally:
            os._exit(125)

    def walls(self) -> None:
        """Do all that comes before the exec; then the host hears that the walls stand.

        What fails here is a wall's fault, and not of the `create` that has called us.
        """
        os.close(self.of.back[1])
        self.held = {self.of.back[0], *(descriptors() - self.known)}
        self.pass_walls()
        if select.select([self.of.back[0]], [], [], 0)[0]:
            raise self.of.wrong("it returned before the walls stood")
        self.stage = None
        self.channel.say("stands")

    def execute(self) -> None:
        """Come up to the exec, and go no further: `command` does."""
        self.gate_file = self.last_things()

    def command(self) -> Any:
        """Become the command."""
        if self.gate_file < 0:
            raise self.of.wrong("command() comes before walls()")
        self.exec_gate(self.gate_file)


def descriptors() -> set[int]:
    """Return what is open here; the one that the list is read by is not, any more."""
    found = os.listdir("/proc/self/fd")
    return {int(name) for name in found if os.path.lexists(f"/proc/self/fd/{name}")}
