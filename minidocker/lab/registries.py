"""Registries for notebooks: our own, on loopback, beside the notebook; what it was asked for.

    registry = small_registry()                  registry.address is HOST:PORT
    registry.log()                               one line for each request
    registry.again("--fault tampered")           the same, with what it had, but with a fault
    watch_pull(registry, "minidocker pull …")    the requests drawn while they come
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import shlex
import time
from typing import Any

from minidocker.images import signed
from minidocker.images.registry.scratch import Scratch
from minidocker.lab import cells
from minidocker.pictures.live import Live
from minidocker.pictures.picture import Picture
from minidocker.pictures.pull_sequence import pull_sequence

PAUSE = 0.15  # seconds between two looks into the log


class SmallRegistry:
    """`minidocker registry serve` in the background; all of it goes with `stop`."""

    def __init__(self, options: str = "") -> None:
        self._folder = Scratch()
        self.directory = self._folder.path
        self._serve(options, 0)

    def _serve(self, options: str, port: int) -> None:
        line = f"minidocker registry serve --port {port} --directory {shlex.quote(self.directory)}"
        self._process = cells.Background(f"{line} {options}")
        cells.wait_until(lambda: "://" in self._process.output() or self._ended())
        first = self._process.output().partition("\n")[0]
        if "://" not in first:
            raise cells.CellFailed(f"[the registry does not start]\n{self._process.output()}")
        self.address = first.partition("://")[2]
        self._passed = 1

    def _ended(self) -> bool:
        return "ended" in repr(self._process)

    def again(self, options: str = "") -> SmallRegistry:
        """Serve what is here with other options, at the same address; returns itself."""
        self._process.stop()
        self._serve(options, int(self.address.rpartition(":")[2]))
        return self

    def log(self) -> list[str]:
        """Return what was asked since the last `forget`, one line for each request."""
        return self._process.output().splitlines()[self._passed :]

    def forget(self) -> None:
        """Let the log begin here."""
        self._passed = len(self._process.output().splitlines())

    def document(self, name: str) -> tuple[str, Any]:
        """Return (digest, what it says) of the manifest or index that NAME:TAG stands for."""
        data = self.raw(name)
        return f"sha256:{hashlib.sha256(data).hexdigest()}", json.loads(data)

    def raw(self, name: str) -> bytes:
        """Return the bytes of the manifest or index that NAME:TAG or NAME:DIGEST stands for."""
        repository, _, tag = name.partition(":")
        return self._ask("GET", f"/v2/{repository}/manifests/{tag}")

    def signature(self, name: str) -> tuple[bytes, bytes]:
        """Return (payload, signature) of the first signature that is kept for NAME:TAG."""
        repository, _, _ = name.partition(":")
        digest, _ = self.document(name)
        first = self.document(f"{repository}:{digest.replace(':', '-')}.sig")[1]["layers"][0]
        payload = self._ask("GET", f"/v2/{repository}/blobs/{first['digest']}")
        return payload, base64.b64decode(first["annotations"][signed.KEPT])

    def put(self, name: str, document: dict[str, Any]) -> str:
        """Let NAME:TAG stand for a document, a manifest or an index; return its digest."""
        repository, _, tag = name.rpartition(":")
        data = json.dumps(document).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", data, document["mediaType"])
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def tag(self, name: str, other: str) -> None:
        """Let NAME:TAG stand for what another name stands for, byte for byte."""
        repository, _, tag = name.rpartition(":")
        data = self.raw(other)
        kind = json.loads(data)["mediaType"]
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", data, kind)

    def index(self, name: str, platforms: dict[str, str]) -> str:
        """Let NAME:TAG stand for an index: OS/ARCHITECTURE → NAME:TAG of a manifest; its digest."""
        entries = []
        for platform, image in platforms.items():
            digest, document = self.document(image)
            words = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
            entries.append({
                "mediaType": document["mediaType"], "digest": digest, "size": len(self.raw(image)),
                "platform": words,
            })  # fmt: skip
        kind = "application/vnd.oci.image.index.v1+json"
        return self.put(name, {"schemaVersion": 2, "mediaType": kind, "manifests": entries})

    def _ask(self, method: str, path: str, data: bytes = b"", kind: str = "") -> bytes:
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            headers = {"Content-Type": kind} if kind else {}
            connection.request(method, path, data or None, headers)
            answer = connection.getresponse()
            found = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise cells.CellFailed(f"[{method} {path}: {answer.status}]\n{found.decode()}")
        return found

    def stop(self) -> None:
        """End it, and remove what it has; more than once is fine."""
        self._process.stop()
        self._folder.remove()

    def __repr__(self) -> str:
        return f"<a registry at {self.address}>"


def small_registry(options: str = "") -> SmallRegistry:
    """Start a registry of our own; `options` are those of `minidocker registry serve`."""
    return SmallRegistry(options)


def watch_pull(registry: SmallRegistry, command: str, title: str = "", status: int = 0) -> Picture:
    """Run a command, and draw what it asks the registry while it does; return the last picture.

    CellFailed when it ends with another status than the one expected.
    """
    registry.forget()
    live = Live.here()
    running = cells.Background(f"sh -c {shlex.quote(cells.shell_text(command) + NOTE)}")
    try:
        while "[status " not in running.output():
            time.sleep(PAUSE)
            if live:
                live.show(pull_sequence(registry.log(), title))
    finally:
        text = running.output()
        running.stop()
    said, _, ended = text.rpartition("[status ")
    if int(ended.partition("]")[0]) != status:
        raise cells.CellFailed(f"{said.strip()}\n[status {ended.strip()}, and not {status}]")
    picture = pull_sequence(registry.log(), title)
    if not live:
        return picture
    live.show(picture)
    return live.shown


NOTE = '; echo "[status $?]"'
