"""Read the upper directory of an overlay: what was added, changed and deleted, over which layers.

The kernel has copied up whatever was written to, so everything in the upper directory is a change:
an addition where the layers below show nothing under that name. See `whiteout` for its marks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import takewhile

from minidocker.errors import UsageError
from minidocker.images.archive.open_directories import DIRECTORY, Chain, Parts
from minidocker.images.archive.stream import shown
from minidocker.images.archive.unpack import DEEPEST
from minidocker.images.archive.whiteout import inside, is_opaque, is_whiteout

ADDED, CHANGED, DELETED = "A", "C", "D"


class Below:
    """What lies under one directory of the upper: its counterparts in the layers, top first."""

    def __init__(self, directories: Sequence[bytes]) -> None:
        self.directories = directories

    def _visible(self, name: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        """Yield what each layer has under this name, as far down as overlay would look."""
        for directory in self.directories:
            path = directory + b"/" + name
            try:
                info = os.lstat(path)
            except FileNotFoundError:
                continue
            if is_whiteout(info):
                return
            yield path, info
            if not stat.S_ISDIR(info.st_mode) or is_opaque(path):
                return

    def shows(self, name: bytes) -> bool:
        """Say whether the layers show anything under this name."""
        return next(self._visible(name), None) is not None

    def topmost(self, name: bytes) -> tuple[bytes, os.stat_result]:
        """Return where the layers' name comes from, and what it is; it is one of `names`."""
        return next(self._visible(name))

    def enter(self, name: bytes) -> Below:
        """Return what lies under the directory of this name."""
        both = takewhile(lambda pair: stat.S_ISDIR(pair[1].st_mode), self._visible(name))
        return Below([path for path, _ in both])

    def names(self) -> list[bytes]:
        """Return all names that the layers show here, sorted."""
        found = {name for directory in self.directories for name in os.listdir(directory)}
        return sorted(name for name in found if self.shows(name))


class Entry:
    """One name in the upper directory: `kind` is ADDED, CHANGED or DELETED.

    `path` is () for the root; `hidden` are names that an opaque directory keeps from showing.
    """

    __slots__ = ("hidden", "info", "kind", "opaque", "path")

    def __init__(self, path: Parts, kind: str, info: os.stat_result) -> None:
        self.path = path
        self.kind = kind
        self.info = info
        self.opaque = False
        self.hidden: list[bytes] = []


class Upper:
    """An upper directory over layers (bottom first): iterate for its entries.

    A directory comes before what is in it, deletions come before the other names, and names are
    sorted. OSError as usual; UsageError for a tree that is too deep. A context manager.
    """

    def __init__(self, directory: str, layers: Sequence[str]) -> None:
        self._below = Below([os.fsencode(layer) for layer in reversed(layers)])
        self._fd = os.open(directory, DIRECTORY)
        self._chain = Chain(self._fd)

    def __enter__(self) -> Upper:
        return self

    def __exit__(self, *_: object) -> None:
        self._chain.leave(0)
        os.close(self._fd)

    def __iter__(self) -> Iterator[Entry]:
        yield Entry((), CHANGED, os.fstat(self._fd))
        yield from self._directory((), self._below)

    def parent(self, entry: Entry) -> int:
        """Return a descriptor of the directory that an entry is in, valid until the next call."""
        return self._chain.open(entry.path[:-1])

    def _directory(self, path: Parts, below: Below) -> Iterator[Entry]:
        if len(path) > DEEPEST:
            deep = shown(b"/".join(path[:8]))
            raise UsageError(
                f"the directory {deep}… holds more than {DEEPEST} directories in one another",
                "remove it in the container, and leave the container again",
            )
        fd = self._chain.open(path)
        found = {}
        for name in map(os.fsencode, os.listdir(fd)):
            with suppress(FileNotFoundError):  # a container that runs has just removed it
                found[name] = os.lstat(name, dir_fd=fd)
        order = sorted(found, key=lambda name: (not is_whiteout(found[name]), name))
        for name in order:
            known = below.shows(name)
            if is_whiteout(found[name]):
                if known:  # else it hides only what the init layer had
                    yield Entry((*path, name), DELETED, found[name])
                continue
            entry = Entry((*path, name), CHANGED if known else ADDED, found[name])
            if not stat.S_ISDIR(found[name].st_mode):
                yield entry
                continue
            entry.opaque = is_opaque(inside(self._chain.open(path), name))
            under = below.enter(name)
            if entry.opaque:
                mine = set(map(os.fsencode, os.listdir(self._chain.open(entry.path))))
                entry.hidden = [gone for gone in under.names() if gone not in mine]
            yield entry
            yield from self._directory(entry.path, Below([]) if entry.opaque else under)


def changes(upper: Upper) -> list[tuple[str, bytes]]:
    """Return (kind, path) for each change, sorted by path: what `minidocker diff` prints."""
    found = []
    for entry in upper:
        if entry.path:
            found.append((entry.kind, b"/" + b"/".join(entry.path)))
        found += [(DELETED, b"/" + b"/".join([*entry.path, name])) for name in entry.hidden]
    return sorted(found, key=lambda change: change[1].split(b"/"))
