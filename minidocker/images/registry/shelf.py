"""What our registry keeps, on disk: blobs once, and for each repository which of them it has.

    DIR/blobs/sha256/HEX                         layers, configurations and manifests
    DIR/repositories/lab%web/blobs/HEX           an empty file: this repository has that blob
    DIR/repositories/lab%web/manifests/HEX       the media type that the manifest came with
    DIR/repositories/lab%web/tags/TAG            the digest of a manifest, in hex
    DIR/uploads/ID                               a blob that is still coming
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
from typing import Any

from minidocker.images.store import documents, files
from minidocker.images.store.hold import listing

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{_PART}(?:/{_PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
PIECE = 1 << 20


class Refused(Exception):
    """What a client is told: status, code of the distribution specification, message."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"code": code, "message": message, "detail": None}]}
        self.headers = headers


class Shelf:
    """The files under one directory. One lock for all changes: it is a small registry."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._lock = threading.RLock()
        for name in ("blobs/sha256", "repositories", "uploads"):
            os.makedirs(os.path.join(directory, name), exist_ok=True)

    def _path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    def _in(self, name: str, *parts: str) -> str:
        return self._path("repositories", name.replace("/", "%"), *parts)

    def repositories(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        return [name.replace("%", "/") for name in listing(self._path("repositories"))]

    # Blobs

    def blob(self, name: str, digest: str) -> str:
        """Return the path of a blob that a repository has; Refused (404) otherwise."""
        hex = self.hex(digest)
        path = self._path("blobs/sha256", hex)
        if not os.path.exists(self._in(name, "blobs", hex)) or not os.path.exists(path):
            raise Refused(404, "BLOB_UNKNOWN", f"{name} has no blob {digest}")
        return path

    def remove_blob(self, name: str, digest: str) -> None:
        """Take a blob away from a repository."""
        with self._lock:
            self.blob(name, digest)
            os.unlink(self._in(name, "blobs", self.hex(digest)))

    def mount(self, name: str, digest: str, source: str) -> bool:
        """Let a repository have a blob of another one; False where that has none."""
        with self._lock:
            try:
                self.blob(source, digest)
            except Refused:
                return False
            self._mark(name, self.hex(digest))
            return True

    def _mark(self, name: str, hex: str) -> None:
        os.makedirs(self._in(name, "blobs"), exist_ok=True)
        files.write(self._in(name, "blobs", hex), b"")

    @staticmethod
    def hex(digest: str) -> str:
        """Return the digits of a sha256 digest; Refused (400) for anything else."""
        found = documents.DIGEST.fullmatch(digest)
        if not found:
            raise Refused(400, "DIGEST_INVALID", f"{digest[:100]!r} is no sha256 digest")
        return found[1]

    # Uploads

    def begin(self) -> str:
        """Begin an upload; return its id."""
        upload = secrets.token_hex(16)
        files.write(self._path("uploads", upload), b"")
        return upload

    def upload(self, upload: str) -> str:
        """Return the path of an upload that is still coming; Refused (404) otherwise."""
        path = self._path("uploads", upload)
        if not upload.isalnum() or not os.path.exists(path):
            raise Refused(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
        return path

    def finish(self, name: str, upload: str, digest: str) -> None:
        """Make a blob of an upload, if it has this digest; else it is thrown away."""
        path, hex = self.upload(upload), self.hex(digest)
        with open(path, "rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
        if got != hex:
            os.unlink(path)
            raise Refused(400, "DIGEST_INVALID", f"what came has the digest sha256:{got}")
        with self._lock:
            os.rename(path, self._path("blobs/sha256", hex))
            self._mark(name, hex)

    # Manifests and tags

    def manifest(self, name: str, reference: str) -> tuple[str, str, bytes]:
        """Return (hex, media type, bytes) by tag or digest; Refused (404) where there is none."""
        try:
            hex = self.hex(reference) if ":" in reference else self._tagged(name, reference)
            kind = _text(self._in(name, "manifests", hex))
            with open(self._path("blobs/sha256", hex), "rb") as file:
                return hex, kind, file.read()
        except FileNotFoundError:
            raise Refused(404, "MANIFEST_UNKNOWN", f"{name} has no {reference}") from None

    def _tagged(self, name: str, tag: str) -> str:
        if not TAG.fullmatch(tag):
            raise Refused(404, "MANIFEST_UNKNOWN", f"{tag[:150]!r} is no tag")
        return _text(self._in(name, "tags", tag))

    def put_manifest(self, name: str, reference: str, kind: str, data: bytes) -> str:
        """Keep a manifest under a tag or its digest, if all that it names is here.

        `kind` is the type that it came with; the type that it says itself must be the same.
        """
        hex = hashlib.sha256(data).hexdigest()
        if ":" in reference and self.hex(reference) != hex:
            raise Refused(400, "DIGEST_INVALID", f"what came has the digest sha256:{hex}")
        if ":" not in reference and not TAG.fullmatch(reference):
            raise Refused(400, "TAG_INVALID", f"{reference[:150]!r} is no tag")
        with self._lock:
            own = self._look(name, data)
            if own and kind not in ("", own):
                why = f"it came as {kind[:80]!r}, and says that it is {own[:80]!r}"
                raise Refused(400, "MANIFEST_INVALID", why)
            files.write(self._path("blobs/sha256", hex), data)
            for folder in ("manifests", "tags"):
                os.makedirs(self._in(name, folder), exist_ok=True)
            kind = kind or own or "application/octet-stream"
            files.write(self._in(name, "manifests", hex), kind.encode())
            if ":" not in reference:
                files.write(self._in(name, "tags", reference), hex.encode())
        return hex

    def _look(self, name: str, data: bytes) -> str:
        """Refuse what is no manifest, or names what this repository has not; return its type."""
        try:
            found: Any = json.loads(data)
            parts = [found[k] for k in ("config",) if k in found] + list(found.get("layers", []))
            blobs = [part["digest"] for part in parts if not part.get("urls")]
            children = [part["digest"] for part in found.get("manifests", [])]
            own = found.get("mediaType") or ""
            if not re.fullmatch(r"[\w.+/-]*", own, re.ASCII):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Refused(400, "MANIFEST_INVALID", "it is no manifest") from None
        for digest in blobs:
            if not os.path.exists(self._in(name, "blobs", self.hex(digest))):
                raise Refused(400, "MANIFEST_BLOB_UNKNOWN", f"{name} has no blob {digest}")
        for digest in children:
            self.manifest(name, digest)
        return str(own)

    def remove_manifest(self, name: str, reference: str) -> None:
        """Remove a tag; or a manifest by its digest, with every tag that stands for it."""
        with self._lock:
            hex, _, _ = self.manifest(name, reference)
            if ":" not in reference:
                os.unlink(self._in(name, "tags", reference))
                return
            os.unlink(self._in(name, "manifests", hex))
            for tag in listing(self._in(name, "tags")):
                if _text(self._in(name, "tags", tag)) == hex:
                    os.unlink(self._in(name, "tags", tag))

    def tags(self, name: str) -> list[str]:
        """Return a repository's tags in lexical order; Refused (404) for an unknown one."""
        if not os.path.isdir(self._in(name)):
            raise Refused(404, "NAME_UNKNOWN", f"there is no repository {name}")
        return listing(self._in(name, "tags"))


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
