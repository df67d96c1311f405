"""Which containers `ps --filter` asks for: those of Docker's filters that a record can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from minidocker.engine.standing import STATES, exit_code, moment, state_of
from minidocker.errors import MinidockerError
from minidocker.images.store.catalogue import layers_of
from minidocker.images.store.store import Store
from minidocker.net import changed
from minidocker.runtime import reading
from minidocker.spec.filters import Filters, OneOf, has_label, pattern

Record = dict[str, Any]
HEALTH = ("starting", "healthy", "unhealthy", "none")


def read(store: Store, texts: Sequence[str]) -> Filters:
    """Read --filter of `ps`: tests of a container's record."""
    return Filters(texts, {name: partial(test, store) for name, test in FILTERS.items()})


def by_name(store: Store, value: str) -> Callable[[Record], bool]:
    """Take names in which a pattern occurs."""
    asked = pattern(value)
    return lambda record: bool(asked.search(record["name"]) or asked.search("/" + record["name"]))


def by_status(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those that are so now."""
    if value not in STATES:
        raise OneOf(*STATES)
    return lambda record: state_of(record) == value


def by_exit(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those that ended with this exit status."""
    code = int(value)
    return lambda record: state_of(record) == "exited" and exit_code(record) == code


def by_label(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those with this label: NAME, or NAME=VALUE."""
    return lambda record: has_label(spec_of(record).get("labels") or {}, value)


def by_ancestor(store: Store, value: str) -> Callable[[Record], bool]:
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


def by_before(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those that were created before another one."""
    when, id = beside(value, store)
    return lambda record: record["id"] != id and moment(record, "created") < when


def by_since(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those that were created after another one."""
    when, id = beside(value, store)
    return lambda record: record["id"] != id and moment(record, "created") > when


def by_volume(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those with a volume of this name, source or place."""
    return lambda record: any(
        value in (mount.get("volume"), mount.get("source"), mount.get("destination"))
        for mount in spec_of(record).get("mounts") or ()
    )


def by_network(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those in this network."""
    return lambda record: value in networks_of(record)


def by_port(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those that publish this port of theirs: 80, 80/udp, or 80-90/tcp."""
    ports, _, protocol = value.partition("/")
    first, _, last = ports.partition("-")
    if not first.isdecimal() or (last and not last.isdecimal()):
        raise ValueError(value)
    wanted = range(int(first), int(last or first) + 1)
    return lambda record: any(
        port["container"] in wanted and port["protocol"] == (protocol or "tcp")
        for port in (spec_of(record).get("net") or {}).get("ports") or ()
    )


def by_health(store: Store, value: str) -> Callable[[Record], bool]:
    """Take those whose health check says so; "none" for those without one."""
    if value not in HEALTH:
        raise OneOf(*HEALTH)
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


def networks_of(record: Record) -> list[str]:
    """List all networks that the container is in, or will be when it starts."""
    first = network_of(record)
    asked = (spec_of(record).get("net") or {}).get("more") or ()
    if names := changed.names(record["directory"]):
        return [name or first for name in names]
    return [first, *(net["name"] for net in asked)]


FILTERS: dict[str, Callable[[Store, str], Callable[[Record], bool]]] = {
    "id": lambda store, value: lambda record: record["id"].startswith(value),
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
