"""One layer made here: the bytes of its tar are hashed, kept, and unpacked, all in one pass.

    tar, piece by piece ─┬─ sha256 = the layer's name
                         ├─ kept as it is ─► work/packed, a blob
                         └─ unpacked, in overlay's form ─► work/layer/fs
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from minidocker.images.archive.apply import Lower
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.store import files

if TYPE_CHECKING:
    from minidocker.images.store.partial import Partial


class Made(NamedTuple):
    """A layer in work.path("layer"), its blob in work.path("packed"): `size` bytes, plain."""

    hex: str
    size: int
    unpacker: Lower


def make(work: Partial, piece: Callable[[], bytes], title: str, trusted: bool) -> Made:
    """Make a layer of the pieces of a tar, b"" at its end; `trusted`: with any device node."""
    root = work.path("layer/fs")
    os.makedirs(root)
    digest = hashlib.sha256()
    with open(work.path("packed"), "wb") as keep:

        def read() -> bytes:
            data = piece()
            digest.update(data)
            keep.write(data)
            return data

        stream = Stream(read, title)
        unpacker = Lower(root, title, trusted)
        unpacker.unpack(Archive(stream))
        stream.drain()
    facts = {
        "size": stream.position, "bytes": unpacker.bytes, "entries": unpacker.entries,
        "lost": unpacker.lost,
    }  # fmt: skip
    files.write(work.path("layer/layer.json"), files.as_json(facts))
    return Made(digest.hexdigest(), stream.position, unpacker)
