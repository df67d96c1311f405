"""What a build is asked for, read once, before the first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minidocker.build.dockerfile import Dockerfile
from minidocker.build.ignore import Ignore
from minidocker.build.state import PROXIES
from minidocker.images.store import oci
from minidocker.images.store.store import Store

SECOND = 10**9


class Secret(NamedTuple):
    """What --secret gives: the bytes of a file, or of a variable."""

    data: bytes


class Request(NamedTuple):
    """One build. `title` is the Dockerfile's name for messages; `context` a directory, or "".

    `own` are the learner's functions that serve in it, by name: see own.py. `walls` are the options
    of every RUN: whose walls it has (--mine), and its limits.
    `bring(name, platform, always)` gets an image from its registry; `say(line)` tells people.
    """

    store: Store
    title: str
    dockerfile: Dockerfile
    context: str
    ignore: Ignore
    args: dict[str, str]
    secrets: dict[str, Secret]
    labels: dict[str, str]
    target: str
    no_cache: bool
    platform: str
    network: str
    pull: bool
    epoch: int | None
    quiet: bool
    bring: Callable[[str, str, bool], None]
    say: Callable[[bytes], None]
    own: Mapping[str, Callable[..., Any]] = {}
    walls: tuple[str, ...] = ()

    def newest(self) -> int | None:
        """Return the latest time that a layer may have, in ns."""
        return None if self.epoch is None else self.epoch * SECOND

    def now(self) -> str:
        """Return when a step is done: SOURCE_DATE_EPOCH where it is given."""
        return oci.now() if self.epoch is None else oci.time_text(self.epoch)

    def proxies(self) -> dict[str, str]:
        """Return the variables of proxies that --build-arg gives."""
        return {name: self.args[name] for name in PROXIES if name in self.args}

    def platforms(self) -> dict[str, str]:
        """Return the variables that Docker predefines: TARGETARCH and its like."""
        found = {}
        for word, platform in (("TARGET", oci.read_platform(self.platform)), ("BUILD", oci.here())):
            found[word + "PLATFORM"] = oci.platform_text(platform)
            found[word + "OS"] = platform["os"]
            found[word + "ARCH"] = platform["architecture"]
            found[word + "VARIANT"] = platform.get("variant", "")
        return found
