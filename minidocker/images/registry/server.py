"""A small registry of our own: version 1.0 of the OCI distribution specification, on loopback.

    GET  /v2/NAME/manifests/REFERENCE     POST /v2/NAME/blobs/uploads/          begin
    GET  /v2/NAME/blobs/DIGEST            PATCH …/uploads/ID                    more bytes
    GET  /v2/NAME/tags/list               PUT …/uploads/ID?digest=DIGEST        end
    GET  /token                           PUT /v2/NAME/manifests/REFERENCE

It is for lessons and tests: plain, and with faults to inject. See spec.md of the OCI distribution
specification; tests/unit/test_images_registry.py has its conformance cases.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from minidocker.errors import Blocked, UsageError
from minidocker.images.registry import bodies
from minidocker.images.registry.faults import Faults
from minidocker.images.registry.shelf import NAME, Refused, Shelf
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import documents

MOST_SKIPPED = 64 << 20  # bytes of a request that is refused
LONGEST_NAME = 255  # a repository becomes one file name

# method, path after /v2/NAME/ → the handler's function, and the right that it takes
ROUTES = (
    ("GET HEAD", r"manifests/([^/]+)", "get_manifest", "pull"),
    ("PUT", r"manifests/([^/]+)", "put_manifest", "push"),
    ("DELETE", r"manifests/([^/]+)", "delete_manifest", "delete"),
    ("GET HEAD", r"blobs/([^/]+)", "get_blob", "pull"),
    ("DELETE", r"blobs/([^/]+)", "delete_blob", "delete"),
    ("POST", r"blobs/uploads/?", "begin", "push"),
    ("GET", r"blobs/uploads/([^/]+)", "where", "push"),
    ("PATCH", r"blobs/uploads/([^/]+)", "more", "push"),
    ("PUT", r"blobs/uploads/([^/]+)", "end", "push"),
    ("DELETE", r"blobs/uploads/([^/]+)", "cancel", "push"),
    ("GET", r"tags/list", "tags", "pull"),
)


class Registry:
    """A registry that listens on loopback until `close`; `address` is HOST:PORT.

    `tls` is a context of a server. Every request is told to `log`, one line each.
    """

    def __init__(
        self, directory: str, port: int = 0, host: str = "127.0.0.1", guard: Guard | None = None,
        faults: Faults | None = None, tls: ssl.SSLContext | None = None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        if not host.startswith("127.") and host != "::1":
            raise UsageError(f"{host} is no loopback address", "--address 127.0.0.1")
        self.shelf = Shelf(directory)
        self.guard, self.log, self.faults = guard, log, faults or Faults([])
        self.scheme = "https" if tls else "http"
        try:
            self._server = (_Server6 if ":" in host else _Server)((host, port), Handler)
        except OSError as problem:
            raise Blocked(f"port {port} cannot be had: {problem.strerror}", "--port 0") from None
        self._server.registry = self
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )  # the handshake waits for the connection's own thread
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._server.server_address[1]}"
        self.elsewhere = None
        if self.faults.has("redirect"):
            self.elsewhere = bodies.Elsewhere(self.shelf, self.faults, log)

    def start(self) -> Registry:
        """Serve in a thread; returns itself."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        if self.elsewhere:
            self.elsewhere.start()
        return self

    def serve(self) -> None:
        """Serve until something raises."""
        if self.elsewhere:
            self.elsewhere.start()
        self._server.serve_forever()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        if self.elsewhere:
            self.elsewhere.close()


class _Server(bodies.Server):
    registry: Registry

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class Handler(bodies.Talk):
    """One connection of a client; each function below answers one kind of request."""

    server_version, sys_version = "minidocker", ""
    timeout = 60
    wbufsize = 1 << 16  # headers and body in one packet: a second one would wait for the first
    server: _Server

    def setup(self) -> None:
        """Take what every function needs from the registry."""
        super().setup()
        self.registry = self.server.registry
        self.shelf, self.faults = self.registry.shelf, self.registry.faults

    def answer(self) -> None:
        """Find who answers; whatever is refused becomes the specification's JSON."""
        self.url = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(self.url.query).items()}
        self.body = bodies.reader(self)
        try:
            self.route()
        except Refused as problem:
            self.body.skip(MOST_SKIPPED)  # or the client, still sending, would not hear us
            data = json.dumps(problem.body).encode()
            self.send(problem.status, data, headers=problem.headers)
        except (UnicodeError, ValueError) as problem:  # of a header or a path
            self.send(400, json.dumps({"errors": [{"message": str(problem)}]}).encode())
        if not self.body.at_end():  # what was not read would look like the next request
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = answer

    def route(self) -> None:
        """Call the function for this method and path, if the client may."""
        for code in ("429", "500"):
            if self.faults.take(code):
                raise Refused(int(code), "TOOMANYREQUESTS", "come again", **{"Retry-After": "1"})
        path = self.url.path
        if path == "/token" and self.registry.guard:
            return self.token(self.registry.guard)
        if path in ("/v2", "/v2/", "/v2/_catalog") and self.command in ("GET", "HEAD"):
            self.allow("", "pull")
            if path == "/v2/_catalog":
                return self.page("repositories", self.shelf.repositories())
            return self.send(200, b"{}")
        for methods, pattern, function, right in ROUTES:
            found = re.fullmatch(rf"/v2/(.+?)/{pattern}", path)
            if found and self.command in methods.split():
                name, *words = found.groups()
                if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
                    raise Refused(400, "NAME_INVALID", f"{name[:100]!r} is no name")
                self.allow(name, right)
                getattr(self, function)(name, *(_unquoted(word) for word in words))
                return None
        raise Refused(404, "UNSUPPORTED", "there is nothing here")

    def allow(self, name: str, right: str) -> None:
        """Refuse, as 401, who shows no token for this right; say where one is to be had."""
        guard = self.registry.guard
        if not guard:
            return
        header = self.headers.get("Authorization", "")
        if guard.allows(header, name, right) and not self.faults.take("expired"):
            return
        if guard.basic:
            how = 'Basic realm="minidocker"'
        else:
            scope = f',scope="repository:{name}:{right}"' if name else ""
            error = ',error="invalid_token"' if header else ""
            realm = f"{self.registry.scheme}://{self.registry.address}/token"
            how = f'Bearer realm="{realm}",service="minidocker"{scope}{error}'
        raise Refused(401, "UNAUTHORIZED", "log in first", **{"WWW-Authenticate": how})

    def token(self, guard: Guard) -> None:
        """Give a token for the password, or for nothing where that is allowed."""
        scopes = " ".join(parse_qs(self.url.query).get("scope", [])).split()
        if self.faults.take("scope"):
            scopes = ["repository:another/one:pull"]
        token = guard.give(self.headers.get("Authorization", ""), scopes)
        if token is None:
            raise Refused(401, "UNAUTHORIZED", "wrong name or password")
        self.send(200, json.dumps({"token": token, "expires_in": guard.life}).encode())

    # Manifests and tags

    def get_manifest(self, name: str, reference: str) -> None:
        """Answer with a manifest, byte for byte."""
        if self.faults.take("html"):
            return self.send(200, b"<html><body>Please log in</body></html>", "text/html")
        hex, kind, data = self.shelf.manifest(name, reference)
        if ":" not in reference and self.faults.take("moved-tag"):
            data += b"\n" * (1 + id(self) % 7)
        if self.faults.take("endless"):
            return bodies.endless(self)
        return self.send(200, data, kind, {"Docker-Content-Digest": f"sha256:{hex}"})

    def put_manifest(self, name: str, reference: str) -> None:
        """Keep a manifest."""
        data = self.body.read(documents.LARGEST + 1)
        if len(data) > documents.LARGEST:
            raise Refused(413, "SIZE_INVALID", "a manifest has 4 MiB at most")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = f"sha256:{self.shelf.put_manifest(name, reference, kind, data)}"
        self.created(f"/v2/{name}/manifests/{digest}", digest)

    def delete_manifest(self, name: str, reference: str) -> None:
        """Remove a manifest, or a tag."""
        self.shelf.remove_manifest(name, reference)
        self.send(202)

    def tags(self, name: str) -> None:
        """List tags."""
        self.page("tags", self.shelf.tags(name), name=name)

    def page(self, key: str, items: list[str], **more: str) -> None:
        """Send a sorted list: `n` at most, those after `last`, and where the next ones are."""
        items = [item for item in items if item > self.query.get("last", "")]
        some, link = items, {}
        if "n" in self.query:
            most = self.query["n"]
            if not re.fullmatch("[0-9]{1,9}", most):
                raise Refused(400, "PAGINATION_NUMBER_INVALID", f"n={most[:20]!r} is no number")
            some = items[: int(most)]
            if some and len(some) < len(items):
                after = f"n={int(most)}&last={quote(some[-1], safe='')}"
                link = {"Link": f'<{self.url.path}?{after}>; rel="next"'}
        self.send(200, json.dumps({**more, key: some}).encode(), headers=link)

    # Blobs

    def get_blob(self, name: str, digest: str) -> None:
        """Send a blob, or a part of it; with faults, if any were asked for."""
        path = self.shelf.blob(name, digest)
        if self.registry.elsewhere and self.faults.take("redirect"):
            return self.send(307, headers={"Location": self.registry.elsewhere.url(digest)})
        return bodies.send_blob(self, path, digest)

    def delete_blob(self, name: str, digest: str) -> None:
        """Take a blob away from a repository."""
        self.shelf.remove_blob(name, digest)
        self.send(202)

    # Uploads

    def begin(self, name: str) -> None:
        """Begin an upload; or mount another repository's blob; or take a whole blob at once."""
        digest, source = self.query.get("mount", ""), self.query.get("from", "")
        if digest and source and NAME.fullmatch(source):
            self.allow(source, "pull")
            if len(source) <= LONGEST_NAME and self.shelf.mount(name, digest, source):
                return self.created(f"/v2/{name}/blobs/{digest}", digest)
        upload = self.shelf.begin()
        if "digest" in self.query:
            return self.end(name, upload)
        return self.coming(name, upload)

    def where(self, name: str, upload: str) -> None:
        """Say how far an upload is."""
        self.coming(name, upload, 204)

    def more(self, name: str, upload: str) -> None:
        """Take more bytes of an upload."""
        bodies.receive(self, self.shelf.upload(upload))
        self.coming(name, upload)

    def end(self, name: str, upload: str) -> None:
        """Take the last bytes of an upload, and keep the blob if its digest is right."""
        digest = self.query.get("digest", "")
        self.shelf.hex(digest)
        bodies.receive(self, self.shelf.upload(upload))
        self.shelf.finish(name, upload, digest)
        self.created(f"/v2/{name}/blobs/{digest}", digest)

    def cancel(self, name: str, upload: str) -> None:
        """Throw an upload away."""
        bodies.remove(self.shelf.upload(upload))
        self.send(204)

    # Answers

    def coming(self, name: str, upload: str, status: int = 202) -> None:
        """Say where the next bytes of an upload go, and how many are here."""
        size = bodies.size(self.shelf.upload(upload))
        place = f"{self.registry.scheme}://{self.registry.address}/v2/{name}/blobs/uploads/{upload}"
        self.send(status, headers={
            "Docker-Upload-UUID": upload, "Range": f"0-{max(size - 1, 0)}", "Location": place,
        })

    def created(self, place: str, digest: str) -> None:
        """Say that something is kept, and where."""
        self.send(201, headers={"Location": place, "Docker-Content-Digest": digest})

    def send(
        self, status: int, data: bytes = b"", kind: str = "application/json",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Send an answer whole; a HEAD gets its headers alone."""
        self.send_response(status)
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        if data:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Tell one request in one line; of a secret only its kind: Basic (a password) or Bearer."""
        kind = self.headers.get("Authorization", "").partition(" ")[0]
        known = f" {kind}" if kind in ("Basic", "Bearer") else ""
        self.registry.log(f"{self.command} {self.path} {int(code)}{known}")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing else."""


def _unquoted(word: str) -> str:
    return word.replace("%3A", ":").replace("%3a", ":")
