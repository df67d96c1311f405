"""The events of the store, read: those of the past, and each new one as it comes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from minidocker.errors import MinidockerError
from minidocker.formats.values import Map
from minidocker.runtime import happened, state
from minidocker.runtime.happened import FILE
from minidocker.spec.filters import Filters, has_label

if TYPE_CHECKING:
    from minidocker.images.store.changes import Removed

Event = dict[str, Any]
STEP = 0.1  # seconds between two looks at the file
FILTERS = ("container", "event", "image", "label", "network", "type", "volume")


def tell(record: dict[str, Any], action: str, **more: object) -> None:
    """Append what a command does to a container: kill, stop, pause, unpause, rename."""
    run = state.run_of(record)
    run.spec.labels = (record.get("spec") or {}).get("labels") or {}
    happened.tell(run, action, **more)


def gone(root: str, removed: Iterable[Removed]) -> Iterator[Removed]:
    """Tell of each name and each image that is removed, and pass all on."""
    for one in removed:
        if one.kind in ("name", "image"):
            action = "untag" if one.kind == "name" else "delete"
            happened.tell_of("image", root, action, one.name, name=one.name)
        yield one


def pruned(root: str, kind: str, freed: int) -> None:
    """Tell that all of one kind which nobody needs was removed; `freed` are bytes."""
    happened.tell_of(kind, root, "prune", "", reclaimed=str(freed))


class Events:
    """The lines of a store's file, from the oldest that is kept; it may be rotated meanwhile."""

    def __init__(self, root: str) -> None:
        self.path = f"{root}/{FILE}"
        self.fd = -1
        self.rest = b""

    def past(self) -> Iterator[Event]:
        """Yield what has happened until now."""
        for path in (f"{self.path}.1", self.path):
            self.open(path)
            yield from self.lines()

    def come(self) -> Iterator[Event | None]:
        """Yield what happens from now on; None when nothing does for a moment."""
        while True:
            yield from self.lines()
            if self.is_old():
                yield from self.lines()  # what came before the new file began
                self.open(self.path)
            else:
                yield None

    def skip(self) -> None:
        """Go to the end: what was until now is not wanted."""
        self.open(self.path)
        if self.fd >= 0:
            os.lseek(self.fd, 0, os.SEEK_END)

    def open(self, path: str) -> None:
        """Go on with this file; none, where it is not there."""
        if self.fd >= 0:
            os.close(self.fd)
        self.rest = b""
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self.fd = -1
        except PermissionError:
            raise MinidockerError("the events are another user's", "sudo minidocker events") \
                from None  # fmt: skip

    def is_old(self) -> bool:
        """Say whether another file is there now under the name."""
        try:
            new = os.stat(self.path).st_ino
        except FileNotFoundError:
            return False
        return self.fd < 0 or new != os.fstat(self.fd).st_ino

    def lines(self) -> Iterator[Event]:
        """Yield the events that are in the file and were not read yet; what is none is skipped."""
        while self.fd >= 0 and (piece := os.read(self.fd, 1 << 16)):
            *whole, self.rest = (self.rest + piece).split(b"\n")
            for line in whole:
                if event := read(line):
                    yield event


def read(line: bytes) -> Event | None:
    """Return one event; None for a line that a full disk or a power cut has spoilt."""
    try:
        event = json.loads(line)
        event["Actor"]["Attributes"] = Map(event["Actor"]["Attributes"])
        int(event["timeNano"])
        whole = event["Type"] and event["Action"] and isinstance(event["Actor"]["ID"], str)
        return event if whole else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def wanted(texts: Sequence[str]) -> Filters:
    """Read --filter of `events`."""
    return Filters(texts, {name: partial(by, name) for name in FILTERS})


def by(name: str, value: str) -> Callable[[Event], bool]:
    """Take events that have this value."""
    return lambda event: one(event, name, value)


def one(event: Event, name: str, value: str) -> bool:
    """Say whether an event has this value."""
    facts, id = event["Actor"]["Attributes"], str(event["Actor"]["ID"])
    if name in ("container", "network", "volume"):
        of_it = event["Type"] == name
        return of_it and (id.startswith(value) or str(facts.get("name", "")).startswith(value))
    if name == "image":
        is_one = event["Type"] == "image"
        image = str(facts.get("name" if is_one else "image", ""))
        return value in (image, image.partition(":")[0], id if is_one else image)
    if name == "label":
        return has_label(facts, value)
    if name == "event":  # "health_status: healthy" is a health_status, as in Docker
        action = str(event["Action"])
        return value in (action, action.partition(":")[0])
    return str(event["Type"]) == value


def wait() -> None:
    """Let a moment pass between two looks."""
    time.sleep(STEP)
