"""Which containers `ps --filter` asks for: those of Docker's filters that a record can answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from minidocker.engine.standing import STATES, exit_code, moment, state_of
from minidocker.errors import MinidockerError
from minidocker.images.store.catalogue import layers_of
from minidocker.images.store.store import Store
from minidocker.runtime import reading

Record = dict[str, Any]


def wrong(text: str) -> MinidockerError:
    """Say that a filter is none."""
    return MinidockerError(
        f"--filter {text!r} is no filter of ours",
        f"--filter NAME=VALUE with one of: {' '.join(sorted(FILTERS))}", 1,
        docker=f"invalid filter '{text}'",
    )  # fmt: skip


class Filters:
    """What several --filter ask for: one value of a name is enough, each label must be there."""

    def __init__(self, store: Store, texts: list[str]) -> None:
        self.asked: dict[str, list[Callable[[Record], bool]]] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            name = name.strip().lower()
            if not equals or name not in FILTERS:
                raise wrong(text)
            self.asked.setdefault(name, []).append(FILTERS[name](store, value.strip(), text))

    def __contains__(self, name: str) -> bool:
        return name in self.asked

    def fit(self, record: Record) -> bool:
        """Say whether a container is asked for."""
        return all(
            (all if name == "label" else any)(one(record) for one in tests)
            for name, tests in self.asked.items()
        )


def by_name(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take names in which a pattern occurs; a text that is no pattern is taken as it is."""
    try:
        pattern = re.compile(value)
    except re.error:
        pattern = re.compile(re.escape(value))
    return lambda record: bool(
        pattern.search(record["name"]) or pattern.search("/" + record["name"])
    )


def by_status(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those that are so now."""
    if value not in STATES:
        raise MinidockerError(f"--filter {text!r}: there is no such status", " ".join(STATES), 1,
                              docker=f"invalid filter '{text}'")  # fmt: skip
    return lambda record: state_of(record) == value


def by_exit(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those that ended with this exit status."""
    try:
        code = int(value)
    except ValueError:
        raise wrong(text) from None
    return lambda record: state_of(record) == "exited" and exit_code(record) == code


def by_label(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those with this label: NAME, or NAME=VALUE."""
    name, equals, wanted = value.partition("=")

    def fits(record: Record) -> bool:
        labels = spec_of(record).get("labels") or {}
        return name in labels and (not equals or labels[name] == wanted)

    return fits


def by_ancestor(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take containers of an image, or of one that was made on top of it."""
    try:
        image = store.resolve(value)
        below = ["sha256:" + layer for layer in layers_of(store, image.id.removeprefix("sha256:"))]
    except MinidockerError:
        return lambda record: record["image"] == value

    def fits(record: Record) -> bool:
        layers = (spec_of(record).get("root") or {}).get("layers") or []
        digests = [f"sha256:{path.split('/')[-2]}" for path in layers if path.count("/") > 2]
        return bool(below) and digests[: len(below)] == below

    return fits


def beside(value: str, store: Store) -> tuple[float, str]:
    """Return when another container was created, and its id."""
    other = reading.find(store.root, value)
    return moment(other, "created"), str(other["id"])


def by_before(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those that were created before another one."""
    when, id = beside(value, store)
    return lambda record: record["id"] != id and moment(record, "created") < when


def by_since(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those that were created after another one."""
    when, id = beside(value, store)
    return lambda record: record["id"] != id and moment(record, "created") > when


def by_volume(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those with a volume of this name, source or place."""
    return lambda record: any(
        value in (mount.get("volume"), mount.get("source"), mount.get("destination"))
        for mount in spec_of(record).get("mounts") or ()
    )


def by_network(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those in this network."""
    return lambda record: network_of(record) == value


def by_port(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those that publish this port of theirs: 80, 80/udp, or 80-90/tcp."""
    ports, _, protocol = value.partition("/")
    first, _, last = ports.partition("-")
    if not first.isdecimal() or (last and not last.isdecimal()):
        raise wrong(text)
    wanted = range(int(first), int(last or first) + 1)
    return lambda record: any(
        port["container"] in wanted and port["protocol"] == (protocol or "tcp")
        for port in (spec_of(record).get("net") or {}).get("ports") or ()
    )


def by_health(store: Store, value: str, text: str) -> Callable[[Record], bool]:
    """Take those whose health check says so; "none" for those without one."""
    if value not in ("starting", "healthy", "unhealthy", "none"):
        raise wrong(text)
    return lambda record: ((record.get("health") or {}).get("Status") or "none") == value


def spec_of(record: Record) -> dict[str, Any]:
    """Return what was asked for; {} for a record that was cut off."""
    return record.get("spec") or {}


def network_of(record: Record) -> str:
    """Return the name of the container's network: bridge, its own one, host, none, container:…"""
    spec = spec_of(record)
    return str(
        (spec.get("net") or {}).get("name") or (spec.get("sharing") or {}).get("net") or "none"
    )


FILTERS: dict[str, Callable[[Store, str, str], Callable[[Record], bool]]] = {
    "id": lambda store, value, text: lambda record: record["id"].startswith(value),
    "name": by_name,
    "label": by_label,
    "exited": by_exit,
    "status": by_status,
    "ancestor": by_ancestor,
    "before": by_before,
    "since": by_since,
    "volume": by_volume,
    "network": by_network,
    "publish": by_port,
    "expose": by_port,
    "health": by_health,
}
