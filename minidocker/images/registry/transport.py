"""HTTP for registries: connections that stay open, TLS, proxies, and where a secret may not go.

    https, always; but http where the registry is on loopback, or --tls-verify=false was said
    a proxy from the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY; never for loopback
    authorities from the system, or SSL_CERT_FILE and SSL_CERT_DIR
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from minidocker import __version__
from minidocker.errors import Blocked, MinidockerError
from minidocker.images.store import files

PATIENCE = 30.0  # seconds without a byte
DEADLINE = 120.0  # seconds for a whole document, and for the headers of an answer
MOST_REDIRECTS = 5
PIECE = 1 << 18
NO_TRUST = "do not trust that registry"
AGENT = f"minidocker/{__version__}"


class Unreachable(Blocked):
    """Nobody answers, or the connection broke: another try may help."""


class Answer:
    """An answer of a server: `status`, `headers`, and its body, which is read once."""

    def __init__(self, url: str, response: http.client.HTTPResponse, connection: Any) -> None:
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._connection = connection
        self._held = b""
        self._length = response.length  # we count ourselves: read1 does not in each Python
        self._left = PIECE if response.length is None else response.length

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces; Unreachable where it breaks off."""
        try:
            while self._left and (piece := self._response.read1(min(PIECE, self._left))):
                if self._length is not None:
                    self._left -= len(piece)
                yield piece
            if self._length is not None and self._left:
                raise http.client.IncompleteRead(b"", self._left)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            self.close()
            raise _unreachable(self.url, problem) from None
        self._response.close()

    def hold(self) -> Answer:
        """Read the (short) body now, for later: the connection is needed for something else."""
        self._held = self.read(65536)
        return self

    def read(self, most: int) -> bytes:
        """Return the whole body; one byte more than `most` where it is longer."""
        if self._held:
            return self._held[: most + 1]
        found = b""
        until = time.monotonic() + DEADLINE
        for piece in self.pieces():
            found += piece
            if len(found) > most or time.monotonic() > until:
                self.close()
                if len(found) > most:
                    return found[: most + 1]
                why = f"{origin(self.url)} has not ended its answer in {DEADLINE:.0f} s"
                raise Blocked(why, NO_TRUST)
        return found

    def is_open_ended(self) -> bool:
        """Say whether nobody said how long it is: then its end may as well be a cut."""
        return self._length is None and not self._response.chunked

    def close(self) -> None:
        """Give up what is left of the body, and the connection with it."""
        self._response.close()
        self._connection.close()

    def finish(self) -> None:
        """Read what is left, if it is little: then the connection can be used again."""
        if not self._response.isclosed():
            with contextlib.suppress(Blocked):
                self.read(65536)


class Transport:
    """Sends requests; each thread has its own connections. `insecure` is --tls-verify=false."""

    def __init__(self, insecure: bool = False) -> None:
        self.insecure = insecure
        self.secrets_for: Callable[[str], dict[str, str]] | None = None  # asked for each address
        self._mine = threading.local()
        self._all: list[http.client.HTTPConnection] = []
        self._context = ssl.create_default_context()
        if insecure:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    def may_be_plain(self, host: str) -> bool:
        """Say whether http will do for this HOST[:PORT]."""
        return self.insecure or is_loopback(host)

    def is_safe(self, url: str, base: str) -> bool:
        """Say whether secrets and blobs may go to an address that the registry at `base` names.

        https may not lead to http: a stranger's registry could so reach what listens on loopback.
        """
        parts = urlsplit(url)
        plain = parts.scheme == "http" and urlsplit(base).scheme == "http"
        return parts.scheme == "https" or (plain and self.may_be_plain(parts.netloc))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request and return the answer; it follows redirects, without the secrets.

        What is no GET follows those that keep the method, and a body goes to its own host alone.
        Unreachable where no answer comes; Blocked for what may not be done.
        """
        for _ in range(MOST_REDIRECTS + 1):
            secrets = self.secrets_for(url) if self.secrets_for else secrets
            answer = self._once(method, url, {**headers, **(secrets or {})}, body)
            place = answer.headers.get("Location", "")
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            there = join(url, place)
            if method not in ("GET", "HEAD"):
                may_go = isinstance(body, bytes) and origin(there) == origin(url)
                if answer.status < 307 or not (body is None or may_go):
                    return answer
            answer.finish()
            self._look_at(url, there)
            if origin(there) != origin(url):
                secrets = None
            url = there
        raise Blocked(f"{origin(url)} redirects without an end", "try it later")

    def _look_at(self, here: str, there: str) -> None:
        """Refuse a redirect that nobody should follow."""
        parts = urlsplit(there)
        down = urlsplit(here).scheme == "https" and parts.scheme != "https" and not self.insecure
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            down = True
        if down or (parts.scheme == "http" and not self.may_be_plain(parts.netloc)):
            raise Blocked(
                f"{origin(here)} redirects to {origin(there)}, which is not https",
                NO_TRUST,
            )

    def _once(self, method: str, url: str, headers: dict[str, str], body: Any) -> Answer:
        parts = urlsplit(url)
        connection, proxied = self._connection(parts)
        target = parts._replace(fragment="")
        path = target.geturl() if proxied else target._replace(scheme="", netloc="").geturl()
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **proxied, **headers}
        try:
            fresh = connection.sock is None
            try:
                connection.request(method, path or "/", body, headers)
                response = _answer(connection)
            except (http.client.ImproperConnectionState, ConnectionError):
                connection.close()
                if fresh or body is not None:
                    raise
                connection.request(method, path or "/", body, headers)  # it had been idle too long
                response = _answer(connection)
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as problem:
            connection.close()
            raise _unreachable(url, problem) from None
        return Answer(url, response, connection)

    def _connection(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, dict[str, str]]:
        """Return this thread's connection to a server, and the headers for a proxy without TLS."""
        known = self._mine.__dict__.setdefault("known", {})
        key = (parts.scheme, parts.netloc)
        if key not in known:
            known[key] = self._connect(parts)
            self._all.append(known[key][0])
        found: tuple[http.client.HTTPConnection, dict[str, str]] = known[key]
        return found

    def _connect(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, dict[str, str]]:
        host, port = parts.hostname or "", _port(parts)
        proxy = _proxy(parts)
        if proxy is None:
            if parts.scheme == "https":
                return http.client.HTTPSConnection(
                    host, port, timeout=PATIENCE, context=self._context
                ), {}
            return http.client.HTTPConnection(host, port, timeout=PATIENCE), {}
        headers = _proxy_headers(proxy)
        where = (proxy.hostname or "", proxy.port or 80)
        if parts.scheme == "http":
            return http.client.HTTPConnection(*where, timeout=PATIENCE), headers
        through = http.client.HTTPSConnection(*where, timeout=PATIENCE, context=self._context)
        through.set_tunnel(host, port, headers)
        return through, {}

    def abort(self) -> None:
        """Break all connections, so that nobody goes on waiting for one; shutdown(2)"""
        for connection in self._all:
            _break(connection)

    def close(self) -> None:
        """Close all connections, those of other threads as well."""
        for connection in self._all:
            connection.close()


def _answer(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Return the answer once its headers are here; a server that never ends them is cut off.

    Each byte may come in time and the end never: so patience with each is not enough.
    """
    late = threading.Timer(DEADLINE, _break, [connection])
    late.daemon = True
    late.start()
    try:
        return connection.getresponse()
    finally:
        late.cancel()


def _break(connection: http.client.HTTPConnection) -> None:
    """End a connection under whoever reads from it; shutdown(2)"""
    if connection.sock is not None:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def is_loopback(host: str) -> bool:
    """Say whether HOST[:PORT] is this machine itself, by its words alone."""
    name = urlsplit("//" + host).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def join(base: str, place: str) -> str:
    """Return the address that a server names, seen from `base`; Blocked for what is none."""
    try:
        there = urljoin(base, place)
        urlsplit(there)
    except ValueError:
        raise Blocked(f"{origin(base)} names an address that is none", NO_TRUST) from None
    return there


def origin(url: str) -> str:
    """Return scheme, host and port: what a secret belongs to, and what messages may show."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    host = host.removesuffix({"https": ":443", "http": ":80"}.get(parts.scheme, "\0"))
    return files.printable(f"{parts.scheme}://{host}"[:200])


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Blocked(f"{parts.netloc[:100]} has no port that can be", "look at the name") from None


def _proxy(parts: SplitResult) -> SplitResult | None:
    if is_loopback(parts.netloc) or _is_direct(parts.netloc):
        return None
    text = getproxies_environment().get(parts.scheme)
    if not text:
        return None
    proxy = urlsplit(text if "//" in text else "//" + text, "http")
    if proxy.scheme != "http" or not proxy.hostname:
        shown = f"{proxy.scheme}://{proxy.hostname}"
        raise Blocked(f"the proxy {shown} is none that speaks HTTP", "HTTPS_PROXY=http://HOST:PORT")
    return proxy


def _is_direct(netloc: str) -> bool:
    """Say whether NO_PROXY names this HOST[:PORT]; also 10.0.0.0/8 and *.example, as in Docker."""
    if proxy_bypass(netloc):
        return True
    host = urlsplit("//" + netloc).hostname or ""
    for word in (getproxies_environment().get("no") or "").lower().split(","):
        name = word.strip()
        if name.startswith("*.") and host.endswith(name[1:]):
            return True
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                return True
    return False


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    word = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(word).decode()}


def _unreachable(url: str, problem: Exception) -> MinidockerError:
    """Put into words why there is no answer; never with a path or header: they may hold secrets."""
    where = origin(url)
    if isinstance(problem, ssl.SSLCertVerificationError):
        return Blocked(
            f"{where} cannot be trusted: {problem.verify_message}",
            "SSL_CERT_FILE=CA.pem with the authority that signed its certificate",
        )
    if isinstance(problem, ssl.SSLError):
        why = problem.reason or str(problem)
        return NotTls(f"{where} does not speak TLS: {why}", "look at the port")
    if isinstance(problem, socket.gaierror):
        return NoHost(f"the host of {where} is not known: {problem.strerror}", "look at the name")
    if isinstance(problem, TimeoutError):
        return Unreachable(f"{where} does not answer", "try it later")
    if isinstance(problem, (http.client.InvalidURL, UnicodeError, ValueError)):
        return Blocked(f"{where} is no address that can be asked", "look at the name")
    if str(problem).startswith("Tunnel connection failed"):  # as http.client words it
        said = files.printable(str(problem).partition(": ")[2][:100])
        return Unreachable(f"the proxy does not lead to {where}: {said}", "HTTPS_PROXY, NO_PROXY")
    why = getattr(problem, "strerror", None) or type(problem).__name__
    return Unreachable(f"{where} cannot be reached, or broke off: {why}", "try it later")


class NoHost(Blocked):
    """The name server does not know the host; a proxy may, as it is asked for plain http alone."""


class NotTls(Blocked):
    """The server does not speak TLS; on loopback plain http is tried then."""
