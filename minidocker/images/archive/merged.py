"""Read layers as the one tree that overlay shows of them, without a mount.

It has the face of `Upper`, so `Packer` writes it as an archive: each name comes from the topmost
layer that has it, and what a layer deletes or hides is not there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from errno import ELOOP, ENOENT, ENOTDIR
from itertools import takewhile

from minidocker.errors import Blocked
from minidocker.images.archive.open_directories import DIRECTORY, Chain, Parts
from minidocker.images.archive.stream import shown
from minidocker.images.archive.upper import ADDED, CHANGED, Entry
from minidocker.images.archive.whiteout import inside, is_opaque, is_whiteout


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
        yield from self._directory((), self._layers)

    def parent(self, entry: Entry) -> int:
        """Return a descriptor of the directory that the entry yielded last is in."""
        return self._open(self._from, entry.path[:-1])

    def _directory(self, path: Parts, layers: Sequence[bytes]) -> Iterator[Entry]:
        """Yield what is in a directory, which these layers have, the topmost first."""
        names = {os.fsencode(n) for layer in layers for n in os.listdir(self._open(layer, path))}
        for name in sorted(names):
            if not (found := list(self._visible(path, name, layers))):
                continue  # deleted in a layer above; or just now, by a container that runs
            self._from, info = found[0]
            entry = Entry((*path, name), ADDED, info)
            yield entry
            if stat.S_ISDIR(info.st_mode):
                both = takewhile(lambda pair: stat.S_ISDIR(pair[1].st_mode), found)
                yield from self._directory(entry.path, [layer for layer, _ in both])

    def _visible(
        self, path: Parts, name: bytes, layers: Sequence[bytes]
    ) -> Iterator[tuple[bytes, os.stat_result]]:
        """Yield what each layer has under this name, as far down as overlay would look."""
        for layer in layers:
            parent = self._open(layer, path)
            try:
                info = os.stat(name, dir_fd=parent, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if is_whiteout(info):
                return
            yield layer, info
            if not stat.S_ISDIR(info.st_mode) or is_opaque(inside(parent, name)):
                return

    def _open(self, layer: bytes, path: Parts) -> int:
        """Open a directory of a layer by descriptors alone, for the upper one may be in use.

        A container that runs may put a link in its place, and that would lead into the host.
        """
        try:
            return self._chains[layer].open(path)
        except OSError as problem:
            if problem.errno not in (ENOENT, ENOTDIR, ELOOP):
                raise
            raise Blocked(
                f"the directory {shown(b'/'.join(path))} changed while it was read",
                "once more, when nothing writes there",
            ) from None
