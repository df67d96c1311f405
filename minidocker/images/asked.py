"""A pull in which a learner's functions are asked: each answer is checked before it counts.

    choose(index, platform)                               must name an entry of the index
    headers_for(url, registry, realm, token, password)    may give a secret to nobody else than we
    trusted(name, manifest, payload, signature, key)      may believe nothing that we do not
    verify(stream, descriptor, directory)                 must leave the blob itself, and all of it
    apply_layer(tar, directory)                           must make the tree that we make: `again`
    PULL_ORDER                                            says before each step which one comes next

They come as callables, by their names; where one is missing, ours serves. They are called in the
main thread only, since each call forks: so blobs come one after the other (`bring`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

from minidocker.errors import MinidockerError
from minidocker.images import signed
from minidocker.images.registry.transport import origin
from minidocker.images.store import documents, oci
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from minidocker.images.registry.client import Client
    from minidocker.images.store.documents import Blob
    from minidocker.images.store.store import Store

    Own = Mapping[str, Callable[..., Any]]

PIECE = 1 << 18


def wrong(name: str, what: str) -> MinidockerError:
    """Return the error for an answer that we do not use."""
    return MinidockerError(f"your {name} {what}", f"minidocker grade {name}")


STEPS = ("manifest", "layers", "check", "unpack", "name")
TOO_EARLY = {
    "manifest": "nobody may ask twice what the tag stands for",
    "layers": "nobody knows yet which ones",
    "check": "there is nothing yet to compare",
    "unpack": "nobody has compared the layers with their digests",
    "name": "the image is not whole yet, and who breaks off now leaves half of it under its name",
}


class Order:
    """A learner's PULL_ORDER, followed step by step; where there is none, ours."""

    def __init__(self, own: Own) -> None:
        self.left = list(STEPS)
        if (theirs := own.get("PULL_ORDER")) is not None:
            steps = theirs.value()  # type: ignore[attr-defined]  # an Own: see runtime/apart.py
            if not isinstance(steps, list) or sorted(map(str, steps)) != sorted(STEPS):
                raise wrong("PULL_ORDER", f"is not the five steps, each once: {steps!r:.100}")
            self.left = steps

    def come(self, step: str) -> None:
        """Go on to a step; an error where theirs would do another one now."""
        if (now := self.left.pop(0)) != step:
            raise wrong("PULL_ORDER", f'comes to "{now}" before "{step}": {TOO_EARLY[now]}')


def choose(own: Own, index: oci.Json, wanted: oci.Json, title: str) -> Blob:
    """Let the learner choose an entry of an index; it is one of those that there are."""
    ours = documents.choose(index, wanted, title)  # the index itself is looked at, too
    if "choose" not in own:
        return ours
    entry = own["choose"](index, wanted)
    if entry not in index["manifests"]:
        raise wrong("choose", "answers with what is no entry of the index")
    return documents.blob(entry, title)


class Stream:
    """What has come of a blob, to be read once more; opened by whoever reads first."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Any = None

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, `size` at most, and PIECE: as a connection does."""
        if self._file is None:
            self._file = open(self._path, "rb")
        data: bytes = self._file.read(PIECE if size is None or size < 0 else min(size, PIECE))
        return data


def bring(
    own: Own, store: Store, client: Client, blobs: Sequence[Blob], order: Order
) -> None:
    """Bring what the store lacks, one blob after the other, to where downloads wait: ROOT/incoming.

    With a learner's `verify` what came is theirs to accept, and then ours to look at again.
    """
    with Partial(store) as work:
        order.come("layers")
        came: dict[str, Blob] = {}
        for blob in blobs:
            places = (store.path("blobs", "sha256", blob.hex), store.path("incoming", blob.hex))
            if blob.hex in came or any(map(os.path.exists, places)):
                continue  # ours serves what is here, or half here
            _receive(client, blob, work.path(f"came-{blob.hex}"))
            came[blob.hex] = blob
        order.come("check")
        for hex, blob in came.items():
            path = work.path(f"came-{hex}")
            accepted = _verified(own, blob, path, work) if "verify" in own else path
            os.makedirs(store.path("incoming"), 0o700, exist_ok=True)
            try:
                os.link(accepted, store.path("incoming", hex))
            except FileExistsError:
                pass  # somebody else brings it, too
            os.unlink(accepted)


def _receive(client: Client, blob: Blob, path: str) -> None:
    """Write what a registry sends, one byte more than the blob's size at most."""
    left = blob.size + 1
    with open(path, "wb") as file:
        answer = client.expect(client.blob(blob.hex, 0), 200)
        for piece in answer.pieces():
            file.write(piece[:left])
            left -= len(piece[:left])
            if not left:
                answer.close()
                break


def _verified(own: Own, blob: Blob, came: str, work: Partial) -> str:
    """Let the learner's verify accept a blob; return the path of what it has left, looked at."""
    folder = work.path("verified")
    os.makedirs(folder, 0o700, exist_ok=True)
    path = own["verify"](Stream(came), blob.as_json(), folder)
    if path != os.path.join(folder, blob.hex):
        raise wrong("verify", f"answers {path!r}, and not the blob's path")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise wrong("verify", f"leaves no file there: {problem.strerror}") from None
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        right = stat.S_ISREG(found.st_mode) and found.st_size == blob.size
        if not right or hashlib.file_digest(file, "sha256").hexdigest() != blob.hex:
            raise wrong("verify", f"accepts what is not sha256:{blob.hex[:12]}…")
    os.unlink(came)
    return str(path)


def trusted(own: Own) -> Callable[..., bool]:
    """Return who says whether a signature counts: the learner's, and ours behind it."""
    if "trusted" not in own:
        return signed.is_trusted

    def both(*parts: Any) -> bool:
        said = own["trusted"](*parts) is True
        if said and not signed.is_trusted(*parts):
            raise wrong("trusted", "believes what the owner of the key has not signed")
        return said

    return both


def secrets(own: Own, client: Client) -> Callable[[str], dict[str, str]] | None:
    """Return who says which secret goes to an address; None where that is ours alone."""
    if "headers_for" not in own:
        return None

    def asked(url: str) -> dict[str, str]:
        registry, realm, token, password = client.secrets()
        if not registry:
            return {}
        found = own["headers_for"](url, registry, realm, token, password)
        named = {str(k).title(): v for k, v in found.items()} if isinstance(found, dict) else found
        if named != {} and named != client.may_go(url):
            where = origin(url)
            raise wrong("headers_for", f"would send something to {where} that is not for it")
        return dict(named)

    return asked
