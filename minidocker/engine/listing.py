"""The rows of `ps`: Docker's fields and headings, from the containers' records."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from minidocker.engine import revival
from minidocker.engine.filters import networks_of, spec_of
from minidocker.engine.standing import moment, span, state_of, status_of
from minidocker.formats.rows import one_line
from minidocker.images.store.catalogue import layer_facts
from minidocker.images.store.store import Store
from minidocker.spec.filters import Filters

COLUMNS = {
    "Command": "COMMAND", "CreatedAt": "CREATED AT", "ID": "CONTAINER ID", "Image": "IMAGE",
    "Labels": "LABELS", "LocalVolumes": "LOCAL VOLUMES", "Mounts": "MOUNTS", "Names": "NAMES",
    "Networks": "NETWORKS", "Ports": "PORTS", "RunningFor": "CREATED", "Size": "SIZE",
    "State": "STATE", "Status": "STATUS",
}  # fmt: skip
USUAL = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
WIDEST = 20  # characters of a command, unless --no-trunc
SHORT = 12  # digits of an id


def chosen(
    store: Store, filters: Filters, everything: bool = False, last: int = -1
) -> list[dict[str, Any]]:
    """Return the records that are asked for, the newest first.

    `last`: so many of the newest, whatever they do now. A filter on how they ended looks at all.
    """
    looked_at = everything or last >= 0 or "status" in filters or "exited" in filters
    found = [
        record for record in revival.records(store)
        if (record["alive"] or looked_at) and filters.fit(record)
    ]  # fmt: skip
    found.sort(key=lambda record: (moment(record, "created"), record["id"]), reverse=True)
    return found[:last] if last >= 0 else found


def row(store: Store, record: dict[str, Any], whole: bool, sized: bool) -> dict[str, Any]:
    """Return one container's fields; `whole` cuts nothing off, `sized` adds up its files."""
    spec, labels = spec_of(record), spec_of(record).get("labels") or {}
    mounts = spec.get("mounts") or []
    created = moment(record, "created")
    local = time.localtime(created)
    return {
        "Command": json.dumps(
            cut(" ".join((spec.get("process") or {}).get("args") or []), WIDEST, whole),
            ensure_ascii=False,
        ),
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S %z %Z", local),
        "ID": record["id"] if whole else record["id"][:SHORT],
        "Image": record["image"] or (spec.get("root") or {}).get("path") or "",
        "Labels": one_line(",".join(f"{name}={text}" for name, text in sorted(labels.items()))),
        "LocalVolumes": str(sum(1 for mount in mounts if mount.get("volume"))),
        "Mounts": ",".join(cut(mount.get("volume") or mount["source"], 15, whole)
                           for mount in mounts if mount.get("source")),
        "Names": record["name"] or record["id"][:SHORT],
        "Networks": ",".join(networks_of(record)),
        "Ports": ports(record),
        "RunningFor": f"{span(time.time() - created)} ago",
        "Size": size_text(*sizes(store, record)) if sized else "0B",
        "State": state_of(record),
        "Status": status_of(record),
        "Label": lambda name: labels.get(name, ""),
    }  # fmt: skip


def cut(text: str, most: int, whole: bool) -> str:
    """Shorten a text to so many characters, the last one "…"."""
    return text if whole or len(text) <= most else text[: most - 1] + "…"


def ports(record: dict[str, Any]) -> str:
    """Say which ports of this host lead to a container that runs."""
    if not record["alive"]:
        return ""
    return ", ".join(
        f"{port['address'] or '0.0.0.0'}:{port['host']}->{port['container']}/{port['protocol']}"
        for port in (spec_of(record).get("net") or {}).get("ports") or ()
    )


def sizes(store: Store, record: dict[str, Any]) -> tuple[int, int]:
    """Return the bytes of a container's own files, and of those with its image's.

    Files with several names count once. What may not be read counts nothing.
    """
    own, seen = 0, set()
    for folder, _, names in os.walk(os.path.join(record["directory"], "upper")):
        for name in names:
            try:
                info = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            if info.st_nlink == 1 or (info.st_dev, info.st_ino) not in seen:
                own += info.st_size
                seen.add((info.st_dev, info.st_ino))
    layers = (spec_of(record).get("root") or {}).get("layers") or []
    below = sum(
        int(layer_facts(store, os.path.basename(os.path.dirname(path))).get("bytes", 0))
        for path in layers
    )
    return own, own + below


def size_text(own: int, total: int) -> str:
    """Write sizes as Docker's `ps -s` does: "2B (virtual 4.43MB)"."""
    return f"{decimal(own)} (virtual {decimal(total)})"


def decimal(size: float) -> str:
    """Write a size with three digits, in thousands: 4.43MB."""
    unit = 0
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    while size >= 1000 and unit < len(units) - 1:
        size /= 1000
        unit += 1
    return f"{size:.3g}{units[unit]}"
