"""Guests: who has come through the container's door, and the commands that they have sent in.

The keeper serves. The standby holds the same door, a copy of each guest's line, and of the pipe in
which a helper writes the command's pid: so a guest hears of its end from whoever is left.
"""

from __future__ import annotations

import os
import select

from minidocker.engine import letters
from minidocker.engine.input import Input
from minidocker.engine.unwatched import Unwatched
from minidocker.errors import MinidockerError
from minidocker.kernel import callers, packets
from minidocker.kernel.flags import SIGKILL
from minidocker.runtime import happened
from minidocker.runtime.enter import Entry, Wish, ending
from minidocker.spec.lean_json import to_json
from minidocker.stages.pid import exit_status

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minidocker.engine.streams import Streams
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage

KILLED = 137
SHOWN = 1024  # characters of a command, in the events


class Guest:
    """One caller: its line, and what it has sent in."""

    def __init__(self, line: packets.End, number: int) -> None:
        self.line = line
        self.number = number  # by which keeper and standby name it
        self.entry: Entry | None = None
        self.tell = -1  # where the pid of its command will stand
        self.pid = 0
        self.attached = False  # it follows the log, and may speak to the command
        self.told = True  # in the events; False: a look of our own at the health
        self.id = ""  # of what it has sent in, in the events
        self.stays = True  # False: it wants to hear no more than that its command runs

    def has_channel(self, fd: int) -> bool:
        """Say whether a descriptor is the channel of its command."""
        return bool(self.entry and fd >= 0 and fd == self.entry.channel.host.fileno())

    def say(self, data: bytes, *descriptors: int) -> bool:
        """Send a letter; False when the guest is gone, or does not listen."""
        try:
            if descriptors:
                self.line.send(data, *descriptors)
            else:
                os.write(self.line.fileno(), data)
        except OSError:
            return False
        return True

    def say_failed(self, problem: MinidockerError) -> None:
        """Tell why it cannot be."""
        text = to_json({
            "message": problem.message, "remedy": problem.remedy, "status": problem.status,
            "docker": problem.docker, "trace": "",
        })  # fmt: skip
        self.say(b"F" + text.encode()[: letters.LARGEST])


class Guests:
    """All of them. `tell` passes a word on to the standby."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, mask: set[int], poll: select.poll,
        tell: Callable[..., None],
    ) -> None:  # fmt: skip
        self.run, self.stages, self.kernel, self.mask = run, stages, kernel, mask
        self.poll, self.tell = poll, tell
        self.door = -1
        self.main = 0
        self.process = -1  # a pidfd of it, where it is no child of ours
        self.all: list[Guest] = []
        self.count = 0
        self.input: Input | None = None
        self.unwatched = Unwatched(poll)
        self.unclaimed: dict[int, int] = {}  # pid → status: ended before its helper told its pid

    def open(self) -> None:
        """Open the door; nobody is let in before `welcome`."""
        self.door = letters.open_door(self.run.directory)

    def welcome(self, main: int) -> None:
        """Let guests in: the container's command runs."""
        self.main = main
        self.poll.register(self.door, select.POLLIN)
        for guest in self.all:  # those of the keeper that we follow
            self.poll.register(guest.line.fileno(), select.POLLIN)
            if guest.tell >= 0:
                self.poll.register(guest.tell, select.POLLIN)

    def hears(self, terminal: int, streams: Streams | None) -> None:
        """Say where the command's input is."""
        self.input = Input(terminal, streams, self.poll)

    def nudge(self) -> None:
        """Tell who is attached that there is more in the log; who lags misses nothing."""
        for guest in self.all:
            if guest.attached:
                guest.say(b"N")

    def serve(self, fd: int) -> bool:
        """Do what a descriptor is ready for; False for one that is none of ours."""
        if self.input and fd == self.input.fd:
            self.input.serve()
            return True
        if self.unwatched.serve(fd):
            return True
        if fd == self.door:
            self.let_in()
            return True
        for guest in self.all:
            if fd in (guest.line.fileno(), guest.tell) or guest.has_channel(fd):
                try:
                    self.attend(guest, fd)
                except OSError:  # one guest's trouble is no other's
                    self.part(guest)
                return True
        return False

    def attend(self, guest: Guest, fd: int) -> None:
        """Serve one of a guest's descriptors."""
        if fd == guest.line.fileno():
            self.hear(guest)
        elif fd == guest.tell:
            self.born(guest)
        elif guest.entry:
            self.hear_child(guest, guest.entry)

    def let_in(self) -> None:
        """Take one caller."""
        try:
            self.take(callers.accept(self.door))
        except OSError:
            return

    def take(self, line: packets.End) -> Guest:
        """Let in who is at the other end of a line: a caller, or a look at the health."""
        self.count += 1
        guest = Guest(line, self.count)
        self.all.append(guest)
        self.poll.register(line.fileno(), select.POLLIN)
        return guest

    def hear(self, guest: Guest) -> None:
        """Take a letter; the first one is a wish, and no letter means that the guest is gone."""
        try:
            data, given = guest.line.receive(letters.LARGEST)
        except OSError:
            data, given = b"", []
        if data and guest.attached and not given:
            self.listen_to(guest, data[:1], data[1:])
            return
        busy = guest.tell >= 0 or guest.pid
        if data == b"K" and given and guest.entry and guest.entry.wish.terminal:
            self.unwatched.take(given.pop())
        if not data or busy:
            for fd in given:
                os.close(fd)
            if not data and not busy:
                self.part(guest)
            elif not data:  # what it has sent in stays
                self.poll.unregister(guest.line.fileno())
                guest.line.close()
            return
        try:
            self.obey(guest, letters.read_wish(data), tuple(given))
        except (MinidockerError, OSError, ValueError, IndexError) as problem:
            guest.say_failed(
                problem if isinstance(problem, MinidockerError) else MinidockerError(str(problem))
            )
            self.part(guest)
        finally:
            for fd in given:
                os.close(fd)

    def obey(self, guest: Guest, words: list[str], given: tuple[int, ...]) -> None:
        """Do what a guest wishes."""
        if words == ["attach"]:
            guest.attached = guest.say(b"R")
            return
        kind, flags, user, cwd, count, *texts = words
        if kind != "exec":
            raise MinidockerError(f"the keeper knows no {kind}", "it is of another version")
        env, args = texts[: int(count)], texts[int(count) :]
        wish = Wish(args, env, cwd, user, "t" in flags)
        guest.stays = "d" not in flags
        guest.tell, say = os.pipe()
        self.tell(f"guest {guest.number}", guest.line.fileno(), guest.tell)
        try:
            guest.entry = Entry(
                self.run, self.stages, self.kernel, self.main, self.mask, wish, given, say,
                self.process,
            )  # fmt: skip
        finally:
            os.close(say)
        if guest.told:
            guest.id = os.urandom(32).hex()
            for action in ("exec_create", "exec_start"):
                self.happened(guest, f"{action}: {' '.join(args)[:SHOWN]}")
        self.poll.register(guest.tell, select.POLLIN)
        self.poll.register(guest.entry.channel.host.fileno(), select.POLLIN)

    def happened(self, guest: Guest, action: str, **more: object) -> None:
        """Tell of what a guest has sent in."""
        happened.tell(self.run, action, execID=guest.id, **more)

    def listen_to(self, guest: Guest, kind: bytes, rest: bytes) -> None:
        """Take a letter of one who is attached; the next when the command has read this one."""
        if kind == b"W" and self.input:
            self.input.resize(rest)
        elif kind == b"C" and self.input:
            self.input.end()
            self.tell("deaf")
        elif kind == b"I" and self.input:
            line = guest.line.fileno()
            self.input.write(rest, line)

    def born(self, guest: Guest) -> None:
        """Read the pid of what a guest has sent in; none: its helper has failed, or was killed."""
        self.poll.unregister(guest.tell)
        text = os.read(guest.tell, 32)
        os.close(guest.tell)
        guest.tell, guest.pid = -1, int(text) if text.isdigit() else 0
        if not guest.pid:
            self.finish(guest, KILLED)
        elif guest.pid in self.unclaimed:
            self.finish(guest, self.unclaimed.pop(guest.pid))
        else:
            self.tell(f"entered {guest.number} {guest.pid}")

    def hear_child(self, guest: Guest, entry: Entry) -> None:
        """Take one message of a command that enters; its end means that it runs."""
        message = entry.channel.hear()
        if message is None:
            self.poll.unregister(entry.channel.host.fileno())
            entry.channel.host.close()
            if not guest.stays:
                guest.say(b"R")
        elif "fd" in message:
            guest.say(b"T", message["fd"])
            os.close(message["fd"])
        elif failed := entry.failure(message):
            guest.say_failed(failed)
            guest.stays = False

    def reaped(self, pid: int, status: int) -> None:
        """A child of ours has ended: tell the guest that has sent it in."""
        for guest in self.all:
            if guest.pid == pid:
                self.finish(guest, status)
                return
        if any(guest.tell >= 0 for guest in self.all):
            self.unclaimed[pid] = status

    def finish(self, guest: Guest, status: int) -> None:
        """Say how it ended, or why it never ran, and see the guest out."""
        failed = guest.entry.last_words() if guest.entry else None
        if guest.id:
            self.happened(guest, "exec_die", exitCode=str(status))
        if guest.stays and failed:
            guest.say_failed(failed)
        elif guest.stays:
            guest.say(b"X%d" % status)
        self.part(guest)

    def part(self, guest: Guest) -> None:
        """Forget a guest."""
        self.tell(f"left {guest.number}")
        if self.input:
            self.input.writers.discard(guest.line.fileno())
        ends = [guest.line, *([guest.entry.channel.host] if guest.entry else [])]
        for fd in (guest.tell, *(end.fileno() for end in ends)):
            try:
                self.poll.unregister(fd)
            except (KeyError, ValueError):
                pass  # it was not, or is closed
        if guest.tell >= 0:
            os.close(guest.tell)
        for end in ends:
            end.close()
        if guest in self.all:
            self.all.remove(guest)

    # --- the standby's side, and the end -----------------------------------------------

    def note(self, kind: str, numbers: list[int], given: list[int]) -> None:
        """Standby: hold what the keeper tells of a guest, in case that we have to go on."""
        if kind == "guest" and len(given) == 2:
            guest = Guest(packets.End(given[0]), numbers[0])
            guest.tell = given[1]
            self.all.append(guest)
            self.count = max(self.count, guest.number)
        for guest in [one for one in self.all if one.number == numbers[0]]:
            if kind != "guest" and guest.tell >= 0:
                os.close(guest.tell)
                guest.tell = -1
            if kind == "entered":
                guest.pid = numbers[1]
            elif kind == "left":
                guest.line.close()
                self.all.remove(guest)

    def see_out(self, status: int) -> None:
        """The container has ended, and with it all that is inside: tell each guest."""
        for guest in list(self.all):
            if guest.attached:
                guest.say(b"X%d" % status)
                self.part(guest)
                continue
            if guest.pid:
                self.finish(guest, self.end_of(guest.pid))
                continue
            if guest.entry and guest.tell >= 0:
                self.end_of(guest.entry.helper)
            guest.say_failed(ending())
            self.part(guest)
        if self.door >= 0:
            os.close(self.door)
            self.door = -1

    def end_of(self, pid: int) -> int:
        """Return how a command ended that was inside; one that lives on is killed."""
        try:
            self.kernel.kill(pid, SIGKILL)
            _, status = self.kernel.waitpid(pid)
        except OSError:
            return KILLED
        return exit_status(status)
