"""`minidocker history`: the steps that made an image, in Docker's words."""

from __future__ import annotations

import time
from typing import Any

from minidocker.engine.listing import decimal
from minidocker.engine.standing import span
from minidocker.formats.rows import show
from minidocker.images.store import carry, catalogue
from minidocker.images.store.store import Store
from minidocker.verbs.image_rows import moment
from minidocker.verbs.parser import make

COLUMNS = {
    "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY",
    "Size": "SIZE", "Comment": "COMMENT",
}  # fmt: skip
USUAL = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
HUMAN = ("-H", "--human")
WIDEST = 45  # characters of a step that are shown, as in Docker
AFTER = """\
examples:
  minidocker history app
  minidocker history --no-trunc --format '{{.CreatedBy}}' app
  minidocker image history app            with the layers instead of the image

Only the newest step has an image of its own; <missing> is Docker's word for the others.
"""


def main(argv: list[str]) -> int:
    """Print the steps, newest first; return the exit status."""
    parser = make("history", "Show the steps that made an image, newest first.", AFTER)
    parser.add_argument("name", metavar="IMAGE", help="a name, or the beginning of an id")
    parser.add_argument("--format", default="", metavar="FORMAT",
                        help="table, json, a template, or 'table TEMPLATE'")  # fmt: skip
    parser.add_argument(*HUMAN, action="store_true", help="for people, if not --human=false")
    parser.add_argument("--no-trunc", action="store_true", help="whole ids and steps")
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    exact = [f"{word}=false" for word in HUMAN]
    human = not any(word in exact for word in argv)
    args = parser.parse_args([word.removesuffix("=true") for word in argv if word not in exact])
    store = Store()
    carry.ready(store)
    rows = all_rows(store, args.name, args.no_trunc, human)
    if args.quiet:
        print("\n".join(row["ID"] for row in rows))
        return 0
    usual = USUAL if human else USUAL.replace("CreatedSince", "CreatedAt")
    show(rows, args.format, COLUMNS, usual)
    return 0


def all_rows(store: Store, name: str, whole: bool, human: bool) -> list[dict[str, Any]]:
    """Return a row for each step, newest first; `whole` cuts nothing."""
    id = store.resolve(name).id
    rows: list[dict[str, Any]] = []
    for step in catalogue.history(store, name):
        created = moment(step["created"])
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created)) if created else "N/A"
        by = step["created_by"]
        rows.append({
            "ID": "<missing>" if rows else id if whole else id[7:19],
            "CreatedAt": at,
            "CreatedSince": f"{span(time.time() - created)} ago" if created else "N/A",
            "CreatedBy": by if whole or len(by) <= WIDEST else by[: WIDEST - 1] + "…",
            "Size": decimal(step["size"]) if human else str(step["size"]),
            "Comment": step["comment"],
        })  # fmt: skip
    return rows
