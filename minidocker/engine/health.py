"""Health: the keeper asks a container how it is, by a command inside, and writes the answer down.

    ROOT/containers/ID/health    what `inspect` shows as State.Health; a new file each time

The keeper sends the command in as any guest would, through a line to itself: so it has the rights
of `exec`, and no more. How often, and what counts, is Docker's: docs/engine.md.
"""

from __future__ import annotations

import os
import select
import time
from errno import EAGAIN

from minidocker.engine import letters
from minidocker.engine.log_file import now
from minidocker.errors import Conflict, KernelError
from minidocker.kernel import packets
from minidocker.kernel.flags import SIGKILL
from minidocker.runtime import happened
from minidocker.runtime.enter import refuse_paused
from minidocker.runtime.healthy import FIRST, STARTING, UNHEALTHY, follow, read, write
from minidocker.spec import checkup
from minidocker.spec.read_json import loads

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.engine.guests import Guest, Guests
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

LONGEST, ENTRIES = 4096, 5  # bytes of an output that are kept, and answers: as in Docker
LATE = 10.0  # seconds that a command may need to be born, when its time is over already
STEP, HOUR = 0.02, 3600.0  # the shortest and the longest wait, in seconds
TURNS = 8  # pieces of an output that are read before others have their turn
NO_ANSWER = -1  # the exit code of a look that could not be made, or took too long


class Look:
    """One look under way: the command inside, its output, and how long it may take."""

    def __init__(self, guests: Guests, poll: select.poll, args: list[str], patience: float) -> None:
        self.guests, self.poll = guests, poll
        self.began, self.end = now(), time.monotonic() + patience
        self.said = b""
        self.line, keepers = packets.pair()
        self.output, inside = os.pipe()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.set_blocking(self.output, False)
        try:
            self.line.send(letters.wish("exec", "", "", "", "0", *args), null, inside, inside)
        finally:
            os.close(null)
            os.close(inside)
        self.guest: Guest = guests.take(keepers)
        self.guest.told = False
        self.fds = (self.line.fileno(), self.output)
        for fd in self.fds:
            poll.register(fd, select.POLLIN)

    def kill(self) -> None:
        """End the command, and those of the group that begins with it, as soon as it does."""
        for target in (-self.guest.pid, self.guest.pid) if self.guest.pid else ():
            try:
                self.guests.kernel.kill(target, SIGKILL)
            except KernelError:
                pass  # it has no group yet, or has just ended

    def hear(self) -> tuple[int, str] | None:
        """Return how it has ended, and what it or we have to say; None: not yet."""
        data, given = self.line.receive(letters.LARGEST)
        for fd in given:
            os.close(fd)
        if data[:1] == b"X":
            self.listen()
            return int(data[1:]), self.said.decode("utf-8", "replace")
        if data[:1] == b"F" or not data:
            return NO_ANSWER, reason(data[1:])
        return None

    def listen(self) -> None:
        """Take what it says; of more than is kept, the rest is dropped.

        A few pieces at a time: who never stops talking shall not have the keeper for itself.
        """
        for _ in range(TURNS):
            try:
                data = os.read(self.output, 1 << 16)
            except OSError as problem:
                if problem.errno == EAGAIN:
                    return
                data = b""
            if not data:
                self.drop(self.output)  # at its end: it would wake us for ever
                return
            self.said = (self.said + data)[:LONGEST]

    def drop(self, fd: int) -> None:
        """Listen to this no more; harmless when done twice."""
        try:
            self.poll.unregister(fd)
        except (KeyError, ValueError):
            pass

    def close(self) -> None:
        """Let go of all that it has."""
        for fd in self.fds:
            self.drop(fd)
        self.line.close()
        os.close(self.output)


def reason(data: bytes) -> str:
    """Return why a command could not be run, from a letter that says so."""
    try:
        return str(loads(data.decode())["message"])
    except (ValueError, KeyError, TypeError):
        return "nobody saw how it ended"


class Health:
    """What is known of a container's health, and when the next look is due."""

    def __init__(self, run: Run, kernel: Kernel, guests: Guests, poll: select.poll) -> None:
        self.run, self.kernel, self.guests, self.poll = run, kernel, guests, poll
        self.asked = checkup.Times(run.spec.health or {})
        self.known: dict[str, Any] = dict(FIRST)
        self.born = time.monotonic()
        self.due = float("inf")
        self.look: Look | None = None

    def born_now(self) -> None:
        """The command has just been let go: its time to start begins."""
        self.born = time.monotonic()

    def begin(self, anew: bool) -> None:
        """Look from now on: after the first interval. `anew` False: in place of a killed keeper."""
        found = read(self.run.directory)
        self.known = {**(found or FIRST), **({} if found and not anew else FIRST)}
        self.known["Log"] = (found or FIRST)["Log"]
        if anew:
            self.born_now()
        self.write()
        self.wait()

    def wait(self) -> None:
        """Say when the next look is due."""
        starts = self.known["Status"] == STARTING and self.starts()
        self.due = time.monotonic() + (self.asked.first if starts else self.asked.interval)

    def starts(self) -> bool:
        """Say whether the container is still in the time that it may take to start."""
        return time.monotonic() - self.born < self.asked.start

    def time_left(self, other: int | None) -> int | None:
        """Return the milliseconds until there is something to do, `other` if that is sooner."""
        end = self.look.end if self.look else self.due
        left = int(min(max(end - time.monotonic(), STEP), HOUR) * 1000) + 1
        return left if other is None else min(left, other)

    def serve(self, fd: int) -> bool:
        """Take what a descriptor of ours has; False for one that is none."""
        look = self.look
        if look is None or fd not in look.fds:
            return False
        if fd == look.output:
            look.listen()
        elif answer := look.hear():
            self.note(look, *answer)
        return True

    def tick(self) -> None:
        """Begin a look that is due, and end one that takes too long."""
        at = time.monotonic()
        if self.look and at >= self.look.end:
            if not self.look.guest.pid and at < self.look.end + LATE:
                return  # it is not born yet
            self.look.kill()
            self.note(self.look, NO_ANSWER, f"Health check exceeded timeout ({self.asked.shown})")
        elif not self.look and at >= self.due:
            try:
                refuse_paused(self.kernel, self.run)
                self.look = Look(self.guests, self.poll, self.asked.args, self.asked.timeout)
                self.due = float("inf")
            except Conflict:  # what is paused is not asked
                self.wait()
            except OSError as problem:
                self.add({"Start": now(), "End": now(), "ExitCode": NO_ANSWER,
                          "Output": str(problem)})  # fmt: skip
                self.wait()

    def note(self, look: Look, code: int, said: str) -> None:
        """Write down how a look ended; tell it, where the health is another one now."""
        look.close()
        self.look = None
        self.add({"Start": look.began, "End": now(), "ExitCode": code, "Output": said})
        self.wait()

    def add(self, answer: dict[str, object]) -> None:
        """Count an answer."""
        before = self.known["Status"]
        code = int(str(answer["ExitCode"]))
        self.known = follow(self.known, code, self.asked.retries, self.starts())
        self.known["Log"] = [*self.known["Log"], answer][-ENTRIES:]
        self.write()
        if self.known["Status"] != before:
            happened.tell(self.run, f"health_status: {self.known['Status']}")

    def end(self) -> None:
        """Nobody looks any more: as in Docker, what has ended is not healthy."""
        if self.look:
            self.look.close()
            self.look = None
        self.due = float("inf")
        self.known["Status"] = UNHEALTHY
        self.write()

    def write(self) -> None:
        """Write it down."""
        write(self.run.directory, self.known)
