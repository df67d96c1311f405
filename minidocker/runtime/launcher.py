"""Launcher: a short-lived process that may do to itself what it likes, and then makes the child.

A learner's `spawn` runs in it. It also joins namespaces of other containers, and calls the
stages' `parent`: the child is born with what it has become.
"""

from __future__ import annotations

import time

from minidocker.errors import KernelError, MinidockerError, StageError
from minidocker.kernel.flags import SIGKILL, WNOHANG
from minidocker.kernel.named import os
from minidocker.runtime.failure import failure

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.runtime.child import Child
    from minidocker.runtime.joining import Door
    from minidocker.runtime.moments import Story
    from minidocker.runtime.signals import Signals
    from minidocker.stages.pid import Pid


class Launcher:
    """What the launcher needs: the story, the child to be, its cgroup, and namespaces to join.

    `last_words` reads what a process that has ended said in the channel.
    """

    def __init__(
        self, story: Story, child: Child, cgroup: str, doors: list[Door], signals: Signals,
        last_words: Callable[[], MinidockerError | None],
    ) -> None:  # fmt: skip
        self.story = story
        self.kernel = story.kernel
        self.child = child
        self.channel = child.channel
        self.cgroup = cgroup
        self.doors = doors
        self.signals = signals
        self.last_words = last_words

    def launch(self, stage: Pid, flags: int) -> int:
        """Run stage.spawn in a launcher; return the pid that it gave, once that is a child of ours.

        What spawn raised is raised here; processes that it left behind are killed.
        """
        answer, tell = os.pipe()
        launcher = os.fork()
        if launcher == 0:
            os.close(answer)
            self.be_launcher(stage, flags, tell)
        os.close(tell)
        try:
            self.signals.wait_readable(answer)
            text = os.read(answer, 64).decode()
            os.waitpid(launcher, 0)
            launcher = 0
            problem = self.last_words()
            self.channel.host.setblocking(True)
            if problem:
                raise problem
            return self.own_child(stage, text)
        except BaseException:
            if launcher:
                os.kill(launcher, SIGKILL)
                os.waitpid(launcher, 0)
            kill_all_children()
            raise
        finally:
            os.close(answer)

    def be_launcher(self, stage: Pid, flags: int, tell: int) -> None:
        """Prepare, join, call spawn; leave only by _exit, also in a child that went astray."""
        strays: list[int] = []
        os.register_at_fork(after_in_child=lambda: strays.append(1))
        story = self.story
        if story.teller:
            story.teller.send_to(story, self.channel, None)
        try:
            # The mask that the command will have, and Ctrl-C's default: a spawn that hangs ends.
            self.kernel.sigprocmask(self.child.mask)
            self.kernel.default_signals({2})
            if self.cgroup:
                self.kernel.write(f"{self.cgroup}/cgroup.procs", str(os.getpid()))
            self.prepare()
            story.stage, story.moment = stage, "spawn"
            pid = self.bear(stage, flags)
            if strays:
                raise StageError(
                    "spawn returned in the child: call child(), which never returns", ""
                )
            os.write(tell, repr(pid).encode()[:64])
        except BaseException as problem:
            told = failure(problem, story.stage, story.moment)
            self.channel.say(
                "failed", message=told.message, remedy=told.remedy, status=told.status,
                trace=getattr(told, "trace", ""), docker=told.docker,
            )  # fmt: skip
        os._exit(125)

    def prepare(self) -> None:
        """Become what the child's parent must be: every `parent`, then the namespaces to join."""
        self.story.each("parent")
        if self.doors:
            from minidocker.runtime.joining import join

            join(self.story, self.doors)

    def bear(self, stage: Pid, flags: int) -> object:
        """Make the child; return what spawn says is its pid."""
        return stage.spawn(self.kernel, flags, self.child)

    def own_child(self, stage: Pid, text: str) -> int:
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
            ended, _ = self.kernel.waitpid(pid, WNOHANG)
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

    def last_words_of(self, pid: int) -> MinidockerError | None:
        """Give a child that looks wrong a moment to end: what it says at its end explains it.

        A child that waits at the gate says nothing, and the answer is None.
        """
        for _ in range(30):
            try:
                ended, _ = self.kernel.waitpid(pid, WNOHANG)
            except KernelError:
                return None
            if ended:
                return self.last_words()
            time.sleep(0.01)
        return None


def kill_all_children() -> None:
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
