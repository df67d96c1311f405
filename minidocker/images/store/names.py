"""Names of images, as in Docker: [HOST[:PORT]/]PATH[:TAG][@DIGEST].

The tag is "latest" when left out. A first part without "." and ":" that is not "localhost" is no
host but a part of the path, and then the host is Docker Hub's: `debian` is short for
`docker.io/library/debian`. The store keeps the short form, whichever was asked for.
"""

from __future__ import annotations

import re

from minidocker.errors import UsageError
from minidocker.images.store.image import with_tag

# The grammar of the OCI distribution specification; the first part may also be HOST:PORT.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?/)?"
_TAG = r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(rf"{_HOST}{_PART}(?:/{_PART})*(?:{_TAG})?(?:@sha256:[0-9a-f]{{64}})?")
_ID = re.compile(r"[0-9a-f]{64}")
LONGEST = 255  # a name becomes one file name, see NAME_MAX in limits.h
HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")


def check(name: str) -> str:
    """Return the full name with its tag, or raise UsageError with the rule that it breaks."""
    full = any_name(name)
    if "@" in full:
        raise UsageError(f"{name!r} has a digest, and only a pull can give one", "NAME:TAG")
    path = full.rpartition(":")[0]
    if path == "sha256" or _ID.fullmatch(path):  # a stranger's archive would answer for an id
        raise UsageError(
            f"{name!r} would be taken for the id of an image", "another name",
            docker="refusing to create an ambiguous tag using digest algorithm as name"
            if path == "sha256" else
            f"invalid repository name ({path}), cannot specify 64-byte hexadecimal strings",
        )  # fmt: skip
    return full


def any_name(name: str) -> str:
    """The same for a name that may have a digest: NAME@sha256:…, and then no tag counts."""
    if len(name) > LONGEST:
        raise UsageError(
            f"the image name is {len(name)} characters long; {LONGEST} are the most",
            "use a shorter name",
        )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a name for an image",
            "use lower-case letters, digits and . _ - inside, and :TAG if you like: debian:12",
            docker=_dockers_words(name),
        )
    return _short(name)


def _dockers_words(name: str) -> str:
    """Return what Docker says of a name that is none."""
    said, host = "invalid reference format", _host_of(name)
    path = name.removeprefix(host + "/").partition("@")[0]
    end = path.rfind("/") + 1
    path = path[:end] + path[end:].partition(":")[0]
    if path == path.lower() or not _NAME.fullmatch(name.lower()):
        return said
    path = path if host or end else f"library/{path}"
    return f"{said}: repository name ({path}) must be lowercase"


def _host_of(name: str) -> str:
    """Return the host that a name begins with; "" for Docker Hub's."""
    first, slash, _ = name.partition("/")
    host = slash and (set(first) & set(".:") or first == "localhost" or first != first.lower())
    return first if host else ""


def _short(name: str) -> str:
    name, at, digest = name.partition("@")
    if _host_of(name) in HUB:
        name = name.partition("/")[2]
    if not _host_of(name.removeprefix("library/")):
        name = name.removeprefix("library/")
    if at:
        end = name.rfind("/") + 1
        return name[:end] + name[end:].partition(":")[0] + at + digest
    return with_tag(name)


def split(full: str) -> tuple[str, str, str]:
    """Return (host, path, tag or digest) of a full name, as a registry is asked for it."""
    rest, at, reference = full.partition("@")
    if not at:
        rest, _, reference = full.rpartition(":")
    host = _host_of(rest)
    path = rest.removeprefix(host + "/") if host else rest
    if not host:
        host = HUB[0]
        path = path if "/" in path else "library/" + path
    return host, path, reference
