"""The rows of `images`: Docker's fields and headings."""

from __future__ import annotations

import argparse
import calendar
import contextlib
import json
import re
import sys
import time
from collections.abc import Iterable
from typing import Any

from minidocker.engine.listing import decimal
from minidocker.engine.standing import span
from minidocker.errors import Blocked, NotFound
from minidocker.formats.rows import show
from minidocker.images.store import catalogue
from minidocker.images.store.store import Store
from minidocker.verbs import image_filters

COLUMNS = {
    "Containers": "CONTAINERS", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED",
    "Digest": "DIGEST", "ID": "IMAGE ID", "Repository": "REPOSITORY", "SharedSize": "SHARED SIZE",
    "Size": "SIZE", "Tag": "TAG", "UniqueSize": "UNIQUE SIZE", "VirtualSize": "SIZE",
}  # fmt: skip
USUAL = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
WITH_DIGESTS = USUAL.replace("{{.ID}}", "{{.Digest}}\t{{.ID}}")
NEVER = "1970-01-01"  # a time of 0 stands for "not said", so that ids stay equal


def show_images(store: Store, args: argparse.Namespace) -> None:
    """Print the images that `image ls` was asked for: in a table, as JSON, or their ids."""
    entries = catalogue.entries(store)
    rows = all_rows(entries, store)
    if args.wanted:
        fits = image_filters.reference(args.wanted)
        rows = [row for row in rows if fits({"row": row})]
    made = {entry.id: exact(entry.created) for entry in entries}
    rows = image_filters.chosen(store, rows, made, args.filter)
    if args.json:
        ids = {row["id"] for row in rows}
        print(json.dumps([entry._asdict() for entry in entries if entry.id in ids], indent=1))
        return
    for row in rows:
        id = row.pop("id")
        row["ID"] = id if args.no_trunc else id[7:19]
    found = [dict(sorted(row.items())) for row in rows]  # as Docker's JSON has them
    if args.quiet:
        for row in found:
            print(row["ID"])
        return
    show(found, args.format, COLUMNS, WITH_DIGESTS if args.digests else USUAL)
    if not entries:
        print("there are no images yet\n  try: minidocker image build-base", file=sys.stderr)


def all_rows(entries: Iterable[catalogue.Entry], store: Store) -> list[dict[str, Any]]:
    """Return a row for each name, and for each image without one; `id` is its whole id."""
    manifests = {name: manifest for name, (_, manifest) in catalogue.tags(store).items()}
    rows = []
    for entry in entries:
        for full in entry.names or ["<none>:<none>"]:
            repository, _, tag = full.partition("@")[0].rpartition(":")
            if "@" in full:
                repository, tag = full.partition("@")[0], "<none>"
            created = moment(entry.created)
            rows.append({
                "Containers": str(len(entry.containers)),
                "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(created))
                if created else "N/A",
                "CreatedSince": f"{span(time.time() - created)} ago" if created else "N/A",
                "Digest": f"sha256:{manifests[full]}" if manifests.get(full) else "<none>",
                "id": entry.id,
                "Repository": repository,
                "SharedSize": "N/A",
                "Size": decimal(entry.size),
                "Tag": tag,
                "UniqueSize": "N/A",
                "VirtualSize": decimal(entry.size),
            })  # fmt: skip
    return rows


def is_here(store: Store, name: str) -> bool:
    """Say whether the store has an image; where not, say it to people, too."""
    try:
        store.resolve(name)
    except Blocked:
        return True  # it is damaged, and may be removed
    except NotFound as problem:
        print(f"minidocker: {problem.message}", file=sys.stderr)
        return False
    return True


def moment(created: str) -> int:
    """Return the seconds since 1970 of an RFC 3339 time; 0 for one that was not said."""
    if created.startswith(NEVER):
        return 0
    with contextlib.suppress(ValueError, OverflowError):
        return calendar.timegm(time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S"))
    return 0


def exact(created: str) -> float:
    """The same with its parts of a second: two images may be made in one."""
    fraction = re.match(r"[^.]{19}(\.\d{1,9})", created)
    return moment(created) + (float(fraction[1]) if fraction else 0.0)
