"""An image comes into the store by its documents: from a registry, or from a saved archive.

    manifest, configuration ─► looked at ─► for each layer, three at once:
        its blob is brought, and its digest checked ─► unpacked ─► its plain digest compared
    ─► all of it renamed into the store, under one lock; or nothing

Nothing in a layer is unpacked before the whole blob's digest was right. What one stranger's image
may cost is bounded: layers, members, sizes of documents, and how much one layer may unpack to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import Blocked, MinidockerError
from minidocker.images.again import Unpack, unpack_again
from minidocker.images.archive.apply import Lower
from minidocker.images.archive.source import Progress, Source
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.unpack import KEEP_FREE
from minidocker.images.store import additions, catalogue, documents, files
from minidocker.images.store.hold import Hold
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.store.documents import Blob
    from minidocker.images.store.image import Image
    from minidocker.images.store.store import Store

AT_ONCE = 3
GRACE = 1 << 30  # bytes that any layer may unpack to,
MOST_TIMES = 100  # and how many times its packed size beyond that; gzip can do 1032
TRIES = 3  # somebody may remove a layer that we counted on


class Stop(threading.Event):
    """Set when one part of the work has failed; `then` wakes those who wait for a server."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._then = then

    def set(self) -> None:
        """Let everybody stop."""
        super().set()
        self._then()


class Arrived(NamedTuple):
    """What came: `fresh` counts layers that were not here, `bytes` what they unpack to."""

    image: Image
    fresh: int
    bytes: int
    lost: dict[str, int]


class Arrival:
    """An image whose two documents are here; `bring(work, blob, progress)` gets a blob, checked.

    Refuses, as UsageError, documents that do not fit together. `stop` ends what runs beside.
    """

    def __init__(
        self, store: Store, title: str, manifest: bytes, config: bytes,
        bring: Callable[[Partial, Blob, Progress | None], None], stop: Stop,
        bar: Callable[[str], Progress | None] = lambda title: None, unpack: Unpack | None = None,
    ) -> None:  # fmt: skip
        self.store, self.title, self.stop = store, title, stop
        self.manifest, self.config = manifest, config
        self._bring, self._bar, self._theirs = bring, bar, unpack
        own, self.layers = documents.parts_of(documents.parse(manifest, title), title)
        self.diff_ids = documents.diff_ids_of(documents.parse(config, title), title)
        if len(self.diff_ids) != len(self.layers):
            count = f"{len(self.diff_ids)} diff ids for {len(self.layers)} layers"
            raise documents.bad(title, f"its configuration has {count}")
        if own.size != len(config):
            raise documents.bad(title, "its configuration has another size than its manifest says")

    def into(self, full_names: list[str], whole: Callable[[], None] | None = None) -> Arrived:
        """Bring and unpack what is missing, and store the image under these names.

        `whole` is called when only the names are missing; what it raises ends the arrival.
        """
        self._look_at_room()
        with Partial(self.store) as work:
            fresh: dict[str, Lower] = {}
            for _ in range(TRIES):
                came = self._all(work)
                self._again(work, came)
                fresh |= came
                if whole:
                    whole()
                    whole = None  # once, however often layers are removed meanwhile
                with Hold(self.store.root, exclusive=True):
                    for diff_id in fresh:
                        if os.path.exists(work.path(diff_id)):
                            additions.add_layer(self.store, work, diff_id, diff_id)
                    if any(self._missing(diff_id) for diff_id in self.diff_ids):
                        continue
                    id = additions.put_image(
                        self.store, work, full_names, self.manifest, self.config
                    )
                    image = self.store.resolve(full_names[0] if full_names else id)
                    return self._told(image, fresh)
        raise Blocked("somebody removes layers while they are needed", "try it again")

    def _again(self, work: Partial, came: dict[str, Lower]) -> None:
        """Let a learner's apply_layer unpack what came, where it was asked for.

        Not a layer that deletes, which has more than a tree: the marks that overlay obeys. Nor one
        that Python's tarfile cannot read.
        """
        for blob, diff_id in zip(self.layers, self.diff_ids, strict=True):
            if not self._theirs or diff_id not in came or came[diff_id].deletes:
                continue
            with self._source(work, blob) as source:
                readable = source.packing in ("", "gzip")
            if readable and os.path.exists(packed := work.path(f"blobs/{blob.hex}")):
                unpack_again(self._theirs, packed, work.path(f"{diff_id}/fs"), source.title)

    def _told(self, image: Image, fresh: dict[str, Lower]) -> Arrived:
        lost: dict[str, int] = {}
        for unpacker in fresh.values():
            for what, count in unpacker.lost.items():
                lost[what] = lost.get(what, 0) + count
        return Arrived(image, len(fresh), sum(one.bytes for one in fresh.values()), lost)

    def _missing(self, diff_id: str) -> bool:
        return not os.path.isdir(self.store.path("layers", "sha256", diff_id, "fs"))

    def _look_at_room(self) -> None:
        """Refuse before the first byte what the disk cannot hold: packed, and unpacked."""
        new = [
            blob.size * (1 + self._missing(diff_id))
            for blob, diff_id in zip(self.layers, self.diff_ids, strict=True)
            if not os.path.exists(self.store.path("blobs", "sha256", blob.hex))
        ]
        disk = os.statvfs(self.store.root)
        free = disk.f_bavail * disk.f_frsize
        if new and disk.f_blocks and sum(new) + KEEP_FREE > free:
            raise files.no_room(self.title, self.store.root, free, sum(new), KEEP_FREE)

    def _all(self, work: Partial) -> dict[str, Lower]:
        """Bring every blob and unpack what is missing; the first failure stops the others."""
        known = set(catalogue.pairs(self.store))
        blobs = {blob.hex: blob for blob in self.layers}
        pairs = {(blob.hex, d) for blob, d in zip(self.layers, self.diff_ids, strict=True)}
        if len(pairs) > len(blobs):  # and no blob is brought by two threads
            why = "a layer stands in it twice, and once it is not the layer that it is named as"
            raise documents.bad(self.title, why)
        first = {diff_id: hex for hex, diff_id in sorted(pairs)}  # of two packings, one is unpacked
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting: dict[tuple[str, str], Future[Lower | None]] = {}
            try:
                for hex, diff_id in self._order(pairs):
                    how = self._layer if first[diff_id] == hex else self._look
                    sure = (hex, diff_id) in known
                    waiting[hex, diff_id] = pool.submit(how, work, blobs[hex], diff_id, sure)
                done, _ = wait(waiting.values(), return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self.stop.set()
                for future in waiting.values():
                    future.cancel()
                raise
        found = {diff_id: future.result() for (_, diff_id), future in waiting.items()}
        return {diff_id: unpacker for diff_id, unpacker in found.items() if unpacker}

    def _order(self, pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Put the largest first: it takes longest, and the others come beside it."""
        sizes = {blob.hex: blob.size for blob in self.layers}
        return sorted(pairs, key=lambda pair: (-sizes[pair[0]], pair))

    def _layer(self, work: Partial, blob: Blob, diff_id: str, sure: bool) -> Lower | None:
        """Bring one blob and unpack it as work.path(diff_id), unless the store has that layer."""
        if not self._missing(diff_id) or os.path.exists(work.path(diff_id)):
            self._look(work, blob, diff_id, sure)
            return None
        self._bring(work, blob, self._bar(blob.hex[:12]))
        return self._unpack(work, blob, diff_id)

    def _look(self, work: Partial, blob: Blob, diff_id: str, sure: bool) -> None:
        """Bring one blob whose layer is here; it must be that layer, or a later push would lie."""
        self._bring(work, blob, self._bar(blob.hex[:12]))
        if sure:
            return
        with self._source(work, blob) as source:
            stream = self._bounded(source, blob)
            stream.drain()
            self._compare(source, diff_id)

    def _source(self, work: Partial, blob: Blob) -> Source:
        title = f"the layer {blob.hex[:12]} of {self.title}"
        return Source(work.path(f"blobs/{blob.hex}"), title=title)

    def _bounded(self, source: Source, blob: Blob) -> Stream:
        """Return the plain bytes of a layer, up to what a layer of its size may unpack to."""
        if source.packing is None:
            raise documents.bad(source.title, "it is packed in a way that no registry knows")
        most = GRACE + MOST_TIMES * blob.size

        def read() -> bytes:
            if self.stop.is_set():
                raise MinidockerError("stopped, since something else failed")
            if stream.position > most:
                why = f"it unpacks to more than {MOST_TIMES} times its size: a bomb"
                raise documents.bad(source.title, why)
            return source.read()

        stream = Stream(read, source.title)
        return stream

    @staticmethod
    def _compare(source: Source, diff_id: str) -> None:
        if source.digest() != diff_id:
            why = "it is not the layer that its configuration names"
            raise documents.bad(source.title, why)

    def _unpack(self, work: Partial, blob: Blob, diff_id: str) -> Lower:
        """Unpack a blob that was checked; what comes out must have the digest `diff_id`."""
        root = work.path(diff_id + "/fs")
        os.makedirs(root)
        with self._source(work, blob) as source:
            stream = self._bounded(source, blob)
            unpacker = Lower(root, source.title)
            unpacker.unpack(Archive(stream))
            stream.drain()
            self._compare(source, diff_id)
        facts = {
            "size": stream.position, "bytes": unpacker.bytes, "entries": unpacker.entries,
            "lost": unpacker.lost,
        }  # fmt: skip
        files.write(work.path(f"{diff_id}/layer.json"), files.as_json(facts))
        return unpacker


def is_here(store: Store, name: str, manifest_hex: str) -> bool:
    """Say whether a name stands for this manifest already."""
    return catalogue.tags(store).get(name, ("", ""))[1] == manifest_hex
