"""Who we are to a registry: names and passwords as Docker and Podman keep them.

    $REGISTRY_AUTH_FILE, or else $DOCKER_CONFIG/config.json, or else ~/.docker/config.json
        auths        host → base64 of NAME:PASSWORD
        credHelpers  host → NAME: the program docker-credential-NAME keeps it
        credsStore   NAME: that program keeps all others

A password is asked for by its registry's name, given to nobody else, and never printed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from typing import Any, NamedTuple

from minidocker.errors import Blocked, UsageError
from minidocker.images.store import names

HUB_KEY = "https://index.docker.io/v1/"
PATIENCE = 120  # seconds for a helper, which may ask its user
NO_LOGIN = ("credentials not found", "no credentials")  # what helpers say of an unknown host


class Login(NamedTuple):
    """A name and password; or an identity token in `token`, from which others are had."""

    user: str = ""
    password: str = ""
    token: str = ""

    def basic(self) -> str:
        """Return the value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def file_name() -> str:
    """Return the path of the file that holds logins."""
    if given := os.environ.get("REGISTRY_AUTH_FILE"):
        return given
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return os.path.join(folder, "config.json")


def find(host: str, path: str = "") -> Login | None:
    """Return the login for a registry (as `names.split` calls it); None where there is none."""
    settings = _load()
    helpers = settings.get("credHelpers") or {}
    keys, store = _keys(host, path), settings.get("credsStore")
    for key in keys:
        if isinstance(helpers, dict) and key in helpers:
            if helpers[key]:
                return _ask_helper(str(helpers[key]), key)
            store = ""  # the file itself keeps this one, whoever keeps the others
    auths = settings.get("auths") or {}
    for key in [*keys, *(key for key in auths if _is_url_of(key, host))]:
        if found := _from_entry(auths.get(key)):
            return found
    for key in keys[-1:] if store else ():
        if found := _ask_helper(str(store), key):
            return found
    return None


def keep(host: str, login: Login) -> str:
    """Keep a login; return where: a file's name, or a helper's."""
    settings, key = _load(), _keys(host)[-1]
    helper = _helper_of(settings, key)
    if helper:
        word = {"ServerURL": key, "Username": login.user, "Secret": login.password}
        _run_helper(str(helper), "store", json.dumps(word))
        return f"docker-credential-{helper}"
    auths = settings.setdefault("auths", {})
    auths[key] = {"auth": login.basic().partition(" ")[2]}
    return _save(settings)


def forget(host: str) -> bool:
    """Remove a login; say whether there was one."""
    settings, keys = _load(), _keys(host)
    helper = _helper_of(settings, keys[-1])
    if helper:
        _run_helper(str(helper), "erase", keys[-1])
    auths = settings.get("auths") or {}
    known = [key for key in keys if key in auths]
    for key in known:
        del auths[key]
    if known:
        _save(settings)
    return bool(known or helper)


def _helper_of(settings: dict[str, Any], key: str) -> str:
    """Return who keeps the login for a key; "": the file itself."""
    helpers = settings.get("credHelpers")
    if isinstance(helpers, dict) and key in helpers:
        return str(helpers[key])
    return str(settings.get("credsStore") or "")


def _keys(host: str, path: str = "") -> list[str]:
    """Return how the file may call a registry; the last is the word that we write.

    Podman also keeps logins for a part of a registry: the longest that fits comes first.
    """
    parts = path.split("/") if path else []
    inner = [f"{host}/{'/'.join(parts[:end])}" for end in range(len(parts), 0, -1)]
    if host in names.HUB:
        return [*inner, *names.HUB[:3], HUB_KEY]
    urls = [f"{scheme}://{host}{end}" for scheme in ("https", "http") for end in ("", "/", "/v1/")]
    return [*inner, *urls, host]


def _is_url_of(key: str, host: str) -> bool:
    """Say whether a key is an address at a registry, as `https://ghcr.io/v2/`: Docker takes it."""
    scheme, sign, rest = key.partition("://")
    return bool(sign) and scheme in ("http", "https") and rest.partition("/")[0] == host


def _from_entry(entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    token = entry.get("identitytoken") or ""
    if entry.get("username") and entry.get("password"):
        return Login(str(entry["username"]), str(entry["password"]), str(token))
    try:
        text = base64.b64decode(str(entry.get("auth") or "")).decode()
    except (ValueError, binascii.Error):
        return None
    user, _, password = text.partition(":")
    return Login(user, password.rstrip("\0"), str(token)) if user or token else None


def _load() -> dict[str, Any]:
    path = file_name()
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise UsageError(f"{path} cannot be read: {problem}", "mend it, or move it away") from None
    if not isinstance(found, dict) or not isinstance(found.get("auths") or {}, dict):
        raise UsageError(f"{path} is no file of logins", "mend it, or move it away")
    return found


def _save(settings: dict[str, Any]) -> str:
    """Write the file whole, for nobody else's eyes; a link to it stays a link."""
    path = os.path.realpath(file_name())
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    fresh = f"{path}.{os.getpid()}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        json.dump(settings, file, indent=1)
    os.rename(fresh, path)
    return path


def _ask_helper(helper: str, key: str) -> Login | None:
    told = _run_helper(helper, "get", key)
    if told is None:
        return None
    try:
        found = json.loads(told)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError):
        raise Blocked(f"docker-credential-{helper} gave no login", "minidocker logout") from None
    return Login(token=secret) if user == "<token>" else Login(user, secret)


def _run_helper(helper: str, verb: str, text: str) -> str | None:
    """Ask a credential helper; None where it knows no login. Its answer is shown to nobody."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
        raise UsageError(f"{helper!r} is no credential helper", f"mend {file_name()}")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, verb], input=text, capture_output=True, text=True, timeout=PATIENCE
        )
    except FileNotFoundError:
        raise Blocked(
            f"{file_name()} wants {program}, which is not here",
            f"install it, or mend {file_name()}",
        ) from None
    except (OSError, subprocess.TimeoutExpired):
        raise Blocked(f"{program} does not answer", f"mend {file_name()}") from None
    if done.returncode == 0:
        return done.stdout
    if verb != "store" and any(word in done.stdout for word in NO_LOGIN):
        return None
    raise Blocked(f"{program} failed: {done.stdout.strip()[:200]}", f"mend {file_name()}")
