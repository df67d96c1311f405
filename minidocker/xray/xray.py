"""xray: one process of this machine, seen through: its walls, and the holes in them."""

from __future__ import annotations

import os
from typing import Any

from minidocker.errors import MinidockerError, NotFound
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas
from minidocker.proc import processes
from minidocker.proc.machine import Host
from minidocker.xray import report
from minidocker.xray.as_json import as_dict
from minidocker.xray.drawing import draw
from minidocker.xray.facts import Facts, look
from minidocker.xray.holes import Hole, holes
from minidocker.xray.line import UNKNOWN

COLUMNS = ("part", "what", "whose", "seen")


class XRay(Picture):
    """An x-ray: a picture like the others; `facts`, `holes` and `as_dict()` are its data."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.holes: list[Hole] = holes(facts)
        self.lines = report.lines(facts)
        rows = [(line.section, line.what, line.state, line.seen) for line in self.lines]
        rows += [("hole", hole.title, f"lesson {hole.lesson}", hole.why) for hole in self.holes]
        title = f"X-ray of process {facts.process.pid}: {facts.process.label}"
        canvas = Canvas()
        size = draw(canvas, facts, self.lines, self.holes)
        super().__init__(title, report.headline(facts), COLUMNS, rows, canvas, size)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data: what `minidocker xray --json` prints."""
        return as_dict(self.facts, self.holes)

    def text(self) -> str:
        """Return the x-ray as plain text, section by section."""
        return "\n".join(self._text())

    def _text(self) -> list[str]:
        told = [self.title, self.desc, f"numbers: {report.pids(self.facts)}"]
        section = ""
        width = max(len(line.what) for line in self.lines)
        width = min(width, 24)
        for line in self.lines:
            if line.section != section:
                section = line.section
                told.append(f"{section}:")
            mark = "?" if line.state == UNKNOWN else line.state
            told.append(f"  {mark:7} {line.what:{width}}  {line.seen}".rstrip())
        told.append(f"holes: {len(self.holes)} that it still shares with you")
        for hole in self.holes:
            told += [f"  - {hole.title}   (lesson {hole.lesson})", f"      {hole.why}"]
        return [_printable(line) for line in told]


def xray(pid: processes.Pid, root: processes.Root = "/proc", host: Host | None = None) -> XRay:
    """Look through a process: whose its namespaces, root, limits and rights are, and the holes.

    `pid` is any process of the machine, as `root` numbers them, or the name or id of a minidocker
    container that runs. LookupError: there is no such process.
    """
    if isinstance(pid, str) and pid != "self" and not pid.isdigit():
        pid = pid_of(pid)
    return XRay(look(pid, root, host))


def pid_of(word: str) -> int:
    """Return the pid that a word on the command line means: a number, or a container of ours.

    NotFound: no such container, or it does not run.
    """
    if word == "self":
        return os.getpid()
    if word.isdigit() and os.path.exists(f"/proc/{word}"):
        return int(word)
    from minidocker.images.store.store import Store
    from minidocker.runtime import reading

    try:
        record = reading.find(Store().root, word)
    except NotFound:
        if word.isdigit():
            raise processes.NoProcess(word) from None
        raise NotFound(
            f"{word} is neither a process number nor a container", "minidocker ps", 1
        ) from None
    except PermissionError as problem:
        raise MinidockerError(
            f"{problem.filename} is not yours to read", f"sudo minidocker xray {word}", 1
        ) from None
    if not record["alive"] or not record.get("pid"):
        raise NotFound(f"container {word} does not run", "minidocker ps -a", 1)
    return int(record["pid"])


def _printable(line: str) -> str:
    line = line.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else "?" for letter in line)
