"""Blobs on their way in: kept while they come, so that a cut, a kill or Ctrl-C costs little.

    ROOT/incoming/HEX      what has come of a blob so far; who writes it holds its lock (flock(2))

A blob is used when all of it is here and its digest is right, and not before. Two commands that
want one blob write it once: the second waits for the first, and takes what that has brought.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from minidocker.errors import Blocked, MinidockerError
from minidocker.images.registry.client import TRIES, Client, wrong_digest
from minidocker.images.registry.transport import Answer, Unreachable

if TYPE_CHECKING:
    from minidocker.images.archive.source import Progress
    from minidocker.images.arrival import Stop
    from minidocker.images.store.documents import Blob
    from minidocker.images.store.partial import Partial
    from minidocker.images.store.store import Store

MOST_RESUMES = 100
WORTH = 1 << 16  # bytes: a try that brought so many was not in vain


class Stopped(MinidockerError):
    """Another part of the work has failed, and this one is given up."""


class Downloads:
    """Brings blobs from a registry into a `Partial`; `stop` ends all of them soon."""

    def __init__(self, store: Store, client: Client, stop: Stop) -> None:
        self.store, self.client, self.stop = store, client, stop
        self._begun: set[str] = set()
        self._partial: dict[str, bool] = {}  # whether the last answer may have been no whole one

    def bring(self, work: Partial, blob: Blob, progress: Progress | None) -> None:
        """Put a blob where blobs wait for their place, checked. Blocked for a wrong one."""
        os.makedirs(work.path("blobs"), exist_ok=True)
        target = work.path(f"blobs/{blob.hex}")
        while not self._from_store(blob.hex, target):
            with self._locked(blob.hex) as file:
                if file is None or self._is_of_others(file, blob):
                    continue  # somebody has brought it meanwhile
                self._fill(file, blob, progress or (lambda done, total: None))
                with contextlib.suppress(FileExistsError, FileNotFoundError):
                    os.link(self._path(blob.hex), target)
        if os.stat(target).st_size != blob.size:
            raise wrong_digest(f"{self.client.host}/{self.client.path}", "sha256:" + blob.hex)

    def forget(self) -> None:
        """Remove what has come in, now that the store has it, or does not want it."""
        for hex in self._begun:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(hex))

    def _path(self, hex: str) -> str:
        return self.store.path("incoming", hex)

    def _from_store(self, hex: str, target: str) -> bool:
        """Take a blob that the store or this work has already: one more name, no copy."""
        if os.path.exists(target):
            return True
        try:
            os.link(self.store.path("blobs", "sha256", hex), target)
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def _locked(self, hex: str) -> Iterator[BinaryIO | None]:
        """Open what has come so far, and hold it; None where it went into the store meanwhile."""
        os.makedirs(self.store.path("incoming"), 0o700, exist_ok=True)
        self._begun.add(hex)
        fd = os.open(self._path(hex), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "r+b", buffering=0) as file:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._look_at_stop()
                    time.sleep(0.05)
            yield file if self._is_there(fd, hex) else None

    def _is_there(self, fd: int, hex: str) -> bool:
        """Say whether the name still stands for this file: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self._path(hex)))
        except FileNotFoundError:
            return False

    def _is_of_others(self, file: BinaryIO, blob: Blob) -> bool:
        """Say whether others have this file as a blob, and it is not what we want.

        It may be in the store already: then nothing may be written to it, whatever a manifest says
        of its size. The name is taken away, for a fresh file.
        """
        if os.fstat(file.fileno()).st_nlink == 1:
            return False
        if os.fstat(file.fileno()).st_size == blob.size:
            digest, _ = self._state(file, blob)
            if digest.hexdigest() == blob.hex:
                return False
        os.unlink(self._path(blob.hex))
        return True

    def _look_at_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("stopped, since something else failed")

    def _fill(self, file: BinaryIO, blob: Blob, progress: Progress) -> None:
        """Get what is missing, again and again while that brings something."""
        resumed = self._state(file, blob)
        begun_with = resumed[1]
        failures = 0
        for _ in range(MOST_RESUMES):
            before = resumed[1]
            try:
                resumed = self._more(file, blob, resumed, progress)
            except Unreachable as problem:
                resumed = self._state(file, blob)
                failures = 0 if resumed[1] >= before + WORTH else failures + 1
                if failures >= TRIES:
                    raise problem
                self._look_at_stop()
                continue
            if resumed[1] == blob.size and resumed[0].hexdigest() == blob.hex:
                return
            if before < resumed[1] < blob.size and self._partial.pop(blob.hex, False):
                continue
            file.truncate(0)
            if not begun_with:
                self._drop(file, blob)
            begun_with = 0  # what an earlier command left was bad, perhaps: once more, from nothing
            resumed = self._state(file, blob)
        raise Blocked(f"{self.client.host} ends each connection early", "try it later")

    def _drop(self, file: BinaryIO, blob: Blob) -> None:
        os.unlink(self._path(blob.hex))
        raise wrong_digest(f"{self.client.host}/{self.client.path}", "sha256:" + blob.hex)

    def _state(self, file: BinaryIO, blob: Blob) -> tuple[hashlib._Hash, int]:
        """Return (sum, bytes) of what is here; more than there should be is thrown away."""
        digest, size = hashlib.sha256(), 0
        if os.fstat(file.fileno()).st_size > blob.size:
            file.truncate(0)
        file.seek(0)
        while piece := file.read(1 << 20):
            digest.update(piece)
            size += len(piece)
        return digest, size

    def _more(
        self, file: BinaryIO, blob: Blob, state: tuple[hashlib._Hash, int], progress: Progress
    ) -> tuple[hashlib._Hash, int]:
        """Ask for the rest, and write it: never more than the blob has."""
        digest, size = state
        if size == blob.size:
            return state
        answer = self._ask(blob, size)
        if answer.status == 200 and size:
            file.truncate(0)  # it sends the whole again
            digest, size = hashlib.sha256(), 0
        file.seek(size)
        for piece in answer.pieces():
            self._look_at_stop()
            size += len(piece)
            if size > blob.size:
                answer.close()
                return digest, size
            digest.update(piece)
            _write(file, piece)
            progress(size, blob.size)
        # A server may send a part of what was asked for: RFC 9110, 15.3.7
        self._partial[blob.hex] = answer.status == 206 or answer.is_open_ended()
        return digest, size

    def _ask(self, blob: Blob, offset: int) -> Answer:
        answer = self.client.blob(blob.hex, offset)
        if answer.status == 206:
            if answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
                return answer
            answer.close()
            return self.client.expect(self.client.blob(blob.hex, 0), 200)
        if answer.status == 416:
            answer.close()
            return self.client.expect(self.client.blob(blob.hex, 0), 200)
        if answer.status == 404 and blob.urls:
            answer.finish()
            return self._elsewhere(blob)
        return self.client.expect(answer, 200)

    def _elsewhere(self, blob: Blob) -> Answer:
        """Ask for a foreign layer where its manifest says: over https, and without a secret."""
        for url in blob.urls:
            if url.startswith("https://"):
                return self.client.expect(self.client.transport.send("GET", url, {}), 200)
        return self.client.expect(self.client.blob(blob.hex, 0), 200)


def _write(file: BinaryIO, piece: bytes) -> None:
    done = file.write(piece)
    while done < len(piece):
        done += file.write(piece[done:])
