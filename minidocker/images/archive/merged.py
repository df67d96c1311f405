"""Read layers as the one tree that overlay shows of them, without a mount.

It has the face of `Upper`, so `Packer` writes it as an archive: each name comes from the topmost
layer that has it, and what a layer deletes or hides is not there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from minidocker.images.archive.open_directories import DIRECTORY, Chain, Parts
from minidocker.images.archive.upper import ADDED, CHANGED, Below, Entry


class Merged:
    """The tree of these layers (bottom first): iterate for its entries, a directory's own first.

    Names are sorted. OSError as usual. A context manager.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        self._layers = [os.fsencode(layer) for layer in reversed(layers)]
        self._fds = {layer: os.open(layer, DIRECTORY) for layer in self._layers}
        self._chains = {layer: Chain(fd) for layer, fd in self._fds.items()}
        self._from = self._layers[0]

    def __enter__(self) -> Merged:
        return self

    def __exit__(self, *_: object) -> None:
        for chain in self._chains.values():
            chain.leave(0)
        for fd in self._fds.values():
            os.close(fd)

    def __iter__(self) -> Iterator[Entry]:
        self._from = self._layers[0]
        yield Entry((), CHANGED, os.fstat(self._fds[self._layers[0]]))
        yield from self._directory((), Below(self._layers))

    def parent(self, entry: Entry) -> int:
        """Return a descriptor of the directory that the entry yielded last is in."""
        return self._chains[self._from].open(entry.path[:-1])

    def _directory(self, path: Parts, below: Below) -> Iterator[Entry]:
        for name in below.names():
            found, info = below.topmost(name)
            self._from = next(layer for layer in self._layers if found.startswith(layer + b"/"))
            entry = Entry((*path, name), ADDED, info)
            yield entry
            if stat.S_ISDIR(info.st_mode):
                yield from self._directory(entry.path, below.enter(name))
