"""The learner's functions in a build: cache_key names a step, pack writes the layer of a RUN.

Their key is asked for what the lesson asks for: the parent, the step's words, the files' contents.
What no exercise has, owners and modes and the platform, is added by us; so a step of theirs
is remembered apart from ours, and never stands for one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Protocol

from minidocker.build import layers
from minidocker.build.addition import Addition
from minidocker.build.request import Request
from minidocker.build.wrong import BuildError
from minidocker.images.store import oci
from minidocker.images.store.partial import Partial
from minidocker.images.store.store import Store

NAMED, MADE = b"your cache_key named this step", b"your pack made this layer"


class Work(Protocol):
    """What is asked of a stage at work: see at_work.py."""

    request: Request
    store: Store

    def say(self, text: bytes) -> None:
        """Tell people a line of the step."""

    def hexes(self) -> list[str]:
        """Return the layers so far, bottom first."""

    def base(self) -> list[object]:
        """Return what every step depends on; the layers are the first of it."""


def parent_of(hexes: Sequence[str]) -> str:
    """Return one digest for layers over one another, bottom first; "" for none.

    The specification's ChainID: config.md of the OCI image specification.
    """
    found = ""
    for hex in hexes:
        one = f"sha256:{hex}"
        words = f"{found} {one}".encode()
        found = f"sha256:{hashlib.sha256(words).hexdigest()}" if found else one
    return found


def key_of_addition(steps: Work, words: str, addition: Addition, line: int) -> str:
    """Return the key of a step that adds files, by the learner's cache_key; "" where there is none.

    It gets a copy of each file, so that nothing of the host's can be reached through a name.
    """
    if "cache_key" not in steps.request.own:
        return ""
    with Partial(steps.store) as work:
        files = {}
        for number, (path, pieces) in enumerate(addition.contents()):
            place = work.path(f"asked-{number}")
            with open(place, "wb") as file:
                file.writelines(pieces)
            files[os.fsdecode(b"/".join(path))] = place
        rest = [*steps.base()[1:], addition.fingerprint(contents=False)]
        return key(steps, words, files, rest, line)


def key(steps: Work, words: str, files: dict[str, str], rest: list[object], line: int) -> str:
    """Return the key of a step by the learner's cache_key, and the rest that it depends on."""
    asked = steps.request.own["cache_key"]
    answer = asked(parent_of(steps.hexes()), words, files)
    if not isinstance(answer, str) or not re.fullmatch("[0-9a-f]{64}", answer):
        told = f"your cache_key gave {answer!r:.70}"
        raise BuildError(line, f"{told}: no 64 hex digits", "minidocker grade cache_key")
    steps.say(NAMED)
    return layers.key_of("of the learner", answer, rest)


def packed(steps: Work, recipe: oci.Json) -> oci.Json:
    """Say whose pack has made a layer, where it was the learner's."""
    if "pack" in steps.request.own and recipe["layer"]:
        steps.say(MADE)
    return recipe
