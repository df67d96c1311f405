"""Push: an image goes to a registry byte for byte as it came, or as it was made here.

    for each blob: is it there? ─► else: may it be mounted from another repository? ─► else: upload
    then the manifest, last: whoever sees it finds all that it names
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from minidocker.errors import Blocked, Conflict, MinidockerError
from minidocker.images.arrival import AT_ONCE, Stop
from minidocker.images.registry.client import TRIES, Client
from minidocker.images.registry.transport import Unreachable, join
from minidocker.images.store import catalogue, documents, files, names
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.archive.source import Progress
    from minidocker.images.store.documents import Blob
    from minidocker.images.store.store import Store

MOST_SOURCES = 4  # repositories whose blobs may be mounted: each is a scope of the token


class Pushed(NamedTuple):
    """What a push did: the manifest's digest, and how each blob got there."""

    digest: str
    sent: int
    mounted: int
    known: int


def sources(store: Store, full: str) -> dict[str, str]:
    """Return blob → another repository of the same registry that has it, as far as we know."""
    host, path, _ = names.split(full)
    found: dict[str, str] = {}
    for name, (_, manifest) in catalogue.tags(store).items():
        its_host, its_path, _ = names.split(name)
        if manifest and its_host == host and its_path != path:
            known = files.load_json(store.path("blobs", "sha256", manifest))
            found |= dict.fromkeys(catalogue.blobs_of(known), its_path)
    kept = sorted(set(found.values()))[:MOST_SOURCES]
    return {blob: source for blob, source in found.items() if source in kept}


def push(
    store: Store, full: str, client: Client, mounts: dict[str, str],
    bar: Callable[[str], Progress | None] = lambda title: None,
) -> Pushed:  # fmt: skip
    """Push the image of this full name to its registry; `mounts` comes from `sources`."""
    store.resolve(full)
    image, hex = catalogue.tags(store)[full]
    if not hex:
        raise Conflict(f"the image {full} has no manifest", f"minidocker image rm {full}")
    with Partial(store) as work:
        with store.hold():
            data = _keep(store, work, hex, [image, *_blobs(store, hex)])
        manifest = documents.parse(data, full)
        config, layers = documents.parts_of(manifest, full)
        blobs = {blob.hex: blob for blob in (*layers, config) if not _foreign(blob)}
        sender = Sender(client, work, mounts, bar)
        done = sender.all(list(blobs.values()))
    kind = documents.media_type(manifest)
    reference = names.split(full)[2]
    answer = client.ask("PUT", f"manifests/{reference}", {"Content-Type": kind}, data)
    client.expect(answer, 201, 202).finish()
    told = answer.headers.get("Docker-Content-Digest", f"sha256:{hex}")
    if told != f"sha256:{hex}":
        raise MinidockerError(f"{client.host} says that it has kept {told[:80]!r}", "push again")
    return Pushed(f"sha256:{hex}", *(done.count(how) for how in ("sent", "mounted", "known")))


def _blobs(store: Store, hex: str) -> list[str]:
    return catalogue.blobs_of(files.load_json(store.path("blobs", "sha256", hex)))


def _keep(store: Store, work: Partial, hex: str, blobs: list[str]) -> bytes:
    """Hold on to an image's blobs, whatever others remove; return its manifest."""
    for blob in set(blobs):
        try:
            os.link(store.path("blobs", "sha256", blob), work.path(blob))
        except FileNotFoundError:
            raise Conflict(f"the blob {blob[:12]} is missing", "minidocker image check") from None
    with open(store.path("blobs", "sha256", hex), "rb") as file:
        return file.read()


def _foreign(blob: Blob) -> bool:
    """Say whether a layer is one that its maker forbids to hand on, and says where it is."""
    return bool(blob.urls)


class Sender:
    """Sends blobs of `work`, three at once; the first failure stops the others."""

    def __init__(
        self, client: Client, work: Partial, mounts: dict[str, str],
        bar: Callable[[str], Progress | None],
    ) -> None:  # fmt: skip
        self.client, self.work, self.mounts, self.bar = client, work, mounts, bar
        self.stop = Stop(client.stop)

    def all(self, blobs: list[Blob]) -> list[str]:
        """Send what the registry lacks; return "sent", "mounted" or "known" for each."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting: list[Future[str]] = []
            try:
                for blob in sorted(blobs, key=lambda blob: -blob.size):
                    waiting.append(pool.submit(self._one, blob))
                done, _ = wait(waiting, return_when=FIRST_EXCEPTION)
                return [future.result() for future in done]
            except BaseException:
                self.stop.set()
                for future in waiting:
                    future.cancel()
                raise

    def _one(self, blob: Blob) -> str:
        digest = f"sha256:{blob.hex}"
        answer = self.client.ask("HEAD", f"blobs/{digest}")
        answer.finish()
        if answer.status == 200:
            return "known"
        if answer.status == 401 or answer.status >= 500:
            self.client.expect(answer, 404)  # else: who may not look may still send
        progress = self.bar(blob.hex[:12]) or (lambda done, total: None)
        for number in range(TRIES):
            try:
                return self._upload(blob, digest, progress)
            except Unreachable:
                if number + 1 == TRIES or self.stop.is_set():
                    raise
        raise AssertionError("the last try returns or raises")

    def _upload(self, blob: Blob, digest: str, progress: Progress) -> str:
        """Begin an upload, and send all of it in one request; a new try begins again."""
        words = "blobs/uploads/"
        if source := self.mounts.get(blob.hex):
            words += f"?mount={quote(digest)}&from={quote(source)}"
        begun = self.client.ask("POST", words, {"Content-Length": "0"})
        if begun.status == 401 and source:  # no right to read there: then without it
            begun.finish()
            begun = self.client.ask("POST", "blobs/uploads/", {"Content-Length": "0"})
        self.client.expect(begun, 201, 202).finish()
        if begun.status == 201:
            return "mounted"
        place = begun.headers.get("Location", "")
        if not place:
            raise Blocked(f"{self.client.host} names no place for a blob", "try it later")
        place = join(begun.url, place)
        place += ("&" if "?" in place else "?") + "digest=" + quote(digest, safe="")
        with open(self.work.path(blob.hex), "rb", buffering=0) as file:
            body = Body(file, blob.size, progress, self.stop)
            headers = {
                "Content-Type": "application/octet-stream", "Content-Length": str(blob.size)
            }  # fmt: skip
            answer = self.client.ask("PUT", place, headers, body)
        if answer.status == 401 or answer.status >= 500:  # a token that ran out; a tired server
            raise Unreachable(f"{self.client.host} answers with {answer.status}", "try it later")
        self.client.expect(answer, 201, 204).finish()
        return "sent"


class Body:
    """A file that is sent: http.client reads it, and each piece is told."""

    def __init__(self, file: object, size: int, progress: Progress, stop: Stop) -> None:
        self._file, self._size, self._progress, self._stop = file, size, progress, stop
        self._done = 0

    def read(self, size: int) -> bytes:
        """Return the next piece."""
        if self._stop.is_set():
            raise MinidockerError("stopped, since something else failed")
        piece: bytes = self._file.read(size)  # type: ignore[attr-defined]
        self._done += len(piece)
        self._progress(self._done, self._size)
        return piece
