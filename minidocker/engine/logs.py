"""Read a container's log: over its older files, and on while it is written."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from errno import ELOOP
from typing import Any, BinaryIO

from minidocker.runtime import state

PAUSE = 0.05  # seconds between two looks at a log that grows
MOST = 100  # older files that are looked for
FIRST = 1 << 16  # bytes that are looked at for the last lines; then eight times as many


class Entry:
    """One entry; `text` is bytes as the container wrote them: a line, or a part of one."""

    __slots__ = ("dropped", "stream", "text", "when")

    def __init__(self, text: bytes, stream: str, when: str, dropped: int) -> None:
        self.text, self.stream, self.when, self.dropped = text, stream, when, dropped


def parse(line: bytes) -> Entry | None:
    """Read one line; None for one that no writer of ours has finished."""
    try:
        found: Any = json.loads(line)
        text = found["log"].encode("utf-8", "surrogateescape")
        stream, when = found["stream"], found["time"]
        if not (isinstance(stream, str) and isinstance(when, str)):
            return None
        return Entry(text, stream, when, int(found.get("dropped", 0)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def files(path: str) -> list[str]:
    """Return the log's files that there are, the oldest first."""
    older = [f"{path}.{number}" for number in range(MOST, 0, -1)]
    return [file for file in (*older, path) if is_file(file)]


def is_file(path: str) -> bool:
    """Say whether there is a file of ours: a link, or a pipe, is none."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def opened(path: str) -> BinaryIO:
    """Open a file of the log, and wait for nobody; FileNotFoundError where it is none of ours."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno == ELOOP:
            raise FileNotFoundError(path) from None
        raise
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    raise FileNotFoundError(path)


class Reader:
    """The whole lines of a log, in their order; `unreadable` counts what is none of ours."""

    def __init__(self, directory: str, path: str) -> None:
        self.directory = directory
        self.path = path
        self.unreadable = 0
        self.stream: BinaryIO | None = None

    def sizes(self) -> dict[int, int]:
        """Return how much there is now: inode number → bytes. Some containers never pause."""
        found = {}
        for file in files(self.path):
            try:
                status = os.stat(file)
            except FileNotFoundError:
                continue
            found[status.st_ino] = status.st_size
        return found

    def back(self, size: int) -> bool:
        """Begin about so many bytes before the end, with a whole line; False: at the beginning."""
        for file in reversed(files(self.path)):
            try:
                stream = opened(file)
            except FileNotFoundError:
                continue
            length = os.fstat(stream.fileno()).st_size
            if size < length:
                stream.seek(length - size)
                stream.readline()
                self.stream = stream
                return True
            stream.close()
            size -= length
        return False

    def drain(self, until: dict[int, int] | None = None) -> Iterator[Entry]:
        """Yield from where we are to the end of the newest file; or of what `sizes` has said."""
        while self.stream or self.advance():
            assert self.stream
            number = os.fstat(self.stream.fileno()).st_ino
            if until is not None and number not in until:
                return
            yield from self.lines(None if until is None else until[number])
            if not self.advance():
                return

    def lines(self, end: int | None) -> Iterator[Entry]:
        """Yield the whole lines from here to the end of the open file, or to the byte `end`."""
        assert self.stream
        left = sys.maxsize if end is None else end - self.stream.tell()
        while left > 0 and (line := self.stream.readline()):
            left -= len(line)
            if not line.endswith(b"\n"):  # half-written: it is read again
                self.stream.seek(-len(line), os.SEEK_CUR)
                return
            entry = parse(line)
            if entry:
                yield entry
            elif line.strip():
                self.unreadable += 1

    def advance(self) -> bool:
        """Open the file that follows ours; False when ours is the newest, or there is none.

        By inode numbers: a rotation has renamed the file that we have open.
        """
        there = {}
        for file in files(self.path):
            try:
                stream = opened(file)
            except FileNotFoundError:
                continue
            there[os.fstat(stream.fileno()).st_ino] = stream
        numbers = list(there)
        ours = os.fstat(self.stream.fileno()).st_ino if self.stream else 0
        place = numbers.index(ours) + 1 if ours in there else 0
        chosen = there[numbers[place]] if place < len(numbers) else None
        for stream in there.values():
            if stream is not chosen:
                stream.close()
        if chosen:
            if self.stream:
                self.stream.close()
            self.stream = chosen
        return bool(chosen)

    def follow(self) -> Iterator[Entry | None]:
        """Yield what comes, until the container has ended and all is read; None is a pause."""
        while True:
            alive = state.is_alive(self.directory)  # before the look: what it wrote last is seen
            yield from self.drain()
            if not alive:
                return
            yield None
            time.sleep(PAUSE)


def whole_lines(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Join entries into lines of the container's; a line without an end may be the last one."""
    begun: dict[str, list[Entry]] = {}
    for entry in entries:
        parts = begun.setdefault(entry.stream, [])
        parts.append(entry)
        if entry.text.endswith(b"\n") or entry.dropped:
            yield begun.pop(entry.stream)
    yield from begun.values()


def tail(directory: str, path: str, number: int) -> tuple[Reader, list[Entry]]:
    """Return the entries of the last lines, and who reads on after them.

    Only as much is read as that takes. The first line found may lack its beginning, in each stream.
    """
    size = FIRST
    while True:
        reader = Reader(directory, path)
        until = reader.sizes()
        cut = number >= 0 and reader.back(size)
        found = list(reader.drain(until))
        if not cut or sum(1 for _ in whole_lines(found)) >= number + 2:
            return reader, last(found, number)
        size *= 8


def last(entries: Iterable[Entry], number: int) -> list[Entry]:
    """Return the entries of the last lines; a negative number means all."""
    if number < 0:
        return list(entries)
    return [entry for line in deque(whole_lines(entries), number) for entry in line]

