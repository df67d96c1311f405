"""RUN --mount: caches, files of the context or a stage, secrets and tmpfs, for one command only."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import posixpath
from typing import NamedTuple

from minidocker.build.dockerfile import Instruction
from minidocker.build.state import State
from minidocker.build.substitute import Words
from minidocker.build.wrong import BuildError, not_built
from minidocker.images.store.store import Store

KINDS = {
    "cache": "target dst destination id sharing mode uid gid readonly ro rw readwrite",
    "bind": "target dst destination source src from readonly ro rw readwrite",
    "secret": "target dst destination id required mode uid gid env",
    "tmpfs": "target dst destination size",
}
FLAGS = ("readonly", "ro", "rw", "readwrite", "required")


class Mount(NamedTuple):
    """One --mount: `target` is absolute; `source` is inside the context or stage `origin`."""

    kind: str
    target: str
    words: dict[str, str]

    @property
    def source(self) -> str:
        """What of the context or stage is mounted."""
        return self.words.get("source") or self.words.get("src") or "/"

    @property
    def origin(self) -> str:
        """The stage or image that it comes from; "" is the context."""
        return self.words.get("from", "")

    @property
    def writable(self) -> bool:
        """Say whether the command may write there: a bind no, unless it says so; a cache yes."""
        found = self.kind != "bind"
        for name, text in self.words.items():
            if name in ("ro", "readonly", "rw", "readwrite"):
                found = (text in ("true", "1")) == (name in ("rw", "readwrite"))
        return found


def read(state: State, one: Instruction, words: Words) -> list[Mount]:
    """Read every --mount of a RUN."""
    return [_mount(state, one, text, words) for name, text in one.flags if name == "mount"]


def origins(one: Instruction) -> list[str]:
    """Return the stages and images that a RUN's mounts take files from."""
    texts = [text for name, text in one.flags if name == "mount"]
    try:
        split = [dict(word.partition("=")[::2] for word in _split(text)) for text in texts]
    except csv.Error:
        return []  # `read` says so
    found = [words.get("from") for words in split]
    return [origin for origin in found if origin]


def _split(text: str) -> list[str]:
    return next(csv.reader([text]), [])


def _mount(state: State, one: Instruction, text: str, words: Words) -> Mount:
    line = one.number
    found = {}
    try:
        parts = _split(text)
    except csv.Error:
        raise BuildError(line, f"RUN --mount={text!r} is no list of KEY=VALUE") from None
    for word in parts:
        name, equals, value = word.partition("=")
        found[name.lower()] = words.word(value) if equals else "true"
    kind = found.pop("type", "bind")
    look_at(kind, found, line)
    target = target_of(kind, found, line)
    if target:
        base = str(state.config.get("WorkingDir") or "/")
        target = "/" + posixpath.normpath(posixpath.join(base, target)).lstrip("/")
        if target == "/":
            raise BuildError(line, "RUN --mount cannot cover /", "target=/PATH",
                             'invalid mount target "/"')  # fmt: skip
    return Mount(kind, target, found)


def look_at(kind: str, found: dict[str, str], line: int) -> None:
    """Refuse what a mount of this kind cannot say."""
    if kind not in KINDS:
        remedy = "type=cache, bind, secret or tmpfs"
        raise not_built(line, f"RUN --mount=type={kind}", remedy)
    if kind == "bind" and Mount(kind, "", found).writable:
        raise not_built(line, "RUN --mount=type=bind with rw", "COPY it, or type=cache")
    for name in found:
        if name not in KINDS[kind].split():
            raise BuildError(line, f"RUN --mount=type={kind} knows no {name}", KINDS[kind],
                             f"unexpected key '{name}' for mount type '{kind}'")  # fmt: skip
        if name in FLAGS and found[name] not in ("true", "false", "1", "0"):
            raise BuildError(line, f"RUN --mount: {name}={found[name]} is neither true nor false")


def target_of(kind: str, found: dict[str, str], line: int) -> str:
    """Return where a mount is shown, as written; "" for a secret that is a variable alone."""
    target = found.get("target") or found.get("dst") or found.get("destination") or ""
    if kind == "secret":
        name = found.get("id") or posixpath.basename(target)
        if not name:
            raise BuildError(line, "RUN --mount=type=secret says no id", "id=NAME")
        found["id"] = name
        target = target or ("" if "env" in found else f"/run/secrets/{name}")
    elif not target:
        raise BuildError(line, f"RUN --mount=type={kind} says no target", "target=/PATH",
                         "target is required")  # fmt: skip
    return target


def option(source: str, mount: Mount, writable: bool = False) -> list[str]:
    """Return the option of `run` that binds a path of the host; it never writes where it reads."""
    text = ["type=bind", f"source={source}", f"target={mount.target}"]
    return ["--mount", _join([*text, *([] if writable else ["readonly"])])]


def _join(words: list[str]) -> str:
    quoted = ['"' + word.replace('"', '""') + '"' if set(word) & set(',"') else word
              for word in words]  # fmt: skip
    return ",".join(quoted)


def tmpfs(mount: Mount) -> list[str]:
    """Return the option of `run` for a tmpfs."""
    size = mount.words.get("size")
    return ["--tmpfs", mount.target + (f":size={size}" if size else "")]


class Cache:
    """The directory that a cache mount keeps, locked where builds shall not share it."""

    def __init__(self, store: Store, mount: Mount, line: int) -> None:
        name = mount.words.get("id") or mount.target
        sharing = mount.words.get("sharing", "shared")
        if sharing not in ("shared", "private", "locked"):
            raise BuildError(line, f"sharing={sharing} is none of shared, private, locked", "",
                             f"unsupported sharing value {sharing!r}")  # fmt: skip
        hex = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        self.path = ""
        self._lock = -1
        for number in range(1000):
            self.path = store.path("build", "caches", hex + (f"-{number}" if number else ""))
            os.makedirs(store.path("build"), 0o700, exist_ok=True)
            fresh = not os.path.isdir(self.path)
            os.makedirs(self.path, exist_ok=True)
            if fresh:
                _dress(self.path, mount, line)
            if sharing == "shared":
                return
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            wait = 0 if sharing == "locked" else fcntl.LOCK_NB
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | wait)
                return
            except BlockingIOError:  # private: another build has this one
                self.close()

    def close(self) -> None:
        """Let others have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _dress(path: str, mount: Mount, line: int) -> None:
    """Give a new directory its mode and owner; an ordinary user's is root's inside."""
    os.chmod(path, number(mount, "mode", line, 8, 0o755))
    uid, gid = number(mount, "uid", line), number(mount, "gid", line)
    if (uid or gid) and not os.geteuid():
        os.chown(path, uid, gid)


def number(mount: Mount, name: str, line: int, base: int = 10, default: int = 0) -> int:
    """Read a number that a mount may say."""
    try:
        found = int(mount.words.get(name) or oct(default)[2:], base) if base == 8 else int(
            mount.words.get(name) or default)  # fmt: skip
    except ValueError:
        found = -1
    if not 0 <= found < 1 << 32:
        raise BuildError(line, f"RUN --mount: {name}={mount.words[name]} is no such number")
    return found
