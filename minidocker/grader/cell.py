"""The check's end of a cell: make it, talk to the scene in it, look at it from outside, end it.

A cell is a throw-away container for learner code: namespaces of its own, a root made of what is
needed, limits on everything together. See minidocker/chamber.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pexpect.fdpexpect

from minidocker.chamber import bare, cgroups, senders
from minidocker.chamber.cell_needs import (
    PACKAGE,
    closes_process_1,
    join,
    make_cgroup,
    make_old_groups,
    makes_nodes,
    open_terminal,
    room_for,
    sealed,
)
from minidocker.chamber.client import Maker, refused
from minidocker.course.outcomes import Fail
from minidocker.errors import LAB_MACHINE, Blocked
from minidocker.grader import bound, endings, line
from minidocker.grader.budget import Budget
from minidocker.grader.endings import Message
from minidocker.grader.files import Files
from minidocker.grader.probe import Gone, Nobodys, Proc

ROOMS = ("stages", "net", "runtime", "engine", "images", "lab", "grader")

START_SECONDS = 40.0
"""So long may a cell take to stand on a busy machine."""


class Cell:
    """One cell, with one scene in it. Use it as a context manager."""

    def __init__(
        self, maker: Maker, subject: Any, scenes: Path, scene: str,
        args: dict[str, Any], terminal: bool = False,
    ) -> None:  # fmt: skip
        self.maker, self.subject, self.scene = maker, subject, scene
        self.doing = ""
        self.heard = 0
        self.said = bytearray()
        self.bound = bound.current()
        self.nobody = bare.nobody() if bare.wanted() else 0
        self.room = None if self.nobody else room_for(scenes.stem, scene)
        self.first_id = self.room.uid if self.room else 0
        self.importing = f"importing {subject.file}"
        self.pid = 0
        self._open: list[int] = []
        self._early: list[Message] = []
        self._looks: list[Files] = []
        self.master = -1
        if subject.broken:
            raise subject.broken[0]
        if self.nobody:
            pass  # what that is good for, fixtures.py has asked
        elif self.room is None and os.geteuid() != 0:
            raise Blocked("this question needs the host's root", "sudo minidocker grade")
        elif self.room is None and maker.limit == "":
            raise Blocked(
                "this machine cannot limit the number of a cell's processes",
                LAB_MACHINE,
            )
        self.talk, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.talk.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.output, printing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(printing, True)
        text = sealed(subject.source)
        sent = [theirs.fileno(), control.fileno(), printing, text]
        slave = -1
        if terminal:
            self.master, slave = open_terminal()
            sent.append(slave)
        self.groups = make_old_groups()
        self.cgroup = make_cgroup() if maker.limit == "cgroup" else None
        try:
            if self.cgroup:
                sent.append(os.open(self.cgroup, os.O_RDONLY | os.O_DIRECTORY))
            answer = maker.ask({"make": self._order(scenes, args, terminal)}, tuple(sent))
        finally:
            theirs.close()
            control.close()
            for fd in sent[2:]:
                os.close(fd)
        if "pid" not in answer:
            self.close()
            refused(answer)
        self.pid = answer["pid"]
        self.bound.cells.append(self)
        self._begin()

    def _order(self, scenes: Path, args: dict[str, Any], terminal: bool) -> dict[str, Any]:
        hide = [] if self.subject.trusted else [str(PACKAGE / room) for room in ROOMS]
        return {
            "scenes": str(scenes), "scene": self.scene, "args": args, "terminal": terminal,
            "file": self.subject.file,
            "trusted": self.subject.trusted, "limit": self.maker.limit,
            "cgroup": self.cgroup is not None, "filesystems": self.maker.filesystems,
            "room": asdict(self.room) if self.room else None, "nobody": self.nobody,
            "closed": closes_process_1(scenes.stem, self.scene),
            "nodes": makes_nodes(scenes.stem, self.scene),
            "signed": senders.signs(scenes.stem, self.scene),
            "hide": hide + [str(path) for path in self.subject.hidden],
        }  # fmt: skip

    def _begin(self) -> None:
        """Wait until the cell stands, open its /proc, then let the scene go."""
        join(self.pid, self.groups)
        self.control.send(b"m")
        self.control.settimeout(START_SECONDS * bound.scale())
        answer = line.ended(self.control.recv(100_000) or b'{"broken": "it ended at its start"}')
        if "ready" not in answer:
            self.close()
            refused(answer)
        # Opened before any learner code runs: whatever it unmounts, this stays.
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        fd = os.open("/proc" if self.nobody else f"/proc/{self.pid}/root/proc", flags)
        self.proc = Proc(fd, self.first_id, self.room.gid if self.room else 0)
        if self.nobody:
            self.proc = Nobodys(fd, self.nobody)
        self._open.append(fd)  # last: the bound may look at any moment, and then uses both
        self.own = {} if self.nobody else self.proc.namespaces(1)
        self.control.send(b"g")

    def __enter__(self) -> Cell:
        return self

    def __exit__(self, _: object, problem: object, __: object) -> None:
        if isinstance(problem, Fail):
            problem.printed = self.printed()
            if problem.code in ("MD9005", "MD9006", "MD9007") and self.doing == self.importing:
                self.subject.broken.append(problem)  # no other check needs to wait for it again
        self.close()

    def close(self) -> None:
        """Kill process 1, and so everything in the cell; give back what was opened."""
        with self.bound.held():
            if self in self.bound.cells:
                self.bound.cells.remove(self)
            pid, self.pid = self.pid, 0
            if pid:
                self.maker.ask({"end": pid})
            open_ones = (*self._open, self.output, self.master)
            self._open, self.output, self.master = [], -1, -1
            while self._looks:
                self._looks.pop().close()
            for fd in open_ones:
                if fd >= 0:
                    os.close(fd)
            self.talk.close()
            self.control.close()
            if self.cgroup:
                cgroups.remove(self.cgroup)
                self.cgroup = None
            while self.groups:
                cgroups.remove(self.groups.pop())

    # --- the line to the scene ---------------------------------------------------------

    def expect(self, *events: str) -> Message:
        """Wait for one of these events and return it.

        Everything else that ends a scene raises: Fail with what the learner's code did,
        NotStarted, or RuntimeError when the scene itself is at fault.
        """
        for message in self._early:
            if message.event in events:
                self._early.remove(message)
                return message
        budget = Budget(self.proc)
        while True:
            self.bound.check()
            self.drain()
            ready, _, _ = select.select([self.talk, self.control], [], [], 0.03)
            if self.talk in ready:
                heard = self._receive()
                if heard is None:
                    raise endings.of_process(self._last_words(), self.doing)
                elif heard.event in events:
                    return heard
                else:
                    self.unexpected(heard)
            elif self.control in ready:
                raise endings.of_process(self._status(self.control.recv(100_000)), self.doing)
            else:
                budget.check(self)

    def quiet(self, seconds: float) -> list[Message]:
        """Listen for so long and return every event that came, those kept before included."""
        found, self._early = self._early, []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.talk], [], [], left)[0]:
                message = self._receive()
                if message is None:
                    break
                found.append(message)
        return found

    def answer(self, value: Any = True) -> None:
        """Answer the scene's `ask`."""
        self.talk.send(json.dumps(value).encode())

    def ask_about(self, cast: dict[str, Any]) -> dict[str, Any]:
        """Answer the scene's `ask` with the cast, and return what it has `seen` of each.

        The cell hears numbers in a random order, no name: who reads the scene's frames learns
        nothing of who is who.
        """
        order = random.sample(list(cast), len(cast))
        self.answer({str(number): cast[name] for number, name in enumerate(order)})
        seen = self.expect("results")["seen"]
        if not isinstance(seen, dict) or set(seen) != {str(n) for n in range(len(order))}:
            raise Fail("MD9008", ran=self.doing)  # no scene says that
        return {name: seen[str(number)] for number, name in enumerate(order)}

    def _receive(self) -> Message | None:
        data, ancillary, _, _ = self.talk.recvmsg(200_000, socket.CMSG_SPACE(12))
        if not data:
            return None
        # struct ucred {pid, uid, gid}: the pid is translated into our namespace by the kernel
        sender = int.from_bytes(ancillary[0][2][:4], sys.byteorder, signed=True)
        self.heard += 1
        try:
            if self.heard > line.MOST_MESSAGES:
                raise line.Noise("too many")
            return Message(*line.parse(data), sender)
        except line.Noise as problem:
            return Message("noise", {"text": str(problem)}, sender)

    def unexpected(self, message: Message) -> None:
        """Note a step, keep another process's word; raise for an event that ends the scene."""
        if message.event == "step":
            self.doing = str(message["text"])[:300]
        elif message.event in endings.ENDINGS:
            raise endings.of_message(message, self.doing, self.subject.file)
        else:
            self._early.append(message)  # two processes speak: this one was quicker

    def _last_words(self) -> int | None:
        """The line is closed: return the scene's wait status, if its process has ended too."""
        if select.select([self.control], [], [], 0.3)[0]:
            return self._status(self.control.recv(100_000))
        return None

    def _status(self, data: bytes) -> int | None:
        """Return the wait status that process 1 told."""
        told = line.ended(data).get("ended")
        return told if isinstance(told, int) else None

    # --- looking -----------------------------------------------------------------------

    def number(self, sender: int) -> int:
        """Turn a pid out here into the cell's number for the same process; Gone if it ended."""
        numbers = Proc(_host_proc()).numbers(sender)
        own = len(Proc(_host_proc()).numbers("self"))
        if len(numbers) <= own:
            raise Gone(f"process {sender} is not in the cell")
        if Proc(_host_proc()).began(sender) != self.proc.began(numbers[own]):
            raise Gone(f"process {sender} has ended, and its number is a stranger's")
        return numbers[own]

    def signal(self, sender: int, number: int) -> None:
        """Send a signal to a process of the cell, by its pid out here; Gone if it has ended.

        By a pidfd, which stays with the process that was looked at: root may signal any stranger.
        """
        try:
            process = os.pidfd_open(sender)
        except ProcessLookupError:
            raise Gone(f"process {sender} has ended") from None
        try:
            self.number(sender)
            signal.pidfd_send_signal(process, number)
        except ProcessLookupError:
            raise Gone(f"process {sender} has ended") from None
        finally:
            os.close(process)

    def files(self, pid: int) -> Files:
        """Return the files below the root of a process (the cell's number), for looking."""
        found = Files(self.proc.descriptor, pid, self.room is not None, self.bound.left)
        self._looks.append(found)
        return found

    def confine(self, sender: int) -> None:
        """Put one process of the cell into a cgroup below the cell's own, of either version."""
        self.number(sender)  # Gone, where it is no process of the cell
        path = f"{self.cgroup or self.groups[0]}/confined"
        os.mkdir(path)
        fd = os.open(f"{path}/cgroup.procs", os.O_WRONLY)
        try:
            os.write(fd, str(sender).encode())
        finally:
            os.close(fd)

    def drain(self) -> None:
        """Empty the pipe of what was printed, so that printing never waits; keep its beginning."""
        for _ in range(64):
            try:
                data = os.read(self.output, 1 << 16)
            except OSError:
                return  # nothing is there, or the cell is closed
            if not data:
                return
            self.said += data[: 4000 - len(self.said)]

    def processes(self) -> list[tuple[int, str, str, int]]:
        """Return (pid, state, name, clock ticks used) of everything in the cell but process 1."""
        return self.proc.table() if self._open else []

    def printed(self) -> str:
        """Return what the learner's code printed."""
        self.drain()
        return self.said.decode(errors="replace")

    def shell(self) -> Any:
        """Return a pexpect session on the cell's terminal."""
        return pexpect.fdpexpect.fdspawn(
            self.master, timeout=10 * bound.scale(), encoding="utf-8", codec_errors="replace"
        )


_host: list[int] = []


def _host_proc() -> int:
    if not _host:
        _host.append(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    return _host[0]
