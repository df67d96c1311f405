"""Ask a registry: the token dance, tries again, answers that are looked at before they are used.

    GET …/manifests/12 ──► 401, Bearer realm="https://auth…/token", service="…"
    GET https://auth…/token?service=…&scope=repository:library/debian:pull ──► {"token": …}
    GET …/manifests/12, with the token ──► 200

A password goes to the realm alone, and only over TLS (or on loopback); a token to its registry.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from minidocker.errors import Blocked, MinidockerError, NotFound
from minidocker.images.registry.credentials import Login
from minidocker.images.registry.headers import challenges, retry_after
from minidocker.images.registry.transport import (
    NO_TRUST,
    Answer,
    NoHost,
    NotTls,
    Transport,
    Unreachable,
    join,
    origin,
)
from minidocker.images.store import documents, files, names

TRIES = 5
FIRST_PAUSE = 0.5  # seconds; each pause is twice the one before
LONGEST_PAUSE = 60  # a registry that wants more is told to the user instead
ACCEPT = ", ".join((*documents.MANIFESTS, *documents.INDEXES))
SERVERS = {names.HUB[0]: "registry-1.docker.io"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})

Say = Callable[[str], None]


class Client:
    """One repository at one registry. `actions` is what tokens are asked for: "pull", "pull,push".

    `say` is told when we have to wait.
    """

    def __init__(
        self, host: str, path: str, login: Login | None = None, actions: str = "pull",
        insecure: bool = False, say: Say = lambda line: None,
    ) -> None:  # fmt: skip
        self.host, self.path, self.login, self.say = host, path, login, say
        self.scopes = [f"repository:{path}:{actions}"] if path else []
        self.transport = Transport(insecure)
        self.server = SERVERS.get(host, host)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._base = ""
        self._token = ""
        self._realm = ""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def stop(self) -> None:
        """Wake the threads that wait for an answer: they hear that there is none."""
        self._stopped.set()
        self.transport.abort()

    # What is asked for

    def manifest(self, reference: str) -> tuple[bytes, str]:
        """Return (bytes, media type) of a manifest or index, whose digest was checked."""
        title = f"{self.host}/{self.path}:{reference[:40]}"
        missing = f"{self.host} has no {self.path}, {reference[:71]}"
        answer, data = self._whole(
            f"manifests/{reference}", documents.LARGEST, {"Accept": ACCEPT}, missing
        )
        if len(data) > documents.LARGEST:
            raise documents.bad(title, f"a document of more than {documents.LARGEST >> 20} MiB")
        wanted = reference if ":" in reference else answer.headers.get("Docker-Content-Digest", "")
        if wanted.startswith("sha512:"):  # as a registry may call what we asked for by its tag
            fits = wanted[7:] == hashlib.sha512(data).hexdigest()
        else:
            fits = not wanted or documents.hex_of(wanted, title) == hashlib.sha256(data).hexdigest()
        if not fits:
            raise wrong_digest(title, wanted)
        return data, answer.headers.get("Content-Type", "").partition(";")[0].strip()

    def document(self, blob: documents.Blob, title: str) -> bytes:
        """Return a small blob whole (a configuration), checked."""
        _, data = self._whole(f"blobs/sha256:{blob.hex}", blob.size)
        if len(data) != blob.size or hashlib.sha256(data).hexdigest() != blob.hex:
            raise wrong_digest(title, f"sha256:{blob.hex}")
        return data

    def _whole(
        self, path: str, most: int, headers: Mapping[str, str] = NO_HEADERS, missing: str = ""
    ) -> tuple[Answer, bytes]:
        """Get a document, once more where the connection breaks off in it; as `Answer.read`."""
        for number in range(TRIES):
            answer = self.ask("GET", path, headers)
            if answer.status == 404 and missing:
                answer.finish()
                raise NotFound(missing, "look at the name and tag")
            try:
                return answer, self.expect(answer, 200).read(most)
            except Unreachable:
                if number + 1 == TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def blob(self, hex: str, offset: int) -> Answer:
        """Ask for a blob's bytes from an offset on; the status is 200 or 206, or something else."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        return self.ask("GET", f"blobs/sha256:{hex}", headers)

    def expect(self, answer: Answer, *statuses: int) -> Answer:
        """Return the answer, if it has one of these statuses; else raise what the registry says."""
        if answer.status in statuses:
            return answer
        said = _said(answer)
        if answer.status in (401, 403):
            raise Blocked(
                f"{self.host} does not let {self.login.user if self.login else 'you'} do this"
                f" to {self.path or 'it'}{said}",
                f"minidocker login {self.host}",
            )
        if answer.status == 404:
            raise NotFound(f"{self.host} has not what was asked for{said}", "look at the name")
        raise Blocked(f"{self.host} answers with status {answer.status}{said}", "try it later")

    # How it is asked

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] = NO_HEADERS, body: Any = None
    ) -> Answer:
        """Ask for something of the repository; `path` may be a whole address (a Location)."""
        tries = 1 if body is not None and not isinstance(body, bytes) else TRIES
        until = time.monotonic() + LONGEST_PAUSE
        for number in range(tries):
            try:
                answer = self._with_token(method, self.url(path), headers, body)
            except Unreachable:
                if number + 1 == tries or time.monotonic() > until:
                    raise
                self._pause(FIRST_PAUSE * 2**number, "")
                continue
            if number + 1 == tries or not _passes(answer.status):
                return answer
            self._wait(answer, FIRST_PAUSE * 2**number)
        raise AssertionError("the last try returns or raises")

    def url(self, path: str) -> str:
        """Return the address of something in the repository; a Location must be as safe as it."""
        if not self._base:
            with self._lock:
                self._base = self._base or self._find_base()
        if path == "/":
            return self._base
        if path.startswith(("http://", "https://", "/")):
            there = join(self._base, path)
            if not self.transport.is_safe(there, self._base):
                raise Blocked(
                    f"{self.host} wants bytes at {origin(there)}, which is not https", NO_TRUST
                )
            return there
        middle = f"{quote(self.path)}/" if self.path else ""
        return f"{self._base}{middle}{path}"

    def _find_base(self) -> str:
        """Find out whether https or http is spoken: http only where that is allowed."""
        base = f"https://{self.server}/v2/"
        if not self.transport.may_be_plain(self.server):
            return base
        try:
            self.transport.send("GET", base, {}).finish()
        except NotTls:
            return f"http://{self.server}/v2/"
        except (Unreachable, NoHost):  # a plain server may hang up at once when it hears TLS
            plain = f"http://{self.server}/v2/"
            self.transport.send("GET", plain, {}).finish()
            return plain
        return base

    def _wait(self, answer: Answer, pause: float) -> None:
        """Wait as long as the registry asks; too long is told instead, with the time."""
        asked = retry_after(answer.headers.get("Retry-After", ""))
        if asked > LONGEST_PAUSE:
            until = time.strftime("%H:%M:%S", time.localtime(time.time() + asked))
            raise Blocked(
                f"{self.host} takes no more requests for {asked:.0f} seconds{_said(answer)}",
                f"try it again after {until}, or: minidocker login {self.host}",
            )
        why = "too many requests" if answer.status == 429 else f"status {answer.status}"
        answer.finish()
        self._pause(max(asked, pause), why)

    def _pause(self, seconds: float, why: str) -> None:
        seconds *= 1 + random.random() / 4  # many clients should not come back at one moment
        if why:
            self.say(f"{self.host}: {why}; trying again in {seconds:.0f} s")
        self._stopped.wait(seconds)

    # Tokens

    def _with_token(
        self, method: str, url: str, headers: Mapping[str, str], body: Any
    ) -> Answer:
        """Send with what we have; after a 401 get a token, or a newer one, and send again."""
        for number in range(3):  # the first has no token yet; the second one's may run out
            used = self._authorization(url)
            answer = self.transport.send(method, url, headers, body, used)
            if answer.status != 401 or number == 2 or origin(answer.url) != origin(self._base):
                return answer
            answer.hold()
            if body is not None and not isinstance(body, bytes):
                return answer
            with self._lock:
                nobody_was_quicker = used == self._authorization(url)
                if nobody_was_quicker and not self._find_token(answer):
                    return answer
        raise AssertionError("the last answer is returned")

    def secrets(self) -> tuple[str, str, str, str]:
        """Return (registry, realm, token, password) as far as they are known; each "" if not."""
        password = f"{self.login.user}:{self.login.password}" if self.login else ""
        token = self._token.removeprefix("Bearer ") if self._token.startswith("Bearer ") else ""
        return origin(self._base) if self._base else "", self._realm, token, password

    def may_go(self, url: str) -> dict[str, str]:
        """Return the header that an address may hear; {} for none."""
        asked, realm = ((origin(one), urlsplit(one).path) for one in (url, self._realm))
        if self._realm and asked == realm:
            return {"Authorization": self.login.basic()} if self.login else {}
        return self._authorization(url)

    def _authorization(self, url: str) -> dict[str, str]:
        mine = origin(url) == origin(self._base)
        return {"Authorization": self._token} if self._token and mine else {}

    def _find_token(self, answer: Answer) -> bool:
        """Do what a 401 asks for; False where that is impossible, and the answer stands."""
        found = challenges(answer.headers.get_all("WWW-Authenticate") or [])
        if "bearer" in found:
            token = self._ask_realm(found["bearer"])
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise Blocked(f"{self.host} gave a token that is none", "try it later")
            self._token = f"Bearer {token}"
            return True
        if "basic" in found and self.login and self.transport.is_safe(self._base, self._base):
            fresh = self.login.basic() != self._token
            self._token = self.login.basic()
            return fresh
        return False

    def _ask_realm(self, words: dict[str, str]) -> str:
        """Get a token, in the time that the realm asks for."""
        realm = join(self._base, words.get("realm", ""))
        if not words.get("realm") or not self.transport.is_safe(realm, self._base):
            raise Blocked(
                f"{self.host} sends us for a token to {words.get('realm', '')[:100]!r}, "
                "which is not https",
                NO_TRUST,
            )
        self._realm = realm
        scopes = self.scopes or words.get("scope", "").split()
        service = {"service": words["service"]} if "service" in words else {}
        for number in range(TRIES):
            answer = self._send_to_realm(realm, scopes, service)
            if number + 1 == TRIES or not _passes(answer.status):
                break
            self._wait(answer, FIRST_PAUSE * 2**number)
        if answer.status in (400, 401, 403):
            raise self._no_token(answer)
        if _passes(answer.status):
            raise Blocked(f"{origin(realm)} answers with status {answer.status}", "try it later")
        found = documents.parse(self.expect(answer, 200).read(1 << 20), origin(realm))
        return str(found.get("token") or found.get("access_token") or "")

    def _send_to_realm(self, realm: str, scopes: list[str], service: dict[str, str]) -> Answer:
        """Ask once for a token, with the password or the identity token if there is one."""
        if self.login and self.login.token:
            form = {
                "grant_type": "refresh_token", "client_id": "minidocker",
                "refresh_token": self.login.token, "scope": " ".join(scopes), **service,
            }  # fmt: skip
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return self.transport.send("POST", realm, kind, urlencode(form).encode())
        query = urlencode([*service.items(), *(("scope", scope) for scope in scopes)])
        secrets = {"Authorization": self.login.basic()} if self.login else None
        url = realm + ("&" if urlsplit(realm).query else "?") + query
        return self.transport.send("GET", url, {}, secrets=secrets)

    def _no_token(self, answer: Answer) -> MinidockerError:
        said = _said(answer)
        if self.login:
            return Blocked(
                f"{self.host} does not take the login of {self.login.user or 'this token'}{said}",
                f"minidocker login {self.host}",
            )
        return Blocked(f"{self.host} wants a login{said}", f"minidocker login {self.host}")


def wrong_digest(title: str, wanted: str) -> MinidockerError:
    """Return the error for bytes that are not what was asked for."""
    return Blocked(
        f"{title}: what came is not {wanted[:19]}…, by its digest; nothing of it was used",
        "do not trust this registry, or the way to it; try it again",
    )


def _passes(status: int) -> bool:
    """Say whether another try may help: too many requests, or a server that fails."""
    return status == 429 or (status >= 500 and status != 501)


def _said(answer: Answer) -> str:
    """Return what a registry's error says, on one line, for the end of a sentence."""
    try:
        data = json.loads(answer.read(65536))
        first = data["errors"][0]
        text = str(first.get("message") or first.get("code") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    except MinidockerError:
        return ""
    text = files.printable(text[:200])
    return f": {text}" if text else ""
