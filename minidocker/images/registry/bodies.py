"""The bytes of our registry's requests and answers; what goes may have faults."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

from minidocker.images.registry.shelf import PIECE, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.images.registry.faults import Faults
    from minidocker.images.registry.shelf import Shelf


class Server(ThreadingHTTPServer):
    """A server with a thread for each connection. It asks no name server for its own name."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Listen, and no more."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def serve_forever(self, poll_interval: float = 0.05) -> None:
        """Serve until `shutdown`."""
        super().serve_forever(poll_interval)


class Talk(BaseHTTPRequestHandler):
    """What the functions here need of who answers a request."""

    protocol_version = "HTTP/1.1"
    faults: Faults
    body: Body


class Body:
    """The body of a request: as long as Content-Length says, or in chunks that say it each."""

    def __init__(self, stream: BinaryIO, length: int, chunked: bool) -> None:
        self._stream = stream
        self._left = length
        self._chunked = chunked
        self._first = True

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" only at the end."""
        found = b""
        while len(found) < size and not self.at_end():
            piece = self._stream.read(min(size - len(found), self._left))
            if not piece:
                raise Refused(400, "SIZE_INVALID", "the body ended too early")
            self._left -= len(piece)
            found += piece
        return found

    def skip(self, size: int) -> None:
        """Read up to `size` bytes more, for nothing."""
        with contextlib.suppress(Refused):  # it ended too early: nothing is left, either
            while size > 0 and (piece := self.read(PIECE)):
                size -= len(piece)

    def at_end(self) -> bool:
        """Say whether nothing follows."""
        if not self._left and self._chunked:
            self._next_chunk()
        return not self._left

    def _next_chunk(self) -> None:
        if not self._first:
            self._stream.readline(4)
        self._first = False
        digits = self._stream.readline(100).partition(b";")[0].strip()
        self._left = int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{1,12}", digits) else 0
        if not self._left:
            self._chunked = False
            while self._stream.readline(1000).strip():  # trailers
                pass


def reader(handler: Talk) -> Body:
    """Return the body of a request."""
    length = handler.headers.get("Content-Length", "0")
    chunked = handler.headers.get("Transfer-Encoding", "").lower() == "chunked"
    size = int(length) if length.isdecimal() and not chunked else 0
    return Body(cast(BinaryIO, handler.rfile), size, chunked)


def receive(handler: Talk, path: str) -> None:
    """Append a request's body to an upload, if it is what its Content-Range says.

    That begins at the upload's end, and is as long as the body; else nothing is kept of it.
    """
    before, header = size(path), handler.headers.get("Content-Range", "")
    said = re.fullmatch(r"(?:bytes )?(\d{1,15})-(\d{1,15})", header)
    at = f"0-{max(before - 1, 0)}"
    if "Content-Range" in handler.headers and (not said or int(said[1]) != before):
        raise Refused(416, "BLOB_UPLOAD_INVALID", "bytes are missing before these", Range=at)
    with open(path, "ab") as file:
        while piece := handler.body.read(PIECE):
            file.write(piece)
        if said and file.tell() != int(said[2]) + 1:
            file.truncate(before)
            raise Refused(400, "SIZE_INVALID", f"these are not the bytes {header[:40]}", Range=at)


def size(path: str) -> int:
    """Return how many bytes of an upload are here."""
    return os.stat(path).st_size


def remove(path: str) -> None:
    """Throw an upload away."""
    os.unlink(path)


def send_blob(handler: Talk, path: str, digest: str) -> None:
    """Send a blob or its part (Range: bytes=FIRST-[LAST], or bytes=-COUNT of its end)."""
    faults = handler.faults
    whole = size(path)
    first, last = _range(handler.headers.get("Range", ""), whole)
    if faults.has("no-range"):
        first, last = 0, whole - 1
    part = (first, last) != (0, whole - 1)
    handler.send_response(206 if part else 200)
    extra = int(faults.take("wrong-size"))
    handler.send_header("Content-Length", str(last + 1 - first + extra))
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Accept-Ranges", "bytes")
    handler.send_header("Docker-Content-Digest", digest)
    if part:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
    handler.end_headers()
    if handler.command == "HEAD":
        return
    if faults.take("endless"):
        return _zeros(handler)
    with open(path, "rb") as file:
        file.seek(first)
        _copy(handler, file, first, last)
    handler.wfile.write(b"x" * extra)


def _copy(handler: Talk, file: BinaryIO, first: int, last: int) -> None:
    """Send the bytes of a file from `first` to `last`, with the faults of a bad connection."""
    faults = handler.faults
    tampered = faults.take("tampered")
    cut = last - first > 2000 and faults.take("cut")
    slow = faults.has("slow")
    left = last + 1 - first
    end = left // 2 if cut else 0
    while left > end:
        piece = file.read(min(10_000 if slow else PIECE, left - end))
        left -= len(piece)
        if tampered:
            piece, tampered = bytes([piece[0] ^ 1]) + piece[1:], False
        handler.wfile.write(piece)
        if slow:
            time.sleep(0.1)
    if cut:
        handler.close_connection = True


def _range(header: str, whole: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header)
    if not found or not (found[1] or found[2]):
        return 0, whole - 1  # as RFC 9110 has it: what cannot be understood is as if not said
    last = whole - 1
    if not found[1]:
        first = max(whole - int(found[2]), 0)
    else:
        first, last = int(found[1]), min(int(found[2] or whole), last)
    if first > last:
        all_of_it = {"Content-Range": f"bytes */{whole}"}
        raise Refused(416, "SIZE_INVALID", "there is nothing there", **all_of_it)
    return first, last


def endless(handler: Talk) -> None:
    """Answer with a body that has no end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
    handler.close_connection = True
    handler.end_headers()
    _zeros(handler)


def _zeros(handler: Talk) -> None:
    while True:
        handler.wfile.write(bytes(PIECE))  # until the client has had enough: BrokenPipeError


class Elsewhere:
    """Another host (127.0.0.2) that has the blobs, and is told no password: it refuses one."""

    def __init__(self, shelf: Shelf, faults: Faults, log: Callable[[str], None]) -> None:
        class There(Talk):
            def do_GET(self) -> None:
                self.faults = faults
                known = [key for key in ("Authorization", "Cookie") if key in self.headers]
                log(f"elsewhere GET {urlsplit(self.path).path} {' '.join(known)}".rstrip())
                digest = self.path.removeprefix("/")
                path = os.path.join(shelf.directory, "blobs/sha256", digest[7:])
                if known or not shelf.hex(digest) or not os.path.exists(path):
                    return self.send_error(400, "Only one auth mechanism allowed")
                return send_blob(self, path, digest)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = Server(("127.0.0.2", 0), There)

    def url(self, digest: str) -> str:
        """Return where a blob is."""
        return f"http://127.0.0.2:{self._server.server_address[1]}/{digest}"

    def start(self) -> None:
        """Serve in a thread."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
