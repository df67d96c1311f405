"""The rows of `images`: Docker's fields and headings."""

from __future__ import annotations

import calendar
import contextlib
import time
from typing import Any

from minidocker.engine.listing import decimal
from minidocker.engine.standing import span
from minidocker.formats.rows import show
from minidocker.images.store import catalogue
from minidocker.images.store.image import with_tag
from minidocker.images.store.store import Store

COLUMNS = {
    "Containers": "CONTAINERS", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED",
    "Digest": "DIGEST", "ID": "IMAGE ID", "Repository": "REPOSITORY", "SharedSize": "SHARED SIZE",
    "Size": "SIZE", "Tag": "TAG", "UniqueSize": "UNIQUE SIZE", "VirtualSize": "SIZE",
}  # fmt: skip
USUAL = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
WITH_DIGESTS = USUAL.replace("{{.ID}}", "{{.Digest}}\t{{.ID}}")
NEVER = "1970-01-01"  # a time of 0 stands for "not said", so that ids stay equal


def show_images(store: Store, format: str, whole: bool, digests: bool, wanted: str) -> int:
    """Print the images, or those of one name; return how many there were."""
    rows = [each for each in all_rows(store, whole) if not wanted or fits(each, wanted)]
    show(rows, format, COLUMNS, WITH_DIGESTS if digests else USUAL)
    return len(rows)


def all_rows(store: Store, whole: bool) -> list[dict[str, Any]]:
    """Return a row for each name, and for each image without one; `whole` cuts no id."""
    manifests = {name: manifest for name, (_, manifest) in catalogue.tags(store).items()}
    rows = []
    for entry in catalogue.entries(store):
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
                "ID": entry.id if whole else entry.id[7:19],
                "Repository": repository,
                "SharedSize": "N/A",
                "Size": decimal(entry.size),
                "Tag": tag,
                "UniqueSize": "N/A",
                "VirtualSize": decimal(entry.size),
            })  # fmt: skip
    return rows


def fits(row: dict[str, Any], wanted: str) -> bool:
    """Say whether a row has the name that was asked for, with or without a tag."""
    name = f"{row['Repository']}:{row['Tag']}"
    return wanted == row["Repository"] or with_tag(wanted) == name


def moment(created: str) -> int:
    """Return the seconds since 1970 of an RFC 3339 time; 0 for one that was not said."""
    if created.startswith(NEVER):
        return 0
    with contextlib.suppress(ValueError, OverflowError):
        return calendar.timegm(time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S"))
    return 0
