"""Reading: the record of one container, or of each, as it is at this moment."""

from __future__ import annotations

import os

from minidocker.errors import Conflict, MinidockerError, NotFound
from minidocker.places import at_once
from minidocker.runtime import healthy, last_word, state, updated, whole
from minidocker.runtime.happened import name_of
from minidocker.spec.read_json import loads

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def records(root: str, word: str = "") -> Iterator[dict[str, Any]]:
    """Yield the record of each container, with "alive" and "directory" added.

    A directory without a readable record (its start was cut off) gives a record with the id only.
    With `word`, a container whose record does not have it anywhere may be left out: to read a file
    costs a twentieth of making a record of it.
    """
    containers = f"{root}/containers"
    for id in sorted(os.listdir(containers)) if os.path.isdir(containers) else []:
        if has(f"{containers}/{id}/record.json", word) and (record := one(root, id)):
            yield record


def has(file: str, word: str) -> bool:
    """Say whether a file may have a word in it: one that cannot be read, or is empty, may."""
    try:
        with open(file, "rb", opener=at_once) as stream:
            data = stream.read().strip(b"\0")
            return not data or word.encode() in data
    except OSError:
        return True


def one(root: str, id: str) -> dict[str, Any] | None:
    """Return the record of one container, as `records` does; None when it is not there."""
    directory = f"{root}/containers/{id}"
    if id == "names":
        return None
    try:
        with open(f"{directory}/record.json", encoding="utf-8", opener=at_once) as stream:
            record = loads(stream.read())
        if not whole.is_record(record, id):
            raise ValueError
    except FileNotFoundError:
        if not os.path.isdir(directory):
            return None  # it ended while we looked
        record = {"id": id, "name": "", "image": "", "status": "created", "facts": {}}
    except PermissionError:
        raise MinidockerError(
            f"the containers in {root} are not yours to look at", "the same with sudo"
        ) from None
    except (OSError, ValueError, RecursionError):  # one that is spoilt hides no other
        record = {"id": id, "name": "", "image": "", "status": "unreadable", "facts": {}}
    updated.apply(record, directory)
    healthy.apply(record, directory)
    name = name_of(directory, record["name"])
    record.update(name=name, directory=directory, alive=state.is_alive(directory))
    if not record["alive"] and record["status"] == "running" and record.get("keeper"):
        # The one that wrote "running" was killed. None: so were both, and nobody saw the end.
        record.update(status="exited", exit_code=last_word.read(f"{directory}/lock"))
    found: dict[str, Any] = record
    return found


def find(root: str, name: str) -> dict[str, Any]:
    """Return the record of a container by id, name ("box" or "/box"), or the id's beginning.

    An id comes before a name, a name before a beginning, as in Docker. Conflict: several begin so.
    """
    if record := by_its_place(root, name):
        return record
    everything = list(records(root)) if name.strip("/") else []
    found = [r for r in everything if r["name"] and r["name"] == name.removeprefix("/")]
    found = found or [r for r in everything if r["id"].startswith(name)]
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} containers have ids that begin with {name}", "minidocker ps -a",
            docker=f"Multiple IDs found with provided prefix: {name}",
        )  # fmt: skip
    if not found:
        raise NotFound(
            f"there is no container {name}", "minidocker ps -a",
            docker=f"No such container: {name}",
        )  # fmt: skip
    return found[0]


def by_its_place(root: str, name: str) -> dict[str, Any] | None:
    """Return the record of a container by its whole id or its name, without a look at the others.

    None: neither is so called. What commands do with hundreds would else grow as their square.
    """
    bare = name.removeprefix("/")
    if bare in ("", ".", "..") or "/" in bare:
        return None
    there = bare == name and os.path.isdir(f"{root}/containers/{name}")
    if there and (record := one(root, name)):
        return record
    try:
        id = os.path.basename(os.readlink(f"{root}/containers/names/{bare}"))
    except (OSError, ValueError):  # nobody is called so, or nobody could be
        return None
    record = one(root, id)
    return record if record and record["name"] == bare else None
