"""Who may do what in our registry: passwords, and tokens that stand for them for a while.

A client asks for something and hears 401, with where a token is to be had (the realm) and for what
(the scope). It asks the realm with its password, and comes again with the token. Our token is
what it allows, in JSON, with an HMAC behind it: whoever changes a byte has no token any more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

LIFE = 300  # seconds


class Guard:
    """Knows one user; `anonymous` also gives tokens without a password, to pull with.

    `basic` asks for the password with each request, and has no tokens.
    """

    def __init__(self, user: str, anonymous: bool = False, basic: bool = False) -> None:
        self.user = user  # NAME:PASSWORD
        self.anonymous = anonymous
        self.basic = basic
        self.life = LIFE
        self._key = secrets.token_bytes(32)

    def knows(self, header: str) -> bool:
        """Say whether an Authorization header has the name and password."""
        kind, _, word = header.partition(" ")
        try:
            given = base64.b64decode(word, validate=True)
        except (ValueError, binascii.Error):
            return False
        return kind.lower() == "basic" and hmac.compare_digest(given, self.user.encode())

    def give(self, header: str, scopes: list[str]) -> str | None:
        """Return a token for what may be had of these scopes; None for a wrong password."""
        if header and not self.knows(header):
            return None
        if not header and not self.anonymous:
            return None
        allowed = {}
        for scope in scopes:
            kind, name, actions = ([*scope.split(":"), "", ""])[:3]
            may = set(actions.split(",")) & ({"pull", "push", "delete"} if header else {"pull"})
            if kind == "repository" and may:
                allowed[name] = sorted(may)
        word = json.dumps({"access": allowed, "until": time.time() + self.life}).encode()
        return f"{_letters(word)}.{_letters(self._sign(word))}"

    def allows(self, header: str, name: str, action: str) -> bool:
        """Say whether an Authorization header lets its bearer do this to a repository."""
        if self.basic:
            return self.knows(header)
        kind, _, token = header.partition(" ")
        body, _, mark = token.partition(".")
        try:
            word = base64.urlsafe_b64decode(body)
            signed = hmac.compare_digest(base64.urlsafe_b64decode(mark), self._sign(word))
            found: Any = json.loads(word) if signed and kind.lower() == "bearer" else {}
        except (ValueError, binascii.Error):
            return False
        if found.get("until", 0) < time.time():
            return False
        return not name or action in found["access"].get(name, [])

    def _sign(self, word: bytes) -> bytes:
        return hmac.digest(self._key, word, hashlib.sha256)


def _letters(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
