"""--filter of the words that prune: which containers and images that nobody needs shall go."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from minidocker.engine.filters import spec_of
from minidocker.engine.standing import moment
from minidocker.engine.told import gone, pruned
from minidocker.images.store import catalogue, changes
from minidocker.images.store.changes import Removed
from minidocker.images.store.store import Store
from minidocker.verbs.image_rows import exact
from minidocker.verbs.narrow import (
    add_filter,
    by_label,
    by_switch,
    narrow,
    older_than,
    without_label,
)
from minidocker.verbs.parser import no_question

Record = dict[str, Any]
ALL = ("dangling=false", "dangling=0")  # Docker's other way to write -a
TESTS = {"until": older_than("Made"), "label": by_label, "label!": without_label}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --force, and --filter without its short form."""
    no_question(parser)
    add_filter(parser, "until=24h, label, label!", short=False)


def containers(records: Sequence[Record], texts: Sequence[str]) -> list[Record]:
    """Return the containers that are asked for."""
    rows = [
        {"Made": moment(record, "created"), "Labels": spec_of(record).get("labels") or {},
         "record": record}
        for record in records
    ]  # fmt: skip
    return [row["record"] for row in narrow(rows, texts, TESTS)]


def remove_images(store: Store, everything: bool, texts: Sequence[str]) -> int:
    """Remove images that nobody needs, in Docker's words; return the bytes that are free now."""
    found = list(images(store, everything, texts)) if everything or texts else []
    found += [] if texts else changes.prune(store)
    lines = [said(one) for one in gone(store.root, found)]
    if lines:
        print("Deleted Images:", *lines, "", sep="\n")
    freed = sum(one.size for one in found)
    pruned(store.root, "image", freed)
    return freed


def said(one: Removed) -> str:
    """Say in Docker's words what is gone; what is no image's, in ours."""
    words = {"name": "untagged", "image": "deleted", "layer": "deleted"}
    return f"{words[one.kind]}: {one.name}" if one.kind in words else str(one)


def images(store: Store, everything: bool, texts: Sequence[str]) -> Iterator[Removed]:
    """Remove images that no container uses and that are asked for; those with a name too, if so."""
    unused = [entry for entry in catalogue.entries(store) if not entry.containers]
    rows = []
    for entry in unused:
        config = catalogue.config_of(store, entry.id.removeprefix("sha256:")).get("config") or {}
        rows.append({
            "Made": exact(entry.created), "Labels": config.get("Labels") or {},
            "Dangling": not entry.names, "entry": entry,
        })  # fmt: skip
    everything = everything or any(text.replace(" ", "") in ALL for text in texts)
    for row in narrow(rows, texts, {**TESTS, "dangling": by_switch("Dangling")}):
        entry = row["entry"]
        if everything or not entry.names:
            yield from changes.remove(store, entry.names or [entry.id])
