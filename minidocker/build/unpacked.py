"""ADD of a local tar archive: unpacked beside the store, and from there copied like a directory."""

from __future__ import annotations

import contextlib
import os

from minidocker.build.tree import Folder, Tree
from minidocker.errors import MinidockerError
from minidocker.images.archive.open_directories import Parts
from minidocker.images.archive.source import Source
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import BLOCK, Archive
from minidocker.images.archive.unpack import Unpacker
from minidocker.images.store.partial import Partial
from minidocker.images.store.store import Store

MAGIC = slice(257, 262)  # of a tar's first block; tar(5)


class Archives(contextlib.ExitStack):
    """Unpacked archives, which last as long as the `with` block."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._work: Partial | None = None
        self._count = 0

    def tree(self, tree: Tree, path: Parts) -> Folder | None:
        """Return the tree in an archive, packed or plain; None for a file that is no tar."""
        fd = tree.open(path)
        try:
            if not is_tar(fd):
                return None
            if self._work is None:
                self._work = self.enter_context(Partial(self._store))
            self._count += 1
            root = self._work.path(f"added/{self._count}")
            os.makedirs(root)
            title = os.fsdecode(b"/".join(path))
            with Source(f"/proc/self/fd/{fd}", title=title) as source:
                stream = Stream(source.read, title)
                Unpacker(root, title).unpack(Archive(stream))
                stream.drain()
            folder = Folder(root)
            self.callback(folder.close)
            return folder
        finally:
            os.close(fd)


def is_tar(fd: int) -> bool:
    """Say whether a file, unpacked where it is packed, begins as a tar archive does."""
    try:
        with Source(f"/proc/self/fd/{fd}", title="it") as source:
            block = source.read()[:BLOCK]
    except MinidockerError:
        return False  # no archive, or a damaged one: Docker copies it as it is
    return block[MAGIC] == b"ustar"
